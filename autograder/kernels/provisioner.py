"""A kernel provisioner: whatever starts a kernel by the kernelspec `pruning-warm` gets a sealed fork.

Works for `autograder grade`, for stock `nbgrader autograde` and for the Validate button alike. Where nothing
can be sealed, or no process can be forked from, the kernel starts as any other does, and a notice says so.
"""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Dict, Float, List

from autograder.executor.limits import DEFAULT, Limits
from autograder.kernels import warm
from autograder.kernels.forked import Kernel
from autograder.kernels.room import Room
from autograder.kernels.seal import possible

LAUNCHER = "ipykernel_launcher"


class WarmProvisioner(LocalProvisioner):
    """Kernels forked from this process's zygote, over sockets in a folder of their own.

    `limits` are fields of `Limits` that differ from the defaults, `wall` seconds after which the kernel is
    ended (0: never), `strict` says to raise NoZygote rather than to start a kernel that is not sealed. All
    can stand in the kernelspec, at metadata.kernel_provisioner.config.
    """

    limits = Dict(help="What the code may use, by the names of autograder.executor.limits.Limits.")
    wall = Float(0)
    share = List(help="Folders that the code may read and write besides its own.")
    strict = Bool(False)
    room: Room | None = None
    kernel: Kernel | None = None
    notice: str | None = None

    def obstacle(self) -> str | None:
        """Return why this machine cannot do it, or None."""
        return possible()

    async def pre_launch(self, **kwargs) -> dict:
        """Give the kernel a folder, and its sockets a place in it."""
        self.notice = self.obstacle()
        if not self.notice and self.room is None:
            self.room = Room()
            manager = self.parent
            manager.transport, manager.cache_ports = "ipc", False
            manager.ip = str(self.room.folder / "ipc")
            manager.connection_file = str(self.room.folder / "kernel.json")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs) -> dict:
        """Fork the kernel, or start it cold with a notice."""
        if self.room:
            try:
                return await self.launch_sealed(cmd, **kwargs)
            except warm.NoZygote as error:
                self.notice = str(error)
        if self.strict:
            raise warm.NoZygote(self.notice)
        self.log.warning("UNSANDBOXED, cold kernel: %s.", self.notice)
        return await super().launch_kernel(cmd, **kwargs)

    async def launch_sealed(self, cmd: list[str], **kwargs) -> dict:
        """Fork the kernel; raises NoZygote."""
        self.process = self.kernel = await asyncio.to_thread(self._fork, cmd, kwargs)
        self.pid, self.cwd = self.kernel.pid, kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    def request(self, arguments: list[str], kwargs: Mapping) -> dict:
        """Return what a sealed kernel is to be like."""
        limits = Limits(**{**vars(DEFAULT), **self.limits})
        cwd = str(kwargs.get("cwd") or os.getcwd())
        request = self.room.request(arguments, cwd, kwargs["env"], limits, self.wall or None)
        request["seal"]["write"] += [str(Path(folder).resolve()) for folder in self.share]
        return request

    def _fork(self, cmd: list[str], kwargs: Mapping) -> Kernel:
        if LAUNCHER not in cmd:
            raise warm.NoZygote(f"{' '.join(cmd)} is no IPython kernel")
        request = self.request(cmd[cmd.index(LAUNCHER) + 1 :], kwargs)
        with ExitStack() as files:
            out, err = (_descriptor(kwargs.get(name), default, files) for name, default in STREAMS)
            return warm.fork(request, out, err)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the kernel's folder when all of its processes are gone."""
        await super().cleanup(restart)
        if self.kernel:
            self.kernel.kill()
            await asyncio.to_thread(self.kernel.gone, 5)
        if self.room and not restart:
            await asyncio.to_thread(self.room.close)
            self.room = None


STREAMS = [("stdout", 1), ("stderr", 2)]


def _descriptor(stream, default: int, files: ExitStack) -> int:
    """Return the file that Popen would use for a stream."""
    if stream in (subprocess.DEVNULL, subprocess.PIPE):
        return files.enter_context(open(os.devnull, "w")).fileno()
    return default if stream is None else stream if isinstance(stream, int) else stream.fileno()
