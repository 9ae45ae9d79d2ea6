"""Start a kernel as Jupyter does, run cells in it, look at what came out."""

import asyncio
from contextlib import asynccontextmanager
from subprocess import DEVNULL

from jupyter_client import AsyncKernelManager

from autograder.kernels.provisioner import WarmProvisioner


class Session:
    """A running kernel and its client."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    @property
    def kernel(self):
        return self.manager.provisioner.kernel

    async def run(self, code, timeout=60):
        """Run a cell; return what it printed and displayed as one text."""
        parts = []

        def take(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                parts.append(content["text"])
            elif message["msg_type"] == "error":
                parts.append(f"{content['ename']}: {content['evalue']}")
            elif "data" in content:
                parts.append(" ".join(content["data"]))

        await self.client.execute_interactive(code, timeout=timeout, output_hook=take)
        return "".join(parts).strip()

    async def ended(self):
        """Return the exit code of a kernel that is about to end, and why its keeper ended it."""
        while await self.manager.is_alive():
            await asyncio.sleep(0.05)
        return self.kernel.returncode, self.kernel.why


@asynccontextmanager
async def session(folder, **config):
    """A sealed kernel in a folder."""
    manager = AsyncKernelManager(kernel_name="python3")
    manager.provisioner = provisioner = WarmProvisioner(
        kernel_id="test", kernel_spec=manager.kernel_spec, parent=manager, strict=True, **config
    )
    await manager.start_kernel(cwd=str(folder), stdout=DEVNULL, stderr=DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield Session(manager, client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        await provisioner.cleanup()
