"""Refuse the system calls that a lesson never needs and an escape always does.

A filter is a program for the kernel's packet filter ("classic BPF"), run at every system call. It sees
numbers, never what a pointer points to; hence no `connect` at all rather than "no `connect` to this path".
"""

import ctypes
import errno
import os
from typing import NamedTuple

from autograder.kernels.landlock import TRUNCATE, abi, handled
from autograder.kernels.linux import MACHINE, number, syscall

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
X32 = 0x40000000  # a second table of calls on x86_64
NAMESPACES = 0x7E020080  # CLONE_NEW*, with CLONE_NEWTIME
TERMINAL = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the terminal of whoever started us

NEVER = """acct add_key adjtimex bpf chroot clock_adjtime clock_settime connect delete_module fanotify_init
finit_module fsconfig fsmount fsopen fspick init_module ioperm iopl ioprio_set kcmp kexec_file_load kexec_load
keyctl lookup_dcookie migrate_pages mount mount_setattr move_mount move_pages mq_open msgctl msgget msgrcv
msgsnd name_to_handle_at open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
process_mrelease process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key
sched_setattr sched_setparam semctl semget semop semtimedop setdomainname sethostname setns setpriority
settimeofday shmat shmctl shmget swapoff swapon syslog umount2 unshare userfaultfd vhangup""".split()
# Libraries try these and do without when the kernel is too old for them.
UNKNOWN = "clone3 io_uring_enter io_uring_register io_uring_setup memfd_create memfd_secret".split()
# Landlock lets whoever owns a file change its mode, times and owner: here nothing happens, and that succeeds,
# because libraries do so to files of their own.
WITHOUT_EFFECT = """chmod chown fchmod fchmodat fchmodat2 fchown fchownat fremovexattr fsetxattr futimesat
lchown lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat utime utimensat utimes""".split()
# The sender of these names a process by its number: only itself, unless no other can be seen.
SIGNALS = "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo".split()


class Instruction(NamedTuple):
    """One step: what to do, how many steps to skip when true or false, and a number."""

    code: int
    true: int
    false: int
    value: int


def program(alone: bool) -> list[Instruction]:
    """Return the filter; `alone` in a process namespace of its own it may signal what it sees."""
    steps = [Instruction(LOAD, 0, 0, 4), Instruction(EQUAL, 1, 0, AUDIT_ARCH[MACHINE]), _return(KILL)]
    steps.append(Instruction(LOAD, 0, 0, 0))
    if MACHINE == "x86_64":
        steps += [Instruction(AT_LEAST, 0, 1, X32), _return(ERRNO | errno.ENOSYS)]
    for name in NEVER:
        steps += _rule(name, [_return(ERRNO | errno.EPERM)])
    for name in UNKNOWN:
        steps += _rule(name, [_return(ERRNO | errno.ENOSYS)])
    for name in WITHOUT_EFFECT:
        steps += _rule(name, [_return(ERRNO)])
    steps += _conditional()
    if not handled(abi())[0] & TRUNCATE:
        steps += _no_truncation()
    if not alone:
        steps += _not_alone()
    return [*steps, _return(ALLOW)]


def program_inside(own: int) -> list[Instruction]:
    """Return the filter for a process numbered `own` in namespaces: it sets limits for itself only."""
    steps = [Instruction(LOAD, 0, 0, 4), Instruction(EQUAL, 1, 0, AUDIT_ARCH[MACHINE]), _return(KILL)]
    steps.append(Instruction(LOAD, 0, 0, 0))
    refused = [*_unless(0, (0, own), _return(ERRNO | errno.EPERM)), _return(ALLOW)]
    return [*steps, *_rule("prlimit64", refused), _return(ALLOW)]


