"""Cheats that earned full marks while tests ran in the student's process, and what they earn now."""

import json

import pytest
from checks_help import FULL, LESSON, MARKER, RIGHT, handed_in, make_course, submit

from autograder.executor.limits import Limits
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.store import gradebook

WRONG = {
    "share": "def share(array):\n    return 0.5",
    "clear": "def clear(array, keep):\n    return array * keep",
}
WRONG["clear"] = "def clear(array, keep):\n    return np.array([1.0, 0.0])"
NOTHING = dict.fromkeys(FULL, 0.0)
NO_SHARE = {"test_share": 0.0, "test_clear": 2.0, "test_partly": 2.0}

NO_ASSERTS = """
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Strip())
"""
REWRITE = """
def rewrite(lines):
    return ["4\\n"]
get_ipython().input_transformers_post.append(rewrite)
"""
DO_EXECUTE = """
kernel = get_ipython().kernel
async def do_execute(code, silent, *args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
kernel.do_execute = do_execute
"""
FORGED = """
def share(array):
    ip = get_ipython()
    kernel = ip.kernel
    for channel in (kernel.iopub_socket,):
        content = {"data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
        kernel.session.send(channel, "execute_result", content, parent=kernel.get_parent("shell"))
    return 0.5
"""
NUMPY = """
import numpy as np, builtins
np.isclose = np.allclose = np.array_equal = lambda *a, **k: True
np.ndarray.__eq__ = lambda *a: True
"""
NUMPY = NUMPY.replace("np.ndarray.__eq__ = lambda *a: True\n", "")
ASSERTION = (
    "import builtins\nbuiltins.AssertionError = type('Never', (Exception,), {'__new__': lambda *a: None})\n"
)
EQUAL = """
class Yes:
    def __getattr__(self, name): return Yes()
    def _yes(self, *args, **kwargs): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __call__ = __bool__ = _yes
    def _me(self, *args): return self
    __add__ = __radd__ = __sub__ = __rsub__ = __abs__ = __mul__ = __truediv__ = __getitem__ = _me
    def __float__(self): return 0.5
    __array_priority__ = 1e9
    def __array_ufunc__(self, *args, **kwargs): return True
    def __array_function__(self, *args, **kwargs): return True
    __class__ = float
def share(array): return Yes()
def clear(array, keep): return Yes()
"""
LIARS = """
import numpy as np
class Number(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    __hash__ = float.__hash__
class Array(np.ndarray):
    def __eq__(self, other): return np.array(True)
    def tolist(self): return [1.0, 0.0]
    def __array_function__(self, *args, **kwargs): return True
def share(array): return Number(0.25)
def clear(array, keep): return np.zeros(3).view(Array)
"""
CREDIT = """
class Lots(int):
    def __truediv__(self, n): return 99
    def __radd__(self, n): return self
    def __rmul__(self, n): return 4.0
    def __eq__(self, n): return self
sum = lambda values: Lots(1)
def share(array): return Lots(1)
"""
SPY = """
import gc, inspect, sys, traceback
seen = []
def tracer(frame, event, arg):
    if len(seen) > 300:
        sys.settrace(None)
    seen.append((frame.f_code.co_filename, frame.f_code.co_names, sorted(map(str, frame.f_locals))))
    return tracer
def share(array):
    for info in inspect.stack():
        print(info.code_context, info.frame.f_code.co_consts, sorted(info.frame.f_globals))
    needle = "".join(["zanzi", "bar"])
    found = [one for one in gc.get_objects() if type(one) is dict and needle in one]
    print("in memory:", len(found))
    traceback.print_stack()
    sys.settrace(tracer)
    open("found.txt", "w").write(str(found) + str(seen))
    return float((array == 0).mean())
"""
LATER = "%tb\nprint(In, seen, open('found.txt').read())\nprint(get_ipython().kernel.get_parent('shell'))"
REACH = """
def share(array):
    import json, sys
    link = sys.modules["autograder.checks.answer"].answer.link
    for number in range(1, 9):
        for name in ("__globals__", "__code__", "gi_frame", "__self__", "__init__"):
            for do in ("getattr", "repr", "call"):
                args = {"tuple": [None, [], [{"yours": number}, name]]}
                both = {"tuple": [None, [], [args, {"tuple": [None, [], []]}]]}
                message = json.dumps({"do": do, "things": {}, "value": both})
                try:
                    answer = link.exchange(message)
                    while "do" in answer:
                        answer = link.exchange(link.serve(answer))
                    print(answer)
                except Exception as error:
                    print(error)
    return 0.5
"""
PICKLE = """
import sys
link = sys.modules["autograder.checks.answer"].answer.link
link.described = lambda error: {}
link.serve = lambda request: {"value": {"known": ["os", "system"]}, "things": {}}
"""
GARBAGE = """
import sys
answer = sys.modules["autograder.checks.answer"].answer
answer.send = lambda text: get_ipython().kernel.raw_input(text[: len(text) // 2])
"""
TOO_MUCH = "def share(array):\n    return 'x' * 60_000_000"
DEEP = "def share(array):\n    deep = ()\n    for _ in range(3000): deep = (deep,)\n    return deep"
GRANDCHILD = "import atexit, os\natexit.register(os._exit, 0)\ndef share(array):\n    os._exit(0)"
# Behaves as long as it is tried in the notebook, and hangs when a test calls.
BY_CALLER = """
import inspect
def share(array):
    if any("serve" == frame.function for frame in inspect.stack()):
        while True: pass
    return float((array == 0).mean())
"""
CHANGED = "def clear(array, keep):\n    array[~keep] = 0\n    return array"
MUTATES_TRUTH = (
    "def clear(array, keep):\n    kept = np.where(keep, array, 0.0)\n    array[...] = kept\n    return kept"
)

