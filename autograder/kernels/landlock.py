"""Landlock: what of the file system this process may touch, whoever it is (kernel.org/doc, since Linux 5.13).

A rule allows kinds of access beneath a path; everything a ruleset handles and no rule allows is refused.
"""

import ctypes
import os
from collections.abc import Iterable

from autograder.kernels.linux import syscall

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << i for i in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
TCP = 0b11  # bind and connect
SCOPES = 0b11  # abstract sockets and signals stay inside
READ = EXECUTE | READ_FILE | READ_DIR
OWN = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM
OWN |= REFER | TRUNCATE
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("fd", ctypes.c_int32)]


def abi() -> int:
    """Return the version of Landlock in this kernel; 0 when it has none, or does not let us use it."""
    try:
        return syscall("landlock_create_ruleset", ctypes.c_void_p(None), 0, 1)
    except OSError:
        return 0


def handled(version: int) -> tuple[int, int, int]:
    """Return what a version can refuse: kinds of access to files, to the network, and scopes."""
    files = (1 << 13) - 1
    for since, kind in [(2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)]:
        files |= kind if version >= since else 0
    return files, TCP if version >= 4 else 0, SCOPES if version >= 6 else 0


def restrict(read: Iterable[str], write: Iterable[str], devices: Iterable[str]) -> None:
    """Allow reading (and executing) and writing beneath these paths and nothing else, for good.

    Paths that do not exist are left out. `no_new_privs` must be set. Raises OSError without Landlock.
    """
    files, net, scoped = handled(abi())
    attributes = _Ruleset(files, net, scoped)
    size = 24 if scoped else 16 if net else 8
    ruleset = syscall("landlock_create_ruleset", ctypes.byref(attributes), size, 0)
    for paths, access in [(read, READ), (write, OWN), (devices, READ_FILE | WRITE_FILE)]:
        for path in paths:
            _allow(ruleset, path, access & files)
    syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        access &= OF_FILES
    syscall("landlock_add_rule", ruleset, 1, ctypes.byref(_Beneath(access, fd)), 0)
    os.close(fd)
