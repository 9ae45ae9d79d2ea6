"""Bombs: code that wants all of a machine, or never ends. What it earned before counts.

Each goes off in `clear` when its test calls, or in a cell at the end, so that `share` has earned its points.
"""

from nasty_course import FULL, NO_CLEAR, RIGHT, Case, code

SHARE_ONLY = FULL | {"test_clear": 0.0, "test_partly": 0.0, "test_quiz": 0.0}  # the kernel is gone
ALL_BUT = NO_CLEAR  # the kernel lives on
MEMORY = "of memory it may use"
LONG = "ran longer than"


def in_clear(body: str, before: str = ""):
    """Right answers, but `clear` does this first."""
    lines = "\n    ".join(body.strip().splitlines())
    return code(RIGHT | {"clear": f"{before}\ndef clear(array, keep):\n    {lines}\n    return array"})


def at_the_end(body: str):
    """Right answers, and then this."""
    return code(RIGHT, after=body)


FORKS = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
THREADS = (
    "import threading, time\nwhile True:\n    try: threading.Thread(target=time.sleep, args=(60,)).start()\n"
)
THREADS += "    except RuntimeError: pass"
LIST = "x = [0]\nwhile True: x += x"
MMAP = """import mmap
held = []
while True:
    held.append(mmap.mmap(-1, 10_000_000))
    held[-1].write(bytes(10_000_000))"""
CHILDREN = """import os, mmap, time
for _ in range(6):
    if os.fork() == 0:
        held = mmap.mmap(-1, 100_000_000)
        held.write(bytes(100_000_000))
        time.sleep(60)
time.sleep(60)"""
SHM = """import os
for folder in ("/dev/shm", "/run/shm", "/run", "/var/tmp", "/tmp"):
    try: open(folder + "/hostile-bomb", "wb").write(bytes(10**8))
    except OSError as error: print("HELD", error)
    else: print("BRO" "KEN", folder)"""
DISK = """import time
for i in range(100): open("f%d" % i, "wb").write(bytes(10**6))
time.sleep(60)"""
TEMPORARY = """import tempfile, time
files = [tempfile.TemporaryFile() for _ in range(60)]
for file in files: file.write(bytes(10**6)); file.flush()
time.sleep(60)"""
ONE_FILE = "open('big', 'wb').write(bytes(30_000_000))"
INODES = """import os, time
for i in range(25_000): os.close(os.open("i%d" % i, os.O_CREAT))
time.sleep(60)"""
FOLDERS = """import os
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")"""
OPEN = """import os
held = []
while True: held.append(os.open("/dev/null", 0))"""
HUGE = "print('x' * 40_000_000)"
MANY = "import sys\nwhile True:\n    print('flood', flush=True)"
MANY_SHOWN = "from IPython.display import display\nfor i in range(100_000): display(i)"
CLEARED = "from IPython.display import clear_output\nwhile True:\n    clear_output()\n    print('x' * 50_000)"
PICTURE = """from IPython.display import display
import base64
display({"image/png": base64.b64encode(bytes(60_000_000)).decode(), "text/html": "<b>" * 1_000_000}, raw=True)"""
MARKUP = """from IPython.display import display
display({"text/html": "<div>" * 19_000}, raw=True)
display({"text/markdown": "[" * 30_000}, raw=True)
display({"text/markdown": "> " * 10_000 + "x"}, raw=True)
display({"text/markdown": "*a_ " * 7_000}, raw=True)"""
REGEX = "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"
POWER = "x = 9 ** 9 ** 9"
SLEEP = "import time\ntime.sleep(3600)"
STUBBORN = """while True:
    try:
        while True: pass
    except KeyboardInterrupt: pass"""
CATCHES_ALL = """import signal, time
for number in range(1, 65):
    try: signal.signal(number, lambda *a: None)
    except (OSError, ValueError): pass
while True: time.sleep(1)"""
PROCESSOR = """import os
for _ in range(3): os.fork()
while True: pass"""
RECURSION = "import sys\nsys.setrecursionlimit(10**9)\ndef deep(n): return deep(n + 1) + 1\ndeep(0)"
INTEGER = "import sys\nsys.set_int_max_str_digits(0)\nstr(7 ** 5_000_000)"
BIG_INTEGER = "def share(array): return 7 ** 2_000_000\ndef clear(array, keep): return -7 ** 2_000_000"
NESTED_REPR = "x = 'x' * 100\nfor _ in range(60): x = [x, x]\nx"
COMPREHENSION = "x = eval('(' * 50 + '1' + ',' * 50 + ')' * 50)\ny = compile('-' * 10**6 + '1', '', 'eval')"
FINALIZER = "class Last:\n    def __del__(self): os._exit(5)"
STDOUT = "import os\nfor fd in range(3): os.close(fd)"
SOCKETS = """kernel = get_ipython().kernel
for one in (kernel.iopub_socket, kernel.stdin_socket, kernel.shell_stream, kernel.control_stream):
    try: one.close()
    except Exception: pass"""
