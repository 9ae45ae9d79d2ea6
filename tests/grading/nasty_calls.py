"""What every escape begins with, and system calls that must be refused."""

from nasty_course import FULL, RIGHT, Case, code

TOOLS = """
import ctypes, errno, os, pathlib, resource, signal, socket, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def held(attempt, *errors):
    try:
        got = attempt()
    except (OSError, *errors) as error:
        print("HELD", type(error).__name__, error)
    else:
        print("BRO" "KEN", repr(got)[:200])
def call(number, *arguments):
    got = libc.syscall(ctypes.c_long(number), *[a if isinstance(a, ctypes._Pointer) else ctypes.c_long(a) for a in arguments])
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got
def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        s.connect(address)
        return s.send(b"x")
"""


def escape(body: str, **files) -> Case:
    """A submission of right answers that tries this before anything else."""
    return Case(code(RIGHT, TOOLS + body, **files), FULL, says="HELD")


# name: numbers of system calls on x86_64 and aarch64, that must be refused with whatever arguments
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "keyctl": (250, 219), "add_key": (248, 217), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "pidfd_getfd": (438, 438), "kexec_load": (246, 104),
    "init_module": (175, 105), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fsopen": (430, 430), "open_tree": (428, 428), "clone3": (435, 435), "setpriority": (141, 140),
    "sethostname": (170, 161), "syslog": (103, 116), "reboot": (169, 142), "quotactl": (179, 60),
    "swapon": (167, 224), "acct": (163, 89), "settimeofday": (164, 170), "kcmp": (312, 272),
    "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "fanotify_init": (300, 262), "lookup_dcookie": (212, 18), "move_pages": (279, 239),
}  # fmt: skip
SYSTEM_CALLS = f"""
column = 0 if os.uname().machine == "x86_64" else 1
for name, numbers in {CALLS!r}.items():
    held(lambda: call(numbers[column], 0, 0, 0, 0, 0, 0))
held(lambda: call([56, 220][column], 0x10000000 | 17, 0, 0, 0, 0))  # clone into a namespace of its own
"""
X32 = """
if os.uname().machine == "x86_64":
    held(lambda: call(0x40000000 + 42, 0, 0, 0))  # connect, in the second table
held(lambda: call(10**6))
"""
