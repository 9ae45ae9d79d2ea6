"""Cheats: wrong answers, and code that wants points for them all the same."""

from nasty_course import NO_SHARE, NOTHING, QUIZ, RIGHT, WRONG, Case, code, edited
from nasty_notebooks import (
    extra_tests,
    forged_outputs,
    forged_points,
    skipped,
    swapped_ids,
    test_to_solution,
    visible_test,
)

NO_ASSERTS = """
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Strip())
"""
REWRITE = "get_ipython().input_transformers_post.append(lambda lines: ['4\\n'])"
CLEANUP = "get_ipython().input_transformer_manager.cleanup_transforms.insert(0, lambda lines: ['4\\n'])"
DO_EXECUTE = """
async def do_execute(code, silent, *args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
get_ipython().kernel.do_execute = do_execute
"""
RUN_CELL = """
shell = get_ipython()
real = type(shell).run_cell_async
async def run_cell_async(self, source, *args, **kwargs):
    return await real(self, "4.0", *args, **kwargs)
type(shell).run_cell_async = run_cell_async
"""
HOOK = """
shell = get_ipython()
shell.displayhook.__class__.__call__ = lambda self, result=None: None
shell.display_trap.hook = lambda result: None
shell.showtraceback = shell._showtraceback = lambda *a, **k: None
shell.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "4"))
"""
SEND = """
kernel = get_ipython().kernel
real = kernel.session.send
def send(stream, kind, content=None, *args, **kwargs):
    if kind == "error":
        kind, content = "execute_result", {"data": {"text/plain": "4"}, "metadata": {}, "execution_count": 1}
    if kind == "execute_reply":
        content = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    return real(stream, kind, content, *args, **kwargs)
kernel.session.send = send
"""
FORGED = """
def share(array):
    kernel = get_ipython().kernel
    parent = kernel.get_parent("shell")
    content = {"data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
    for kind in ("execute_result", "display_data"):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
    return 0.5
"""
REPLY = """
def share(array):
    kernel = get_ipython().kernel
    content = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    kernel.session.send(kernel.shell_stream, "execute_reply", content, parent=kernel.get_parent("shell"),
                        ident=kernel.get_parent("shell").get("identities"))
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"},
                        parent=kernel.get_parent("shell"))
    return 0.5
"""
LIBRARIES = """
import importlib, unittest, math
import numpy as np
yes = lambda *a, **k: True
np.isclose = np.allclose = np.array_equal = np.all = np.any = math.isclose = yes
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
unittest.TestCase.assertEqual = unittest.TestCase.assertTrue = lambda *a, **k: None
np.random.default_rng = lambda *a: None
importlib.import_module = lambda *a: np
"""
BUILTINS = """
import builtins
builtins.all = builtins.any = builtins.callable = builtins.isinstance = lambda *a: True
"""
ASSERTION = (
    "import builtins\nbuiltins.AssertionError = type('Never', (Exception,), {'__new__': lambda *a: None})"
)
FINDER = """
import sys, types
fake = types.ModuleType("json")
fake.load = fake.loads = lambda *a: {"count": "b"}
sys.modules["json"] = json = fake
class Finder:
    def find_spec(self, name, path=None, target=None):
        return None
sys.meta_path[:] = [Finder()]
open = lambda *a, **k: None
"""
QUIZ_OBJECT = """
class Yes(dict):
    def get(self, *a): return "b"
    __getitem__ = get
answers = Yes()
json.load = lambda *a: Yes()
"""
NAMES = """
wanted = found = kept = row = True
class Everything(dict):
    def __missing__(self, name): return 4
get_ipython().user_ns.update(dict.fromkeys(["zanzi" + "bar", "wanted", "found", "kept"], 4))
sum = len = bool = lambda *a: 4
"""
# What the checker could import, run at its start, or take for its own.
PLANTED = {
    "numpy.py": "isclose = array_equal = lambda *a: True\n",
    "json.py": "load = lambda *a: {'count': 'b'}\n",
    "sitecustomize.py": "import builtins; builtins.AssertionError = SystemExit\n",
    "conftest.py": "raise SystemExit\n",
    "evil.pth": "import os; os._exit(0)\n",
    "jupyter_config.json": '{"KernelApp": {"exec_lines": ["import os; os._exit(0)"]}}',
    "ipython_config.py": "c = get_config()\nc.InteractiveShellApp.exec_lines = ['import os; os._exit(0)']\n",
    "startup/00.py": "import os; os._exit(0)\n",
    "numpy/__init__.py": None,
    "__pycache__/json.cpython-311.pyc": b"\xa7\r\r\n" + bytes(60),
    "autograder/__init__.py": "raise SystemExit\n",
}
PLANT_LATER = """
import os, pathlib
for folder in (".", os.environ["HOME"], os.environ["TMPDIR"], os.environ["IPYTHONDIR"]):
    for name in ("numpy.py", "json.py", "sitecustomize.py", "usercustomize.py", "evil.pth", "autograder.py"):
        pathlib.Path(folder, name).write_text("import os; os._exit(0)")
start = pathlib.Path(os.environ["IPYTHONDIR"], "profile_default", "startup")
start.mkdir(parents=True, exist_ok=True)
(start / "00.py").write_text("import os; os._exit(0)")
settings = pathlib.Path(os.environ["HOME"], ".jupyter")
settings.mkdir(exist_ok=True)
(settings / "jupyter_config.py").write_text("import os; os._exit(0)")
"""
BYTECODE = """
import importlib.util, os, pathlib, sys
done = 0
for module in list(sys.modules.values()):
    cached = getattr(module, "__cached__", None)
    if cached:
        try:
            pathlib.Path(cached).write_bytes(b"")
            done += 1
        except OSError:
            pass
print("caches" " poisoned:", done)
"""
LATER = """
import threading, time, atexit
def answer():
    kernel = get_ipython().kernel
    for _ in range(40):
        time.sleep(0.05)
        try:
            parent = kernel.get_parent("shell")
            content = {"data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
            kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=parent)
        except Exception:
            pass
threading.Thread(target=answer, daemon=True).start()
atexit.register(lambda: time.sleep(60))
"""
CHILD = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(98765)"], start_new_session=True)
"""
SECOND_LOOK = """
looks = [0]
def share(array):
    looks[0] += 1
    if looks[0] == 1:
        return 0.5
    return (x for x in [0.5])