def _conditional() -> list[Instruction]:
    refuse, unreachable = _return(ERRNO | errno.EPERM), _return(ERRNO | errno.ENETUNREACH)
    steps = _rule("clone", [_argument(0), Instruction(ANY_BIT, 0, 1, NAMESPACES), refuse, _return(ALLOW)])
    # A stream within this machine's file system, which nobody can connect, is what zmq binds; a datagram
    # could be sent to an address without connecting.
    steps += _rule("socket", [*_unless(0, (1,), unreachable), *_unless(1, (1,), refuse, 0xF), _return(ALLOW)])
    steps += _rule("socketpair", [*_unless(1, (1, 5), refuse, 0xF), _return(ALLOW)])
    steps += _rule("ioctl", [*_when(1, TERMINAL, refuse), _return(ALLOW)])
    steps += _rule("sched_setscheduler", [*_unless(1, (0,), refuse), _return(ALLOW)])  # zmq: the usual one
    steps += _rule("prctl", [*_when(0, (1,), refuse), _return(ALLOW)])  # stay bound to the keeper's life
    # Its keeper's limits are not its own: a keeper that can open no file sees nothing.
    for name in ("prlimit64", "sched_setaffinity"):
        steps += _rule(name, [*_unless(0, (0, os.getpid()), refuse), _return(ALLOW)])
    # An address in the low or the high half of the pointer.
    address = [*_unless(4, (0,), refuse), Instruction(LOAD, 0, 0, 16 + 8 * 4 + 4)]
    return steps + _rule("sendto", [*address, Instruction(EQUAL, 1, 0, 0), refuse, _return(ALLOW)])


def _not_alone() -> list[Instruction]:
    own, refuse = os.getpid(), _return(ERRNO | errno.EPERM)
    steps = []
    for name in SIGNALS:
        steps += _rule(name, [*_unless(0, (own,), refuse), _return(ALLOW)])
    for name in ("pidfd_open", "pidfd_send_signal", "tkill"):
        steps += _rule(name, [refuse])
    return steps


def _no_truncation() -> list[Instruction]:
    """Refuse what empties a file without opening it for writing; Landlock does so since its third version."""
    refuse = _return(ERRNO | errno.EPERM)
    steps = [*_rule("truncate", [refuse]), *_rule("openat2", [_return(ERRNO | errno.ENOSYS)])]
    emptied = os.O_RDONLY | os.O_TRUNC
    for name, flags in [("open", 1), ("openat", 2)]:
        test = [_argument(flags), Instruction(AND, 0, 0, os.O_ACCMODE | os.O_TRUNC)]
        steps += _rule(name, [*test, Instruction(EQUAL, 0, 1, emptied), refuse, _return(ALLOW)])
    return steps


def available() -> bool:
    """Whether this Linux knows filters that answer with an error (and lets us ask)."""
    try:
        return syscall("seccomp", 2, 0, ctypes.byref(ctypes.c_uint32(ERRNO))) == 0
    except OSError:
        return False


def _rule(name: str, body: list[Instruction]) -> list[Instruction]:
    """Run `body`, which ends in a return, for one system call."""
    found = number(name)
    return [] if found is None else [Instruction(EQUAL, 0, len(body), found), *body]


def _return(action: int) -> Instruction:
    return Instruction(RETURN, 0, 0, action)


def _argument(index: int) -> Instruction:
    """Load the low half of an argument: all that counts of an int, on machines with the low half first."""
    return Instruction(LOAD, 0, 0, 16 + 8 * index)


def _unless(index: int, allowed: tuple[int, ...], action: Instruction, mask: int = 0xFFFFFFFF):
    """Take the action unless the argument is one of these."""
    tests = [Instruction(EQUAL, len(allowed) - i, 0, v) for i, v in enumerate(allowed)]
    return [_argument(index), Instruction(AND, 0, 0, mask), *tests, action]


def _when(index: int, values: tuple[int, ...], action: Instruction) -> list[Instruction]:
    """Take the action when the argument is one of these."""
    steps = [_argument(index)]
    for value in values:
        steps += [Instruction(EQUAL, 0, 1, value), action]
    return steps


class _Step(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(_Step))]


def install(alone: bool) -> None:
    """Filter this process and all it will start, for good; `no_new_privs` must be set.

    Raises OSError where the kernel has no filters, KeyError on a machine whose numbers are not known here.
    """
    array = compiled(program(alone))
    syscall("seccomp", 1, 0, ctypes.byref(_Program(len(array), array)))


def compiled(steps: list[Instruction]) -> ctypes.Array:
    """Return a filter as Linux wants it."""
    return (_Step * len(steps))(*[_Step(*step) for step in steps])
