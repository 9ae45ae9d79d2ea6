"""The keeper: the parent of one kernel. It passes signals on, watches limits, and leaves nobody alive.

It is the first process of the kernel's namespace, so that all others there end with it. Where there are no
namespaces it adopts what the kernel leaves behind, and kills that.
"""

import json
import os
import select
import signal
import socket
import time
from contextlib import suppress

from autograder.kernels import usage

TICK = 0.25  # seconds between two looks at the limits


def keep(kernel: int, channel: socket.socket, limits: dict | None) -> None:
    """Stay until the kernel has ended, then say how; `limits` is None for a kernel nobody limits."""
    woken = _children_wake()
    poller = select.poll()
    for fd in (woken, channel.fileno()):
        poller.register(fd, select.POLLIN)
    started, why, code = time.monotonic(), None, None
    while code is None:
        poller.poll(TICK * 1000 if limits else None)
        with suppress(BlockingIOError):
            os.read(woken, 4096)
        if not _obey(kernel, channel):
            why = "abandoned"
        elif limits and not why:
            why = usage.excess(limits, time.monotonic() - started)
        if why:
            _signal(kernel, signal.SIGKILL)
        code = _reap(kernel)
    _end_all()
    with suppress(OSError):
        channel.send(json.dumps({"exit": code, "why": why}).encode())


def _children_wake() -> int:
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _obey(kernel: int, channel: socket.socket) -> bool:
    """Pass on the signals asked for; say whether anybody is left to ask."""
    while True:
        try:
            message = channel.recv(1024, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not message:
            return False
        _signal(kernel, json.loads(message)["signal"])


def _signal(kernel: int, number: int) -> None:
    try:
        os.killpg(kernel, number)
    except ProcessLookupError:  # so young that it leads no group yet
        with suppress(ProcessLookupError):
            os.kill(kernel, number)


def _reap(kernel: int) -> int | None:
    """Collect every child that has ended; return the kernel's exit code if it is one of them."""
    code = None
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == kernel:
                code = os.waitstatus_to_exitcode(found[1])
    return code


def _end_all() -> None:
    """Kill and collect all who were left behind, and whoever they leave behind in turn."""
    while True:
        for pid in [-1] if os.getpid() == 1 else _frozen():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _frozen() -> set[int]:
    """Stop everybody below, then return them: killed one by one, some would fork faster than they die."""
    stopped: set[int] = set()
    while found := set(usage.descendants("self")) - stopped:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= found
    return stopped
