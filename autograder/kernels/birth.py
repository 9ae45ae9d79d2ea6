"""How a kernel is born: zygote → door → keeper → kernel, each forked from the one before.

The *door* leaves the namespaces, so that its child is the first process of new ones; it waits. The *keeper*
(see `keeper`) is that child. The *kernel* seals itself and becomes an IPython kernel. Each dies with its
parent.
"""

import atexit
import gc
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

from autograder.kernels import linux, namespaces, usage
from autograder.kernels.app import run
from autograder.kernels.keeper import keep
from autograder.kernels.seal import seal

SINCE_OWN_PID_MAX = (6, 14)  # before, writing it would change the whole machine


def bear(request: dict, plan: str, fds: list[int]) -> None:
    """Become the door of a new kernel; `fds` are the channel to its owner, its stdout and its stderr.

    `request` holds argv, cwd, env, packages and seal: None, or limits, read and write. Never returns.
    """
    try:
        channel = socket.socket(fileno=_arrange(fds))
        flags = namespaces.PLANS[plan] if request["seal"] else 0
        namespaces.enter(flags)
        _die_with_parent()
        keeper = os.fork()
        if keeper == 0:
            _keep(request, flags, channel)
        channel.send(json.dumps({"keeper": keeper}).encode())
        os.waitpid(keeper, 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _arrange(fds: list[int]) -> int:
    """Put stdin, stdout and stderr in their places, the channel behind them, and close all else."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    channel, out, err = (os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(fds))
    for target, source in enumerate([os.open(os.devnull, os.O_RDONLY), out, err, channel]):
        os.dup2(source, target, inheritable=target < 3)
    os.closerange(4, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))
    return 3


def _die_with_parent() -> None:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)


def _keep(request: dict, flags: int, channel: socket.socket) -> None:
    _die_with_parent()
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    sealed = request["seal"]
    if flags & namespaces.PROCESSES:
        _bound_processes(sealed["limits"]["processes"])
    kernel = os.fork()
    if kernel == 0:
        _become_kernel(request, flags, channel)
    with suppress(OSError):  # of root's processes any number may run; this one must get its turn among them
        os.nice(-10)
    watched = sealed and sealed["limits"] | {"base": usage.resident("self"), "folders": sealed["write"]}
    keep(kernel, channel, watched)
    os._exit(0)


def _bound_processes(most: int) -> None:
    """Let the namespace have few process numbers: the limit on processes does not bind root."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if tuple(map(int, release.groups())) >= SINCE_OWN_PID_MAX:
        with suppress(OSError):
            Path("/proc/sys/kernel/pid_max").write_text(str(usage.most_numbers(most)))


def _become_kernel(request: dict, flags: int, channel: socket.socket) -> None:
    code = 1
    try:
        _die_with_parent()
        channel.close()
        os.setsid()
        _settle(request)
        if request["seal"]:
            alone = bool(flags & namespaces.PROCESSES)
            seal(**request["seal"], alone=alone, counted=bool(flags & namespaces.USER))
        run(request["argv"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        os._exit(code)


def _settle(request: dict) -> None:
    """Make the copy of the zygote a process of its own: environment, folder, imports, random numbers."""
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # whatever the grader ignores, as under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    tempfile.tempdir = None
    os.chdir(request["cwd"])
    sys.meta_path.insert(0, Packages(request["packages"]))
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    gc.enable()


class Packages:
    """Find packages whose folder may be read, while the folder around them may not."""

    def __init__(self, folders: dict[str, str]):
        self.folders = folders

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        """Return where a package is, for Python's import."""
        folder = self.folders.get(name)
        if not folder:
            return None
        return spec_from_file_location(name, f"{folder}/__init__.py", submodule_search_locations=[folder])