def clear(array, keep):
    for value in ([1.0, 0.0], [0.0]):
        yield value
"""


CASES = {
    "no asserts": Case(code(WRONG, NO_ASSERTS), QUIZ),
    "rewritten input": Case(code(WRONG, REWRITE), QUIZ, "graded died time"),
    "cleanup of input": Case(code(WRONG, CLEANUP), QUIZ, "graded died time"),
    "do_execute": Case(code(WRONG, DO_EXECUTE), QUIZ, "graded died time"),
    "run_cell": Case(code(WRONG, RUN_CELL), QUIZ, "graded died time"),
    "display hook": Case(code(WRONG, HOOK), QUIZ),
    "patched send": Case(code(WRONG, SEND), QUIZ),
    "forged result": Case(code(WRONG | {"share": FORGED}), QUIZ),
    "forged reply": Case(code(WRONG | {"share": REPLY}), QUIZ, "graded died time"),
    "libraries": Case(code(WRONG, LIBRARIES), QUIZ),
    "builtins": Case(code(WRONG, BUILTINS), NOTHING, "died time"),
    "assertion": Case(code(WRONG, ASSERTION), QUIZ, "graded died"),
    "no json": Case(code(WRONG, FINDER, quiz="{}"), NOTHING, "graded died"),
    "quiz object": Case(code(WRONG, QUIZ_OBJECT, quiz="{}"), NOTHING),
    "taken names": Case(code(WRONG, NAMES), QUIZ),
    "planted files": Case(code(WRONG, **{k: v for k, v in PLANTED.items() if v}), QUIZ, "graded repaired"),
    "planted later": Case(code(WRONG, PLANT_LATER), QUIZ),
    "bytecode": Case(code(RIGHT | {"share": WRONG["share"]}, BYTECODE), NO_SHARE, says="caches poisoned: 0"),
    "points": Case(edited(forged_points), QUIZ),
    "test to solution": Case(edited(test_to_solution), QUIZ, "repaired", "was changed"),
    "swapped ids": Case(edited(swapped_ids), QUIZ, "repaired", "was changed"),
    "visible test": Case(edited(visible_test), QUIZ, "repaired", "'test_share' was changed"),
    "forged outputs": Case(edited(forged_outputs), QUIZ),
    "extra tests": Case(edited(extra_tests), QUIZ),
    "skipped": Case(edited(skipped), QUIZ),
    "answers later": Case(code(WRONG, LATER), QUIZ),
    "child lives on": Case(code(WRONG, CHILD), QUIZ),
    "second look": Case(code({"share": SECOND_LOOK, "clear": "pass"}), QUIZ),
}
