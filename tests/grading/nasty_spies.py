"""Spies: right answers, and code that looks for the tests, the solutions, or the work of others.

Whatever they find they print, keep in a file, or raise: none of that may hold a mark of the course's secrets.
"""

from nasty_course import FULL, NO_SHARE, QUIZ, RIGHT, WRONG, Case, code, hand_in, notebook
from nasty_spying import TOOLS, in_share, spy

HISTORY = """
shell = get_ipython()
look(In, Out, dir(), shell.history_manager.input_hist_raw, list(shell.history_manager.get_range()))
look([str(one) for one in shell.history_manager.search("*")], shell.user_ns, shell.user_ns_hidden)
look(shell.last_execution_result, shell.kernel.get_parent("shell"), sys.argv, sys.orig_argv, dict(os.environ))
"""
FRAMES = """
for info in inspect.stack() if not done else []:
    code = info.frame.f_code
    look(info.code_context, code.co_consts, code.co_names, sorted(info.frame.f_globals))
    look({k: str(v)[:500] for k, v in info.frame.f_locals.items()})
done.append(1)
look("frames")
"""
STACK = "traceback.print_stack()\nlook(traceback.format_stack(), sys._current_frames())"
OBJECTS = """
found, end = [], time.monotonic() + 1.5
for one in reversed(gc.get_objects() if not done else []):
    if type(one) in (dict, list, tuple) and len(one) < 500 and time.monotonic() < end:
        texts = [x for x in (one.values() if type(one) is dict else one) if type(x) is str]
        found += [x[:300] for x in [*texts, *map(str, one)] if any(n[::-1] in x for n in BACKWARDS)]
done.append(1)
look(found)
"""
MODULES = """
for name, module in list(sys.modules.items()):
    if "autograder" in name or "nbgrader" in name or "master" in name:
        look(name, sorted(vars(module)), {k: str(v)[:300] for k, v in vars(module).items() if k != "__builtins__"})
"""
TRACE = """
events = []
def tracer(frame, event, arg):
    if len(events) > 500:
        sys.settrace(None)
        sys.setprofile(None)
        return None
    events.append((frame.f_code.co_filename, frame.f_code.co_name, str(frame.f_locals)[:500]))
    return tracer
sys.settrace(tracer)
sys.setprofile(tracer)
"""
TRACED = "sys.settrace(None); sys.setprofile(None)\nlook(events)"
AUDIT = """
events = []
def hook(event, args):
    if len(events) < 3000: events.append(str((event, args))[:300])
sys.addaudithook(hook)
"""
WARNED = """
import logging, warnings
warnings.simplefilter("always")
warnings.warn("from where?", stacklevel=3)
logging.getLogger().error("who?", stack_info=True)
sys.excepthook = sys.unraisablehook = lambda *a: look(a)
look("warned")
"""
TRACEBACKS = (
    "%tb\n%xmode Verbose\nlook(getattr(sys, 'last_traceback', None), getattr(sys, 'last_value', None))"
)
RAISES = "def share(array):\n    '''doc'''\n    raise KeyError(array.sum(), array.shape, sorted(globals()))"
FILES = """
for pattern in ("*", "../*", "../../*", "/tmp/*", "/tmp/autograder-grading-*/*/*", "/tmp/autograder-kernel-*/*", "/tmp/autograder-checks-*/*",
                os.environ["TMPDIR"] + "/*", os.environ["TMPDIR"] + "/../*", os.environ["TMPDIR"] + "/../../*"):
    for path in glob.glob(pattern):
        look(path)
        try: look(open(path, errors="replace").read(100_000) if os.path.isfile(path) else os.listdir(path))
        except OSError as error: look(error)
"""
ROAM = """
count = 0
for top in ("/", "/root", "/home", "/tmp", "/var", "/srv", os.path.expanduser("~")):
    for folder, _, names in os.walk(top):
        for name in names:
            if name.endswith((".ipynb", ".db", ".json")) and count < 3000 and sys.prefix not in folder:
                count += 1
                try: text = open(os.path.join(folder, name), errors="replace").read(200_000)
                except OSError: continue
                if any(needle[::-1] in text for needle in BACKWARDS): look(folder, name, text)
look("roamed")
"""
COURSE = """
for top in COURSES:
    for name in ("solutions", "lessons", "submitted", "grading", "autograded", "gradebook.db", "nbgrader_config.py"):
        path = os.path.join(top, name)
        try: look(path, os.listdir(path) if os.path.isdir(path) else open(path, "rb").read())
        except PermissionError as error: look("kept out")
        else: look("LE" "AKED")
"""
PROC = """
for pid in ["self", "1", os.getppid(), *range(2, 40)]:
    for name in ("environ", "cmdline", "maps", "mem", "fd", "cwd", "root", "task"):
        path = f"/proc/{pid}/{name}"
        try:
            if os.path.isdir(path): look(path, [os.path.realpath(p) for p in glob.glob(path + "/*")][:50])
            elif name == "environ": look(open(path, errors="replace").read())
            elif pid != "self": look(open(path, "rb").read(5000))
        except OSError: pass
look("proc")
"""
MEMORY = """
end = time.monotonic() + 1.5
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in reversed(maps.readlines() if not done else []):
        span, rights = line.split()[:2]
        first, last = (int(x, 16) for x in span.split("-"))
        if rights.startswith("rw") and last - first < 30_000_000 and time.monotonic() < end:
            try:
                memory.seek(first)
                data = memory.read(last - first)
            except (OSError, ValueError, OverflowError): continue
            at = data.find(BACKWARDS[0][::-1].encode() + b" =")  # as a test would have it
            if at >= 0: look(data[max(0, at - 100) : at + 300])
done.append(1)
look("memory")
"""
EXCHANGE = """
import threading, time
def watch():
    end = time.time() + 3
    while time.time() < end:
        for folder in glob.glob(os.environ["TMPDIR"] + "/../../autograder-checks-*") + ["."]:
            try: seen.append(str([(n, open(os.path.join(folder, n), errors="replace").read(1000)) for n in
                                  os.listdir(folder) if os.path.isfile(os.path.join(folder, n))]))
            except OSError: pass
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
look("watching")
"""
LINK = """
for number in range(1, 12):
    for do, names in (("getattr", ("__globals__", "__code__", "gi_frame", "f_back", "__self__")), ("repr", ("",)),
                      ("call", ("",)), ("eval", ("1",)), ("name", ("answers",)), ("isinstance", ("",))):
        for name in names:
            inner = {"tuple": [None, [], [{"yours": number}, *([name] if name else [])]]}
            message = {"do": do, "things": {}, "value": {"tuple": [None, [], [inner, {"tuple": [None, [], []]}]]}}
            answer = link.exchange(json.dumps(message))
            if "do" in answer: answer = link.exchange(link.serve(answer))
            seen.append(str(answer))
"""
LINK = (
    "import json, sys\nlink = sys.modules['autograder.checks.answer'].answer.link\ntry:\n    "
    + "\n    ".join(LINK.strip().splitlines())
    + "\nexcept Exception as error:\n    seen.append(repr(error))\nlook(seen)"
)
CALLABLE = """
def share(array):
    look(type(array), array.base, array.flags, getattr(array, "__dict__", None), repr(array))
    look(sys.getrefcount(array), [str(one)[:300] for one in gc.get_referrers(array)])
    return float((array == 0).mean())
"""
STDOUT = """
import io
class Tee(io.StringIO):
    def write(self, text):
        seen.append(text)
        return len(text)
sys.stdout, sys.stderr = Tee(), Tee()
"""
NOTEBOOK = """
from IPython.display import HTML, Code, FileLink, IFrame, Markdown, display
display(Code(str(In)), HTML("<pre>" + str(In) + "</pre>"), Markdown("![x](file:///etc/passwd)"), FileLink("x"))
display(IFrame("file:///etc/passwd", 10, 10), HTML("<img src='//evil.example/?x'><object data='x'>"))
look("shown")
"""
LINKED = """
for name, target in (("kept.txt", "/etc/passwd"), ("mem", "/proc/self/mem"), ("course", "/course")):
    os.symlink(target, name)
os.rename("answers.json", "real.json")
os.symlink("/proc/self/cmdline", "answers.json")
look("linked")
"""
QUIZ_FIFO = "os.rename('answers.json', 'real.json')\nos.mkfifo('answers.json')\nlook('a pipe')"


