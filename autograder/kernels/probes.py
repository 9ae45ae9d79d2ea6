"""Attempts to break out of a sealed kernel: each is code that a student could hand in.

A probe passes when the code prints HELD; what it prints otherwise says what got through.
"""

HELPERS = """
import ctypes, os, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def held(attempt, *errors):
    try:
        result = attempt()
    except (OSError, *errors) as error:
        print("HELD", type(error).__name__, error)
    else:
        print("BROKEN", repr(result)[:200])

def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def connect(kind, address):
    with socket.socket(kind, socket.SOCK_STREAM) as s:
        return s.connect(address)

def mail(address):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        return s.sendto(b"x", address)
"""

# What is tried in one kernel: the code, with the grader's own things put in for {secret}, {port} and so on.
IN_ONE_KERNEL = {
    "read a file of the grader": "held(lambda: open({secret!r}).read())",
    "read it through /proc/self/root": "held(lambda: open('/proc/self/root' + {secret!r}).read())",
    "list the grader's folder": "held(lambda: os.listdir(os.path.dirname({secret!r})))",
    "write outside": "held(lambda: open(os.path.dirname({secret!r}) + '/x', 'w'))",
    "write into Python": "held(lambda: open(os.__file__, 'a'))",
    "link a file of the grader": "held(lambda: os.link({secret!r}, 'linked'))",
    "rename a file of the grader": "held(lambda: os.rename({secret!r}, 'moved'))",
    "connect over TCP": "held(lambda: connect(socket.AF_INET, ('127.0.0.1', {port})))",
    "connect to a UNIX socket": "held(lambda: connect(socket.AF_UNIX, {socket!r}))",
    "send a datagram": "held(lambda: mail({mail!r}))",
    "resolve a name": "held(lambda: socket.getaddrinfo('example.org', 80))",
    "signal the grader": "held(lambda: os.kill({pid}, 0))",
    "kill its keeper": "held(lambda: os.kill(1, 9) or 1 / (os.getppid() != 1), ZeroDivisionError)",
    "look at the grader in /proc": "held(lambda: open('/proc/{pid}/environ', 'rb').read())",
    "trace the grader": "held(lambda: call({ptrace}, 16, {pid}, 0, 0))",
    "open the grader's memory": "held(lambda: open('/proc/{pid}/mem', 'rb'))",
    "read the grader's memory": "here = (ctypes.c_long * 2)(0, 8)\n"
    "held(lambda: call({process_vm_readv}, {pid}, ctypes.addressof(here), 1, ctypes.addressof(here), 1, 0))",
    "mount": "held(lambda: call({mount}, 0, 0, 0, 0, 0))",
    "leave the namespaces": "held(lambda: call({unshare}, 0x10000000))",
    "load a program into Linux": "held(lambda: call({bpf}, 0, 0, 0))",
    "use io_uring": "held(lambda: call({io_uring_setup}, 1, 0))",
    "blind its keeper": "import resource as r\n"
    "held(lambda: r.prlimit(os.getppid() or 1, r.RLIMIT_NOFILE, (0, 0)))",
    "raise its own limits": "import resource as r\nheld(lambda: r.setrlimit(r.RLIMIT_CPU, (10**6, 10**6)), "
    "ValueError)",
    "become another user": "held(lambda: os.setuid(0 if os.getuid() else 1))",
    "see the grader's environment": "seen = [*os.environ.values(), open('/proc/self/environ').read()]\n"
    "print('BROKEN' if any({token!r} in text for text in seen) else 'HELD')",
    "run a program to do it": "done = subprocess.run(['cat', {secret!r}], capture_output=True, text=True)\n"
    "print('HELD' if done.returncode and not done.stdout else 'BROKEN', done.stderr)",
    "empty a file of the grader": "held(lambda: os.truncate({secret!r}, 0))",
    "empty it while opening it": "held(lambda: os.open({secret!r}, os.O_RDONLY | os.O_TRUNC))",
    "lock the grader out of a file": "here = os.path.exists({secret!r}) and os.stat({secret!r})\n"
    "if here: os.chmod({secret!r}, here.st_mode ^ 0o100), os.utime({secret!r}, (0, 0))\n"
    "print('HELD' if not here or os.stat({secret!r}) == here else 'BROKEN')",
    "write a huge file": "held(lambda: os.truncate(os.open('huge', os.O_CREAT | os.O_RDWR), 10**12))",
    "use too much memory": "held(lambda: len(bytearray({memory} + 10**9)), MemoryError)",
}

# What ends the kernel: the code, and words of the reason that a student then reads.
IN_KERNELS_OF_THEIR_OWN = {
    "start too many processes": (
        """
for _ in range(60):  # enough to be noticed, and idle: no machine suffers where nothing stops it
    if os.fork() == 0:
        break
time.sleep(60)
""",
        "processes",
    ),
    "take memory in many processes": (
        """
import mmap
for _ in range(8):
    if os.fork() == 0:
        taken = mmap.mmap(-1, {memory} // 4)
        taken.write(bytes(len(taken)))
        break
time.sleep(60)
""",
        "of memory it may use",
    ),
    "use too much processor time": (
        "end = time.time() + 60\nwhile time.time() < end: pass",
        "of processor time",
    ),
    "fill the disk with files nobody sees": (
        "files = [os.open('f', os.O_CREAT | os.O_WRONLY) for _ in range(8) if not os.path.exists('f') or "
        "not os.unlink('f')]\nfor fd in files: os.write(fd, bytes(10**7))\nos.unlink('f')\ntime.sleep(60)",
        "MB of files",
    ),
    "fill the disk": (
        "for i in range(300): open('f%d' % i, 'wb').write(bytes(10**6))\ntime.sleep(60)",
        "MB of files",
    ),
}