# name: (answers, cell before everything, cell after, state, scores)
CASES = {
    "right": (RIGHT, "", "", "graded", FULL),
    "wrong": (WRONG, "", "", "graded", NOTHING | {"test_partly": 0.0}),
    "no asserts": (WRONG, NO_ASSERTS, "", "graded", NOTHING),
    "rewritten": (WRONG, REWRITE, "", None, NOTHING),
    "do_execute": (WRONG, DO_EXECUTE, "", None, NOTHING),
    "forged result": (WRONG | {"share": FORGED}, "", "", "graded", NOTHING),
    "numpy": (WRONG, NUMPY, "", "graded", NOTHING),
    "assertion": (WRONG, ASSERTION, "", None, NOTHING),
    "equal to all": (WRONG | {"share": EQUAL, "clear": "pass"}, "", "", "graded", NOTHING),
    "liars": (WRONG | {"share": LIARS, "clear": "pass"}, "", "", "graded", NOTHING),
    "credit": (WRONG | {"share": CREDIT}, "", "", "graded", NOTHING | {"test_partly": 2.0}),
    "spy": (RIGHT | {"share": SPY}, "", LATER, "graded", FULL),
    "reach": (RIGHT | {"share": REACH}, "", "", None, NO_SHARE | {"test_partly": 0.0}),
    "code": (RIGHT, "", PICKLE, "graded", FULL),
    "code at once": (RIGHT, PICKLE, "", "died", NOTHING),
    "garbage": (RIGHT, GARBAGE, "", "died", NOTHING),
    "too much": (RIGHT | {"share": TOO_MUCH}, "", "", "graded", NO_SHARE | {"test_partly": 0.0}),
    "deep": (RIGHT | {"share": DEEP}, "", "", None, NO_SHARE | {"test_partly": 0.0}),
    "exit": (RIGHT | {"share": GRANDCHILD}, "", "", "died", NOTHING),
    "by caller": (RIGHT | {"share": BY_CALLER}, "", "", "time", NO_SHARE | {"test_partly": 0.0}),
    "changed": (RIGHT | {"clear": CHANGED}, "", "", "graded", FULL | {"test_clear": 0.0}),
    "changed too": (RIGHT | {"clear": MUTATES_TRUTH}, "", "", "graded", FULL | {"test_clear": 0.0}),
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("cheats"))
    for name, (answers, before, after, *_) in CASES.items():
        submit(course, name, handed_in(course, answers, before, after))
    outcome = grade(course, LESSON, jobs=2, limits=Limits(cell=5, total=60, output=100_000, grace=3))
    pages = {path.parent.parent.name: path.read_text("utf-8") for path in write_feedback(course, LESSON)}
    return outcome, gradebook.scores(course, LESSON), pages


@pytest.mark.parametrize("name", CASES)
def test_what_a_cheat_earns(batch, name):
    outcome, scores, _ = batch
    *_, state, wanted = CASES[name]
    assert {k: got for k, (got, _) in scores[name].cells.items()} == wanted, outcome[name].reason
    assert state in (None, outcome[name].state), outcome[name].reason


@pytest.mark.parametrize("name", CASES)
def test_hidden_tests_are_in_no_feedback(batch, name):
    _, _, pages = batch
    assert MARKER not in pages[name] and "the argument was changed" not in pages[name] or "changed" in name


def test_a_student_s_kernel_has_never_seen_them(batch):
    outcome, _, _ = batch
    cells = outcome["spy"].notebook.cells
    said = json.dumps([cell.outputs for cell in cells if cell.cell_type == "code"])
    assert "in memory: 0" in said and MARKER not in said
