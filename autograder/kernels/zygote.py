"""The zygote: a process that has imported what takes long to import, and forks kernels from itself.

It speaks with its owner over a socket it inherited, so nobody else can ask it for anything, and it ends when
the owner closes that socket or dies. It must have one thread, and TensorFlow must have done nothing but be
imported: a fork of anything more hangs.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys

# What a lesson imports, and what an IPython kernel and its first figure import.
MODULES = """numpy sklearn.datasets matplotlib.pyplot tensorflow keras sqlite3 ipykernel.debugger
ipykernel.kernelapp IPython.core.completerlib IPython.core.debugger IPython.core.pylabtools
IPython.extensions.storemagic tornado.platform.asyncio matplotlib.backends.backend_agg
pygments.formatters.terminal256""".split()
REQUEST = 1 << 17  # bytes of the longest request


def main(channel: int, warm: bool) -> None:
    """Import, report, fork on request until the owner is gone."""
    owner = socket.socket(fileno=channel)
    gc.disable()  # what is imported stays: looking for garbage among it took a quarter of the time
    try:
        _import(MODULES if warm else [])
        report = {"ready": os.getpid(), "plan": _prepare()}
    except Exception as error:
        report = {"error": f"{type(error).__name__}: {error}"}
    owner.send(json.dumps(report).encode())
    if "ready" in report:
        _serve(owner, report["plan"])
        os._exit(0)  # taking TensorFlow apart in order would keep the owner waiting for seconds


def _import(names: list[str]) -> None:
    for name in names:
        importlib.import_module(name)


def _prepare() -> str:
    """Make sure that forking is safe; return the best plan for namespaces."""
    if "keras" in sys.modules:
        _fail_once()
    # Imported late: `birth` imports ipykernel, and what draws figures must be told first how.
    from autograder.kernels import birth, namespaces  # noqa: F401

    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"after its imports it has {threads} threads, and one is all that can be forked")
    plan = namespaces.best()
    gc.freeze()  # for the children, too: a collection there would copy every page
    return plan


def _fail_once() -> None:
    """Format a traceback: for the first one, Python looks where each of some 4,000 modules lies."""
    from IPython.core.ultratb import FormattedTB

    try:
        raise AssertionError("only to be formatted")
    except AssertionError:
        FormattedTB(mode="Context").structured_traceback(*sys.exc_info())


def _serve(owner: socket.socket, plan: str) -> None:
    from autograder.kernels.birth import bear

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # doors that close leave no zombies
    while True:
        data, fds, _, _ = socket.recv_fds(owner, REQUEST, 3)
        if not data:
            return
        if os.fork() == 0:
            bear(json.loads(data), plan, fds)
        for fd in fds:
            os.close(fd)
