"""Namespaces: a kernel that sees no other process, no network and no shared memory of anybody else."""

import os
import signal

from autograder.kernels import linux

USER, PROCESSES, NETWORK, MEMORY = 0x10000000, 0x20000000, 0x40000000, 0x08000000
# From the best to none; the second is for root where user namespaces are switched off.
PLANS = {
    "user, processes, network, shared memory": USER | PROCESSES | NETWORK | MEMORY,
    "processes, network, shared memory": PROCESSES | NETWORK | MEMORY,
    "none": 0,
}


def enter(flags: int) -> None:
    """Leave this process's namespaces; process numbers start anew with its next child.

    Raises OSError where it is not allowed; the process must then end.
    """
    user, group = os.getuid(), os.getgid()
    if flags:
        linux.unshare(flags)
    if flags & USER:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def best() -> str:
    """Return the name of the best plan that works here, found by trying it in a child."""
    return next(name for name, flags in PLANS.items() if _works(flags))


def _works(flags: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            enter(flags)
            inner = os.fork()  # the first process of the new namespace: this fails when that is not allowed
            if inner == 0:
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        except BaseException:
            os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