def the_course(course, folder):
    """A spy who knows where the course lies."""
    hand_in(folder, notebook(course, RIGHT, f"{TOOLS}\nCOURSES = [{str(course.path)!r}]\n{COURSE}"))


CASES = {
    "history": spy(HISTORY, HISTORY),
    "frames": in_share(FRAMES),
    "stack": in_share(STACK),
    "objects": spy(OBJECTS, OBJECTS),
    "objects in a test": in_share(OBJECTS),
    "modules": in_share(MODULES),
    "tracing": spy(TRACE, TRACED),
    "auditing": spy(AUDIT, "look(events)"),
    "warnings": in_share(WARNED),
    "tracebacks": spy("", TRACEBACKS),
    "errors": Case(code(RIGHT | {"share": RAISES}, TOOLS, TRACEBACKS), NO_SHARE, says="KeyError"),
    "files around": spy(FILES, FILES),
    "files of the machine": spy(ROAM),
    "the course": Case(the_course, FULL, says="LOOKED"),
    "other processes": spy(PROC),
    "its own memory": in_share(MEMORY),
    "shared files": spy(EXCHANGE, "look(seen)"),
    "questions to the checker": Case(code(WRONG | {"share": "def share(array):\n    " + "\n    ".join(
        LINK.splitlines()) + "\n    return 0.5"}, TOOLS, "look(seen)"), QUIZ, "graded died time"),
    "the argument": spy(share=CALLABLE),
    "everything printed": spy(STDOUT, "sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__\nlook(seen)", says=""),
    "display": spy(NOTEBOOK, NOTEBOOK),
    "links for files": Case(code(RIGHT, TOOLS + LINKED), FULL | {"test_quiz": 0.0}, says="LOOKED"),
    "a pipe for a file": Case(code(RIGHT, TOOLS + QUIZ_FIFO), FULL | {"test_quiz": 0.0}, "time", "LOOKED"),
}  # fmt: skip
