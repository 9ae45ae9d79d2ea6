"""A kernel on this machine for one submission, and nobody of it left alive.

Each function here is an async context manager `(client, folder, limits, share)` that starts a kernel for a
client. It works in `folder`, and may use the folders `share` besides.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import Empty
from subprocess import DEVNULL
from time import monotonic

from jupyter_client import AsyncKernelClient, AsyncKernelManager

from autograder.executor.client import CappedClient
from autograder.executor.limits import Limits
from autograder.kernels.bwrap import BubbleProvisioner
from autograder.kernels.provisioner import WarmProvisioner
from autograder.kernels.seal import limit_child

SPARE = 60  # seconds a kernel may outlive its limit, should the grader forget about it
# Kernels run side by side: one's threads would take another's core. Nor may last digits, which the number of
# threads can change, depend on the machine. Who sets the variable decides otherwise.
THREADS = {"TF_NUM_INTRAOP_THREADS": "1"}


class PromptClient(AsyncKernelClient):
    """Ready when its kernel says that it is idle, rather than after 0.2 s in which it said nothing."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered; raises RuntimeError when it dies or after `timeout` seconds."""
        end = monotonic() + (timeout or float("inf"))
        while monotonic() < end:
            asked = self.kernel_info()
            with suppress(Empty):  # it is not up yet, or what it said came before we could hear it: ask again
                await self._said(self.shell_channel, asked, 1, "kernel_info_reply")
                return await self._said(self.iopub_channel, asked, 0.05, "idle")
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _said(self, channel, asked: str, patience: float, what: str) -> None:
        """Wait for one answer to what was asked, of a type or a state; raises Empty after a silence."""
        while True:
            message = await channel.get_msg(timeout=patience)
            named = (message["msg_type"], message["content"].get("execution_state"))
            if message["parent_header"].get("msg_id") == asked and what in named:
                return


@asynccontextmanager
async def sealed(
    client: CappedClient,
    folder: Path,
    limits: Limits,
    share: Sequence[Path] = (),
    provisioner=WarmProvisioner,
):
    """A kernel forked from a warm process, sealed; raises NoSeal where that cannot be had."""
    manager = client.km = AsyncKernelManager(kernel_name=_kernel_name(client), client_factory=PromptClient)
    manager.provisioner = mine = provisioner(
        kernel_id=manager.kernel_id or folder.parent.name,
        kernel_spec=manager.kernel_spec,
        parent=manager,
        limits=asdict(limits),
        wall=limits.total + limits.grace + SPARE,
        share=[str(one) for one in share],
        strict=True,
    )
    try:
        await _start(client, folder, os.environ)
        yield
    finally:
        await mine.kill()
        if client.km is not None:
            await client._async_cleanup_kernel()
        await mine.cleanup()


bubble = partial(sealed, provisioner=BubbleProvisioner)


@asynccontextmanager
async def plain(client: CappedClient, folder: Path, limits: Limits, share: Sequence[Path] = ()):
    """A kernel like any other, with limits (none on Windows): NOT sandboxed, it may do what you may."""
    client.km = manager = AsyncKernelManager(kernel_name=_kernel_name(client), client_factory=PromptClient)
    # The instructor's IPython profile must not decide a student's score.
    env = {**os.environ, "IPYTHONDIR": str(folder.parent / "ipython")}
    group = None
    try:
        limited = {"preexec_fn": partial(limit_child, asdict(limits))} if os.name == "posix" else {}
        await _start(client, folder, env, **limited)
        group = getattr(manager.provisioner, "pgid", None)
        yield
    finally:
        if group:
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        if client.km is not None:
            await client._async_cleanup_kernel()


def _kernel_name(client: CappedClient) -> str:
    return client.nb.metadata.get("kernelspec", {}).get("name") or "python3"


async def _start(client: CappedClient, folder: Path, env, **options) -> None:
    env = {**THREADS, **env, "NBGRADER_EXECUTION": "autograde"}
    await client.async_start_new_kernel(cwd=str(folder), env=env, stdout=DEVNULL, stderr=DEVNULL, **options)
    await client.async_start_new_kernel_client()


class KernelLost(Exception):
    """A kernel went with the process it was forked from: not the student's fault, and worth another try."""


async def end_words(client: CappedClient, limits: Limits) -> str:
    """Say how a dead kernel ended; raises KernelLost."""
    code = await _exit_code(client)
    why = getattr(getattr(client.km.provisioner, "kernel", None), "why", None)
    if why == "lost":
        raise KernelLost("The warm process died, and the kernel with it.")
    return exit_words(code, why, limits)


async def _exit_code(client: CappedClient) -> int | None:
    """Return how a dead kernel ended: as subprocess says it, or None."""
    for _ in range(10):  # a killed process takes a moment to have an exit code
        code = await client.km.provisioner.poll()
        if code is not None:
            return code
        await asyncio.sleep(0.1)
    return None


def exit_words(code: int | None, why: str | None = None, limits: Limits | None = None) -> str:
    """Say what an exit code means; `why` is the limit for which a keeper killed it."""
    limits = limits or Limits()
    words = {
        "memory": f"it used more than the {limits.memory / 1e9:g} GB of memory it may use",
        "processes": f"it started more than {limits.processes} processes",
        "disk": f"it wrote more than {limits.disk / 1e6:g} MB of files",
        "wall": "it ran too long",
        -signal.SIGXCPU: f"it used up its {limits.cpu:g} s of processor time",
        0: "the code ended it, as exit() and quit() do",
        -signal.SIGKILL: "it was killed, which mostly means that the memory ran out",
        -signal.SIGSEGV: "it crashed (segmentation fault, often endless recursion or a broken library)",
        -signal.SIGABRT: "it aborted itself (a library gave up, often for want of memory)",
    }
    if code is None:
        return "nobody knows why"
    return words.get(why) or words.get(code, f"the code ended it with exit code {code}")
