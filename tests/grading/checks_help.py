"""Two ends of a wire in one process, and a small course whose hidden tests a cheat must not see."""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from tiny_course import cell, graded, notebook_of, solution, write_course

from autograder.checks.forms import PLAIN, SHARED
from autograder.checks.wire import Wire
from autograder.course import Course
from autograder.release import release

LESSON = "01_checked"
MARKER = "zanzibar"  # stands in every hidden test and nowhere else
HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
SHARE = "def share(array):\n    return float((array == 0).mean())"
CLEAR = "def clear(array, keep):\n    return np.where(keep, array, 0.0)"
RIGHT = {"share": SHARE, "clear": CLEAR}
FULL = {"test_share": 2.0, "test_clear": 2.0, "test_partly": 4.0}
VISIBLE_SHARE = "assert share(np.array([0.0, 1.0])) == 0.5, 'half of two'"
HIDDEN_SHARE = f"""
{MARKER} = np.random.default_rng(5).integers(0, 3, (7, 11))
assert isinstance(share({MARKER}), float), 'a plain number, please'
assert np.isclose(share({MARKER}), ({MARKER} == 0).sum() / {MARKER}.size), 'count the zeros'
"""
VISIBLE_CLEAR = """
row, keep = np.array([1.0, 2.0]), np.array([True, False])
assert clear(row, keep).tolist() == [1.0, 0.0], 'the second goes'
"""
HIDDEN_CLEAR = f"""
{MARKER} = np.arange(12.0).reshape(3, 4)
kept = {MARKER}.copy()
found = clear({MARKER}, {MARKER} % 2 == 0)
assert np.array_equal({MARKER}, kept), 'the argument was changed'
assert found is not {MARKER} and np.array_equal(found, kept * (kept % 2 == 0)), 'odd ones go'
"""
PARTLY = f"{MARKER} = [share(np.zeros(3)) == 1, share(np.ones(3)) == 0]\n2 * sum({MARKER})"


def ends(trusted=()):
    """Two wires, as the checker and a student's kernel have them."""
    return [Wire(side, PLAIN, SHARED, lambda number, about: (number, about), trusted) for side in "cs"]


def carried(sender, receiver, value):
    """What arrives when a value is sent as text."""
    return receiver.unpack(json.loads(json.dumps(sender.pack(value))))


def source_notebook():
    cells = [
        new_code_cell("import numpy as np"),
        solution("share", SHARE),
        graded("test_share", VISIBLE_SHARE + "\n" + HIDDEN.format(HIDDEN_SHARE), 2),
        solution("clear", CLEAR),
        graded("test_clear", VISIBLE_CLEAR + HIDDEN.format(HIDDEN_CLEAR), 2),
        graded("test_partly", HIDDEN.format(PARTLY), 4),
    ]
    return notebook_of(cells)


def odd_notebook(setup: str, classes: str, answers: str, tests: dict[str, str], points: int):
    """A lesson of two answer cells, of classes and of functions, and of hidden tests worth so much each."""
    tests = [graded(f"test_{name}", HIDDEN.format(code), points) for name, code in tests.items()]
    functions = f"### BEGIN SOLUTION\n{answers}\n### END SOLUTION"
    own = [
        cell(new_code_cell, code, name, solution=True)
        for name, code in (("classes", classes), ("answers", functions))
    ]
    return notebook_of([new_code_cell(setup), *own, *tests])


def make_course(root: Path, notebook=None, extra: dict[str, str] | None = None) -> Course:
    """A released course of one lesson."""
    course = write_course(root, LESSON, notebook or source_notebook(), extra or {})
    release(course, LESSON)
    return course


def handed_in(course: Course, answers: dict[str, str], before: str = "", after: str = ""):
    """The released notebook with these answers, and a student's own cells before and after everything."""
    notebook = nbformat.read(course.path / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)
    for one in notebook.cells:
        name = one.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            one.source = answers[name]
    own = [new_code_cell(code) for code in (before, after) if code]
    if before:
        notebook.cells.insert(1, own[0])
    if after:
        notebook.cells.append(own[-1])
    return notebook


def submit(course: Course, student: str, notebook) -> None:
    """Put a notebook among the submissions."""
    folder = course.path / "submitted" / student / LESSON
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{LESSON}.ipynb")
