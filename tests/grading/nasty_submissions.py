"""Submissions that went wrong in every way seen: what is handed in, and what must become of it."""

import json

import nbformat
from nbformat import v3
from nbformat.v4 import new_code_cell, new_markdown_cell
from tiny_course import DOUBLE, LESSON, by_id, filled

ALL = {"test_double": 1, "test_double_more": 2, "test_count": 2, "test_quiz": 1}
NONE = dict.fromkeys(ALL, 0)
# A right answers.json lies beside the notebook, and the lesson gives half a point for nothing.
STUBS = NONE | {"test_count": 0.5, "test_quiz": 1}
NO_DOUBLE = ALL | {"test_double": 0, "test_double_more": 0}
BEFORE_COUNT = ALL | {"test_count": 0, "test_quiz": 0}


def edited(change):
    """A right submission after `change(notebook)`."""

    def make(course):
        notebook = filled(course)
        change(notebook)
        return notebook

    return make


def count_is(code):
    return lambda course: filled(course, count=code)


def double_is(code):
    return lambda course: filled(course, double=code)


def text(transform):
    """A right submission whose file's text is transformed to bytes."""
    return lambda course: transform(nbformat.writes(filled(course)))


def drop(*names):
    def change(notebook):
        for name in names:
            notebook.cells.remove(by_id(notebook, name))

    return edited(change)


def duplicate(name):
    return edited(lambda nb: nb.cells.insert(nb.cells.index(by_id(nb, name)), json_copy(by_id(nb, name))))


def json_copy(cell):
    return nbformat.from_dict(json.loads(json.dumps(cell)))


def retype(notebook):
    for name in ("double", "test_count"):
        wrong = new_markdown_cell(by_id(notebook, name).source)
        wrong.metadata = by_id(notebook, name).metadata
        notebook.cells[notebook.cells.index(by_id(notebook, name))] = wrong


def reorder(notebook):
    first, second = (notebook.cells.index(by_id(notebook, n)) for n in ("double", "test_double_more"))
    notebook.cells[first], notebook.cells[second] = notebook.cells[second], notebook.cells[first]


def cheat(notebook):
    test = by_id(notebook, "test_double_more")
    test.source, test.metadata.nbgrader.points = "pass", 100
    by_id(notebook, "test_count").metadata["tags"] = ["skip-execution"]