EVERY_FD = "import os\nos.closerange(0, 500)"
STOPPED = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
SIGNAL = "import os\nos.kill(os.getpid(), {})"
ABORT = "import os\nos.abort()"
CRASH = "import ctypes\nctypes.string_at(0)"
EVERYBODY = "import os\nos.kill(-1, 9)"
LIMIT = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1, 1))\nx = bytes(10**8)"
NO_FILES = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))"
MANY_CELLS = "1\n" * 20_000
ENDS = "died time"

GIANTS = """kernel, text = get_ipython().kernel, "x" * 60_000_000
for _ in range(60):
    try: kernel.session.send(kernel.iopub_socket, "stream", {"name": "stdout", "text": text},
                             parent=kernel.get_parent("shell"))
    except (KeyboardInterrupt, MemoryError): pass"""
CASES = {
    "giant messages": Case(at_the_end(GIANTS), FULL, "flood time died"),
    "forks": Case(in_clear(FORKS), SHARE_ONLY, ENDS),
    "threads": Case(in_clear(THREADS), SHARE_ONLY, ENDS, or_scores=ALL_BUT),
    "a growing list": Case(at_the_end(LIST), FULL, "graded died time"),
    "mapped memory": Case(at_the_end(MMAP), FULL, "graded died time"),
    "children's memory": Case(at_the_end(CHILDREN), FULL, "died time"),
    "shared memory": Case(at_the_end(SHM), FULL, says="HELD"),
    "disk": Case(in_clear(DISK), SHARE_ONLY, "died", "MB of files"),
    "nameless files": Case(in_clear(TEMPORARY), SHARE_ONLY, "died", "MB of files"),
    "one large file": Case(in_clear(ONE_FILE), ALL_BUT),
    "a million files": Case(at_the_end(INODES), FULL, "died time"),
    "folders in folders": Case(at_the_end(FOLDERS), FULL, "graded died time"),
    "open files": Case(at_the_end(OPEN), FULL, "graded died time"),
    "one huge output": Case(at_the_end(HUGE), FULL, "flood time"),
    "a million outputs": Case(at_the_end(MANY), FULL, "flood time died"),
    "many displays": Case(at_the_end(MANY_SHOWN), FULL, "flood time", ""),
    "cleared outputs": Case(at_the_end(CLEARED), FULL, "flood time died"),
    "an enormous picture": Case(at_the_end(PICTURE), FULL, "flood time graded"),
    "markup": Case(at_the_end(MARKUP), FULL),
    "a regular expression": Case(at_the_end(REGEX), FULL, "time", LONG),
    "a power": Case(at_the_end(POWER), FULL, "time died"),
    "sleep": Case(in_clear(SLEEP), ALL_BUT, "time", LONG),
    "a stubborn loop": Case(at_the_end(STUBBORN), FULL, "time", LONG),
    "all signals caught": Case(at_the_end(CATCHES_ALL), FULL, "time", LONG),
    "processor time": Case(at_the_end(PROCESSOR), FULL, ENDS),
    "recursion": Case(at_the_end(RECURSION), FULL, "died time"),
    "a long integer": Case(at_the_end(INTEGER), FULL, "graded time"),
    "integers for answers": Case(code({"share": BIG_INTEGER, "clear": "pass"}), NO_CLEAR | {
        "test_share": 0.0, "test_partly": 0.0}, "graded time"),
    "a nested repr": Case(at_the_end(NESTED_REPR), FULL, "graded flood time died"),
    "a compiler": Case(at_the_end(COMPREHENSION), FULL, "graded died"),
    "a finalizer": Case(in_clear("Last()", "import os\n" + FINALIZER), SHARE_ONLY, "died", "exit code 5"),
    "an end at the import": Case(code({"share": "import os\nos._exit(0)", "clear": "pass"}), dict.fromkeys(FULL, 0.0),
                                 "died", "the code ended it"),
    "an end at a call": Case(in_clear("import os\nos._exit(3)"), SHARE_ONLY, "died", "exit code 3"),
    "closed stdout": Case(in_clear(STDOUT), FULL | {"test_clear": 0.0}, "graded died time"),
    "closed sockets": Case(in_clear(SOCKETS), SHARE_ONLY, ENDS),
    "every file closed": Case(in_clear(EVERY_FD), SHARE_ONLY, ENDS),
    "stopped": Case(in_clear(STOPPED), SHARE_ONLY, "time"),
    **{f"signal {n}": Case(in_clear(SIGNAL.format(n)), SHARE_ONLY, "died") for n in (1, 6, 9, 11, 15, 24)},
    "abort": Case(in_clear(ABORT), SHARE_ONLY, "died", "aborted"),
    "crash": Case(in_clear(CRASH), SHARE_ONLY, "died", "crashed"),
    "kill everybody": Case(at_the_end(EVERYBODY), FULL, "graded"),
    "limits of its own": Case(in_clear(LIMIT), ALL_BUT, "graded died time"),
    "no more files": Case(at_the_end(NO_FILES), FULL, "graded died"),
    "many statements": Case(at_the_end(MANY_CELLS), FULL, "graded time"),
}  # fmt: skip
