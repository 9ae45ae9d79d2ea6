"""Seal the process one is in: called in a forked kernel, after everything is imported, before any user code.

From the outside in: resource limits, no privileges, Landlock (files, TCP, signals), seccomp (system calls).
Namespaces come earlier, see `birth`. Nothing here needs privileges, and none of it can be undone.
"""

import math
import os
from contextlib import suppress
from pathlib import Path

from autograder.kernels import landlock, linux, seccomp
from autograder.kernels.usage import most_numbers

SLACK = 4 << 30  # address space that threads reserve and never touch
OPEN_FILES = 512
OTHERS = 500  # threads that the rest of a user may yet start, where Linux counts them with the kernel's

# Facts about the machine that libraries look up, and none about people.
SYSTEM = """/usr /bin /sbin /lib /lib32 /lib64 /etc/ld.so.cache /etc/alternatives /etc/localtime /etc/timezone
/etc/passwd /etc/group /etc/nsswitch.conf /etc/os-release /etc/debian_version /etc/hosts /etc/host.conf
/etc/resolv.conf /etc/mime.types /etc/fonts /etc/ssl/certs /etc/ssl/openssl.cnf /etc/inputrc /etc/bash.bashrc
/etc/matplotlibrc /nix/store /sys/devices/system /sys/fs/cgroup /proc/cpuinfo /proc/meminfo /proc/stat
/proc/filesystems /proc/version /proc/uptime /proc/loadavg /proc/self /dev/urandom /dev/random""".split()
DEVICES = ["/dev/null", "/dev/zero", "/dev/full"]


def possible() -> str | None:
    """Return why a process cannot be sealed on this machine, or None."""
    if linux.SYSTEM != "Linux":
        return f"{linux.SYSTEM} has no Landlock and no seccomp"
    if linux.MACHINE not in seccomp.AUDIT_ARCH:
        return f"the numbers of system calls on {linux.MACHINE} are not known here"
    if not landlock.abi():
        return "this Linux has no Landlock (it came with 5.13), or it is switched off"
    return None if seccomp.available() else "seccomp filters are not allowed here"


def limit_child(limits: dict) -> None:
    """Limit the resources of a process about to be executed: time, memory, the size of a file."""
    mine = {"VmData": SLACK >> 2, "VmSize": SLACK}  # what libraries will take
    _limit(limits, False, mine)


def seal(limits: dict, read: list[str], write: list[str], alone: bool, counted: bool) -> None:
    """Seal this process for good.

    `alone`: in a process namespace of its own. `counted`: in a user namespace of its own, so that the limit
    on processes counts only its own. (Linux never counts root's, see `birth`.) Raises OSError; the process
    must not go on then.
    """
    _volunteer()
    _limit(limits, counted, _memory())
    linux.drop_capabilities()
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict([*SYSTEM, *read], write, DEVICES)
    seccomp.install(alone)


def _volunteer() -> None:
    # When the machine runs out of memory, this process is the one to go.
    Path("/proc/self/oom_score_adj").write_text("1000")


def _limit(limits: dict, counted: bool, mine: dict[str, int]) -> None:
    seconds = math.ceil(limits["cpu"])
    _set("RLIMIT_CPU", seconds, seconds + 5)  # SIGXCPU says why; SIGKILL follows
    _set("RLIMIT_FSIZE", limits["file"])
    _set("RLIMIT_NOFILE", OPEN_FILES)
    _set("RLIMIT_CORE", 0)
    if linux.SYSTEM != "Linux":  # macOS refuses limits on memory, and counts a user's whole desktop
        return
    _set("RLIMIT_DATA", mine["VmData"] + limits["memory"])
    _set("RLIMIT_AS", mine["VmSize"] + limits["memory"] + SLACK)
    others = 0 if counted else OTHERS + _threads_of(os.getuid())
    _set("RLIMIT_NPROC", others + most_numbers(limits["processes"]))


def _threads_of(user: int) -> int:
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += len(os.listdir(process / "task")) if process.stat().st_uid == user else 0
    return found


def _set(name: str, soft: int, hard: int | None = None) -> None:
    import resource  # Windows has none, and calls nothing here

    what = getattr(resource, name)
    _, most = resource.getrlimit(what)
    hard = soft if hard is None else hard
    hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
    resource.setrlimit(what, (min(soft, hard), hard))


def _memory() -> dict[str, int]:
    """Return this process's sizes in bytes, by the names of /proc/self/status."""
    lines = (line.split() for line in open("/proc/self/status"))
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[0].startswith("Vm")}