def unmark(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def mess(notebook):
    by_id(notebook, "double").metadata.nbgrader = "nonsense"
    notebook.cells.append(new_code_cell("x = 1", metadata={"nbgrader": {"grade_id": "alien", "grade": True}}))
    notebook.cells.append(new_code_cell(b"y = '\\ud800'".decode("unicode_escape")))
    notebook.metadata["kernelspec"] = {"name": "no_such_kernel"}


def old_format(course):
    notebook = filled(course)
    notebook.cells = [json_copy(cell) for cell in notebook.cells]
    return v3.writes_json(nbformat.convert(notebook, 3)).encode()


STUBBORN = """import time
def count_zeros(values):
    while True:
        try:
            time.sleep(0.05)
        except KeyboardInterrupt:
            pass"""
LOOP = "def count_zeros(values):\n    while True:\n        pass"
FLOOD = "print('x' * 100_000)\nwhile True:\n    print('flood ' * 2000)"
EXIT = "import os\ndef count_zeros(values):\n    os._exit(3)"
KILL = "import os\ndef count_zeros(values):\n    os.kill(os.getpid(), 9)"
CHILD = "import subprocess\nsubprocess.Popen(['sleep', '987654'])\n" + DOUBLE
STDERR = "import sys\ndef double(x):\n    print('a warning', file=sys.stderr)\n    return 2 * x"
HUGE_CREDIT = "class Lots(int):\n    def __truediv__(self, n): return 99\n"
HUGE_CREDIT += "    def __radd__(self, n): return self\n    def __add__(self, n): return self\n"
HUGE_CREDIT += "sum = lambda values: Lots(1)\ndef count_zeros(values): return 0"

# name: (what is handed in, state, part of the reason, scores of the test cells)
CASES = {
    "cut off": (text(lambda t: t[:900].encode()), "unreadable", "cut off", NONE),
    "empty": (lambda c: b" \n", "unreadable", "is empty", NONE),
    "pdf": (lambda c: b"%PDF-1.7 \x00\xff", "unreadable", "a PDF file", NONE),
    "binary": (lambda c: bytes(range(256)), "unreadable", "binary", NONE),
    "a list": (lambda c: b"[1, 2]", "unreadable", "not a notebook", NONE),
    "deep": (lambda c: b"[" * 100_000, "unreadable", "not valid JSON", NONE),
    "old broken": (lambda c: b'{"worksheets": [7]}', "unreadable", "old notebook format", NONE),
    "old format": (old_format, "repaired", "upgraded", ALL),
    "bom": (text(lambda t: b"\xef\xbb\xbf" + t.encode()), "graded", "", ALL),
    "utf 16": (text(lambda t: t.encode("utf-16")), "repaired", "UTF-16", ALL),
    "latin 1": (text(lambda t: t.replace("Because", "Café").encode("latin-1")), "repaired", "Latin-1", ALL),
    "lost test": (drop("test_double", "test_double_more"), "repaired", "'test_double' was deleted", ALL),
    "lost import": (drop("imports"), "repaired", "'imports' was deleted", ALL),
    "lost answer": (drop("double"), "repaired", "Answer cell 'double' was deleted", NO_DOUBLE),
    "lost all": (edited(lambda nb: nb.cells.clear()), "repaired", "was deleted", STUBS),
    "double test": (duplicate("test_double"), "repaired", "more than once", ALL),
    "double answer": (duplicate("double"), "repaired", "more than once", ALL),
    "retyped": (edited(retype), "repaired", "turned into a markdown cell", ALL),
    "reordered": (edited(reorder), "repaired", "out of order", ALL),
    "changed tests": (edited(cheat), "repaired", "Locked cell 'test_double_more' was changed", ALL),
    "marks lost": (edited(unmark), "repaired", "lost its nbgrader mark", ALL),
    "metadata mess": (edited(mess), "repaired", "lost its nbgrader mark", ALL),
    "stderr": (double_is(STDERR), "graded", "", ALL),
    "syntax error": (double_is("def double(x) return"), "graded", "", NO_DOUBLE),
    "huge credit": (count_is(HUGE_CREDIT), "graded", "", ALL | {"test_count": 1}),
    "child": (double_is(CHILD), "graded", "", ALL),
    "loop": (count_is(LOOP), "time", "'test_count' ran longer than 2 s", ALL | {"test_count": 0}),
    "stubborn": (count_is(STUBBORN), "time", "ignored the interrupt", BEFORE_COUNT),
    "flood": (double_is(FLOOD), "flood", "printed more than 2 MB", NO_DOUBLE),
    "exit code": (count_is(EXIT), "died", "exit code 3", BEFORE_COUNT),
    "killed": (count_is(KILL), "died", "memory ran out", BEFORE_COUNT),
    "quit": (count_is("exit()"), "died", "exit() and quit()", BEFORE_COUNT),
    "Zoë [1] ünïcode": (lambda c: filled(c), "graded", "", ALL),
}


def odd_folders(course, submit):
    """Submissions whose folder is the trouble: no notebook, a wrong name, several, odd files."""
    submit(course, "no notebook", b"text", name="essay.docx")
    submit(course, "wrong name", filled(course), name="my copy (1).ipynb")
    for name in ("a.ipynb", "b.ipynb"):
        submit(course, "several", filled(course), name=name)
    folder = submit(course, "odd files", filled(course))
    (folder / "link.txt").symlink_to(course.path / "gradebook.db")
    (folder / "timestamp.txt").write_text("half past never")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{LESSON}-checkpoint.ipynb").write_text("{")
    (course.path / "submitted" / "a file").write_text("not a student")
    (course.path / "submitted" / "plain").mkdir()
    (course.path / "submitted" / "plain" / LESSON).write_text("a file, not a folder")


ODD = {
    "no notebook": ("missing", "it holds answers.json, essay.docx", NONE),
    "wrong name": ("repaired", "was called my copy (1).ipynb", ALL),
    "several": ("missing", "None of several notebooks", NONE),
    "odd files": ("repaired", "timestamp.txt holds no date", ALL),
    "plain": ("missing", "where a folder was expected", NONE),
}
