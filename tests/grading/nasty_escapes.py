"""Escapes: right answers, and code that tries to get out, to get in elsewhere, or to leave something behind.

Every attempt says HELD, or BROKEN with what it got.
"""

from nasty_calls import SYSTEM_CALLS, X32, escape

NETWORK = """
for family, address in [(socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET, ("1.1.1.1", 443)),
                        (socket.AF_INET6, ("::1", 80)), (socket.AF_UNIX, "/run/docker.sock"),
                        (socket.AF_UNIX, "/var/run/dbus/system_bus_socket"), (socket.AF_UNIX, "\\0abstract")]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        held(lambda: connect(family, address, kind))
"""
FAMILIES = """
for family in range(46):
    if family != socket.AF_UNIX:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            held(lambda: socket.socket(family, kind))
held(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
"""
DATAGRAMS = """
one, other = socket.socketpair()
for address in ("/run/systemd/notify", "/dev/log", "\\0x"):
    held(lambda: one.sendto(b"x", address))
    held(lambda: one.sendmsg([b"x"], [], 0, address))
"""
NAMES = """
import http.client, urllib.request
held(lambda: socket.getaddrinfo("example.org", 80))
held(lambda: urllib.request.urlopen("http://example.org", timeout=2))
held(lambda: http.client.HTTPConnection("127.0.0.1", 8888, timeout=2).request("GET", "/"))
"""
PROGRAMS = """
for line in ("curl -sf http://example.org", "ping -c1 127.0.0.1", "mount -t tmpfs x /mnt", "sudo -n true",
             "su -c true", "unshare -r true", "nsenter -t 1 -m true", "chroot / true", "bwrap --ro-bind / / true",
             "ls /root", "ls /home", "cat /proc/1/environ", "cat /etc/shadow", "dmesg", "ps -p 1 -o pid="):
    held(lambda: subprocess.run(line.split(), check=True, capture_output=True, timeout=3),
         subprocess.SubprocessError)
"""
FILES = """
for path in ("/", "/root", "/home", "/tmp", "/var", "/proc", "/proc/1", "/sys", "/dev", "/run", "/boot", "/mnt",
             "/opt", "/srv", "/etc", "/etc/shadow", "/etc/ssh", "/proc/1/environ", "/proc/1/root", "/proc/kcore",
             "/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
             "/proc/self" "/root" "/tmp", "/proc/self/cwd/../../..", "..", "../.."):
    held(lambda: os.listdir(path) if os.path.isdir(path) else os.open(path, os.O_RDONLY))
"""
WRITES = """
for path in ("/x", "/tmp/x", "/dev/shm/x", "/var/tmp/x", "/usr/x", "/etc/x", "/proc/sys/kernel/hostname", "../x",
             os.__file__, np.__file__, sys.executable, "/proc/self/oom_score_adj", "/proc/self/uid_map",
             "/sys/fs/cgroup/cgroup.procs", "/proc/sys/kernel/pid_max", "/proc/self" "/root" "/tmp/x"):
    held(lambda: os.open(path, os.O_WRONLY | os.O_CREAT))
"""
CHANGES = """
before = os.stat(os.__file__), os.stat("/tmp")
for attempt in (lambda: os.chmod("/tmp", 0), lambda: os.chmod(os.__file__, 0o777), lambda: os.utime(os.__file__, (0, 0)),
                lambda: os.chown("/tmp", 65534, 65534), lambda: os.setxattr(os.__file__, "user.x", b"x")):
    try: attempt()
    except OSError: pass
print("HELD" if (os.stat(os.__file__), os.stat("/tmp")) == before else "BRO" "KEN")
held(lambda: os.rename(os.__file__, "moved"))
held(lambda: os.link("/etc/passwd", "linked"))
held(lambda: os.unlink("/tmp"))
held(lambda: os.mknod("device", 0o060666, os.makedev(8, 0)))
held(lambda: os.mknod("/tmp/fifo", 0o010666))
"""
PARENT = """
for pid in (os.getppid(), 1, 2**22 - 1):
    for path in ("environ", "mem", "maps", "fd", "cwd", "root", "cmdline", "status", "task", "stack"):
        held(lambda: open(f"/proc/{pid}/{path}", "rb").read() if pid != os.getpid() else os.stat("/x"))
    held(lambda: os.pidfd_open(pid) and signal.pidfd_send_signal(os.pidfd_open(pid), 9))
"""
SIGNALS = """
me = os.getpid()
for pid in (1, os.getppid(), -os.getppid() or -1, 2**22 - 1):
    if pid not in (0, -1):
        held(lambda: os.kill(pid, 0))
for pid in range(max(1, me - 30), me):
    held(lambda: os.kill(pid, signal.SIGSTOP))
held(lambda: os.killpg(1, 9))
"""
DESCRIPTORS = """
mine = {int(name): os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if
        os.path.exists(f"/proc/self/fd/{name}")}
foreign = {fd: to for fd, to in mine.items() if to.startswith("/") and "kernel-" not in to and "grading-" not in to
           and not to.startswith(("/dev/null", "/dev/urandom", "/proc", sys.prefix, sys.base_prefix, "/usr", "/etc"))}
print("BRO" "KEN" if foreign else "HELD", foreign)
for fd in range(3, 500):
    try: kind = os.readlink(f"/proc/self/fd/{fd}")
    except OSError: continue
    if kind.startswith("/dev/null"):
        held(lambda: os.open(f"/proc/self/fd/{fd}/../../../root", 0))
"""
RIGHTS = """
for attempt in (lambda: os.setuid(0 if os.getuid() else 1), lambda: os.setgid(0 if os.getgid() else 1),
                lambda: os.setgroups([0]), lambda: os.nice(-5), lambda: os.setresuid(0, 0, 0) if os.getuid() else
                os.setresuid(1, 1, 1), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)),
                lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)):
    held(attempt)
"""
LIMITS = """
for name in ("CPU", "AS", "DATA", "FSIZE", "NOFILE", "NPROC", "CORE"):
    what = getattr(resource, "RLIMIT_" + name)
    held(lambda: resource.setrlimit(what, (2**50, 2**50)), ValueError)
held(lambda: resource.prlimit(os.getppid() or 1, resource.RLIMIT_NOFILE, (0, 0)))
held(lambda: os.sched_setaffinity(os.getppid() or 1, [0]))
"""
BOUND = "held(lambda: libc.prctl(1, 0) and (_ for _ in ()).throw(OSError(ctypes.get_errno(), 'prctl')))\n"
BOUND += "held(lambda: open('/proc/self/oom_score_adj', 'w').write('0'))"
# Beside a right answer, things that nobody who copies a folder should follow or open.
LEFT = """
os.symlink("/etc/passwd", "link.txt")
os.symlink("/", "everything")
os.symlink(".", "loop")
os.mkfifo("pipe")
server = socket.socket(socket.AF_UNIX)
server.bind("sock")
os.mkdir("closed", 0)
open("-rf *", "w").close()
open("new\\nline", "w").close()
open(b"caf\\xe9\\x1b[2J", "w").close()
os.symlink("/etc/passwd", os.environ["HOME"] + "/link")
os.rename("answers.json", "kept.json")
os.symlink("kept.json", "answers.json")
print("HELD")
"""
OWN_LINKS = """
for path in ("/etc/shadow", "/root" "/.ssh", "/proc/1/environ", "/dev/sda", "/tmp"):
    os.symlink(path, "l")
    held(lambda: os.listdir("l") if os.path.isdir("l") else open("l", "rb").read())
    os.unlink("l")
"""
TERMINAL = """
import fcntl
for number in (0x5412, 0x541C):
    for fd in (0, 1, 2):
        held(lambda: fcntl.ioctl(fd, number, b"x"))
held(lambda: os.open("/dev/tty", os.O_RDWR))
"""
ESCAPEE = """
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        open("98764", "w").close()
        os.execvp("sleep", ["sleep", "98764"])
    os._exit(0)
os.waitpid(child, 0)
print("HELD")
"""
IMPERSONATED = """
import glob, json
held(lambda: [connect(socket.AF_UNIX, path) for path in glob.glob(os.environ["HOME"] + "/../ipc-*")] and None or
     (_ for _ in ()).throw(OSError("refused")))
for path in glob.glob(os.environ["HOME"] + "/../ipc-*"):
    os.rename(path, path + "x")
print("HELD")
"""

CASES = {
    "system calls": escape(SYSTEM_CALLS),
    "the other table of calls": escape(X32),
    "the network": escape(NETWORK),
    "every family of sockets": escape(FAMILIES),
    "datagrams": escape(DATAGRAMS),
    "names of hosts": escape(NAMES),
    "programs": escape(PROGRAMS),
    "files": escape(FILES),
    "writing": escape(WRITES),
    "modes and owners": escape(CHANGES),
    "the parent": escape(PARENT),
    "signals": escape(SIGNALS),
    "inherited descriptors": escape(DESCRIPTORS),
    "other users": escape(RIGHTS),
    "limits raised": escape(LIMITS),
    "bonds to the keeper": escape(BOUND),
    "things left behind": escape(LEFT),
    "links of its own": escape(OWN_LINKS),
    "the terminal": escape(TERMINAL),
    "a process of its own": escape(ESCAPEE),
    "the kernel's own sockets": escape(IMPERSONATED),
}
