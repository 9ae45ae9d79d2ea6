"""A kernel on this machine: started in its own process group, and nobody of it left alive."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL

from jupyter_client import AsyncKernelManager

from autograder.executor.client import CappedClient


@asynccontextmanager
async def kernel(client: CappedClient, folder: Path):
    """Start a kernel in its own process group, and leave nobody of that group alive."""
    name = client.nb.metadata.get("kernelspec", {}).get("name") or "python3"
    client.km = manager = AsyncKernelManager(kernel_name=name)
    # The instructor's IPython profile must not decide a student's score.
    env = {**os.environ, "NBGRADER_EXECUTION": "autograde", "IPYTHONDIR": str(folder.parent / "ipython")}
    group = None
    try:
        await client.async_start_new_kernel(cwd=str(folder), env=env, stdout=DEVNULL, stderr=DEVNULL)
        group = getattr(manager.provisioner, "pgid", None)
        await client.async_start_new_kernel_client()
        yield
    finally:
        if group:
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        if client.km is not None:
            await client._async_cleanup_kernel()


async def exit_code(client: CappedClient) -> int | None:
    """Return how a dead kernel ended: as subprocess says it, or None."""
    for _ in range(10):  # a killed process takes a moment to have an exit code
        code = await client.km.provisioner.poll()
        if code is not None:
            return code
        await asyncio.sleep(0.1)
    return None


def exit_words(code: int | None) -> str:
    """Say what an exit code means."""
    words = {
        0: "the code ended it, as exit() and quit() do",
        -signal.SIGKILL: "it was killed, which mostly means that the memory ran out",
        -signal.SIGSEGV: "it crashed (segmentation fault, often endless recursion or a broken library)",
        -signal.SIGABRT: "it aborted itself (a library gave up)",
        None: "nobody knows why",
    }
    return words.get(code, f"the code ended it with exit code {code}")
