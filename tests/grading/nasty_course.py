"""The course that the hostile corpus attacks, and how a hostile submission is described."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell
from tiny_course import CONFIG, by_id, cell, graded, notebook_of, write_course

from autograder.course import Course
from autograder.release import release

LESSON = "01_hostile"
HIDDEN_MARK = "zanzibar"  # stands in every hidden test and nowhere else
SOLUTION_MARK = "wombat"  # the same of the model answers
# More processor time than a cell and its grace last, so that a loop is late first, also on a free core.
LIMITS = {"cell": 8, "total": 60, "grace": 2, "cpu": 16, "memory": 300_000_000, "processes": 16}
LIMITS |= {"file": 20_000_000, "disk": 40_000_000, "output": 100_000}

SHARE = "def share(array):\n    return float((array == 0).mean())"
CLEAR = "def clear(array, keep):\n    return np.where(keep, array, 0.0)"
WRONG_SHARE = "def share(array):\n    return 0.5"
WRONG_CLEAR = "def clear(array, keep):\n    return np.array([1.0, 0.0])"
RIGHT, WRONG = {"share": SHARE, "clear": CLEAR}, {"share": WRONG_SHARE, "clear": WRONG_CLEAR}
FULL = {"test_share": 2.0, "test_clear": 2.0, "test_partly": 4.0, "test_quiz": 1.0}
NOTHING = dict.fromkeys(FULL, 0.0)
QUIZ = NOTHING | {"test_quiz": 1.0}  # nothing but the answers.json beside the notebook
NO_SHARE = QUIZ | {"test_clear": 2.0}  # a right `clear` besides
NO_CLEAR = FULL | {"test_clear": 0.0}

MODEL = {
    "share": f"""def share(array):
    ### BEGIN SOLUTION
    {SOLUTION_MARK} = array == 0
    return float({SOLUTION_MARK}.mean())
    ### END SOLUTION""",
    "clear": f"""def clear(array, keep):
    ### BEGIN SOLUTION
    {SOLUTION_MARK} = np.where(keep, array, 0.0)
    return {SOLUTION_MARK}
    ### END SOLUTION""",
}
TEST_SHARE = f"""assert share(np.array([0.0, 1.0])) == 0.5, 'half of two'
### BEGIN HIDDEN TESTS
{HIDDEN_MARK} = np.random.default_rng(5).integers(0, 3, (7, 11))
wanted = float(({HIDDEN_MARK} == 0).sum() / {HIDDEN_MARK}.size)
assert isinstance(share({HIDDEN_MARK}), float), 'a plain number, please'
assert np.isclose(share({HIDDEN_MARK}), wanted), 'count the zeros'
### END HIDDEN TESTS"""
TEST_CLEAR = f"""row, keep = np.array([1.0, 2.0]), np.array([True, False])
assert clear(row, keep).tolist() == [1.0, 0.0], 'the second goes'
### BEGIN HIDDEN TESTS
{HIDDEN_MARK} = np.arange(12.0).reshape(3, 4)
kept = {HIDDEN_MARK}.copy()
found = clear({HIDDEN_MARK}, kept % 2 == 0)
assert np.array_equal({HIDDEN_MARK}, kept), 'the argument was changed'
assert found is not {HIDDEN_MARK} and np.array_equal(found, kept * (kept % 2 == 0)), 'odd ones go'
### END HIDDEN TESTS"""
TEST_PARTLY = f"""### BEGIN HIDDEN TESTS
{HIDDEN_MARK} = [share(np.zeros(3)) == 1, share(np.ones(3)) == 0]
2 * sum(one is True for one in {HIDDEN_MARK})
### END HIDDEN TESTS"""
TEST_QUIZ = f"""answers = json.load(open('answers.json'))
### BEGIN HIDDEN TESTS
{HIDDEN_MARK} = 'b'
assert answers.get('count') == {HIDDEN_MARK}, 'read the question again'
### END HIDDEN TESTS"""


class Case(NamedTuple):
    """A hostile submission.

    `make(course, folder)` hands it in, into a folder that is not there yet. `states` are those it may end in
    (several where the moment decides), `says` is a part of what its page must say; `or_scores` is the other
    way it may be scored, where the moment decides whether the kernel lives on.
    """

    make: Callable[[Course, Path], None]
    scores: dict[str, float]
    states: str = "graded"
    says: str = ""
    or_scores: dict[str, float] | None = None


def source_notebook():
    cells = [
        new_markdown_cell("# A lesson under attack"),
        cell(new_code_cell, "import json\nimport numpy as np", "imports", locked=True),
        cell(new_code_cell, MODEL["share"], "share", solution=True),
        graded("test_share", TEST_SHARE, 2),
        cell(new_code_cell, MODEL["clear"], "clear", solution=True),
        graded("test_clear", TEST_CLEAR, 2),
        graded("test_partly", TEST_PARTLY, 4),
        graded("test_quiz", TEST_QUIZ, 1),
        cell(
            new_markdown_cell,
            f"*Because of the {SOLUTION_MARK}.*",
            "why",
            grade=True,
            solution=True,
            points=3,
        ),
    ]
    return notebook_of(cells)


def make_course(root: Path) -> Course:
    """A released course of this lesson with small limits."""
    config = f"{CONFIG}c.Autograder.limits = {LIMITS}\n"
    course = write_course(root, LESSON, source_notebook(), {}, config)
    release(course, LESSON)
    return course


def notebook(course: Course, answers: dict[str, str] = RIGHT, before: str = "", after: str = ""):
    """The released notebook with these answers, and a student's own cells after the imports and at the end."""
    made = nbformat.read(course.path / "lessons" / LESSON / f"{LESSON}.ipynb", as_version=4)
    for name, source in answers.items():
        by_id(made, name).source = source
    by_id(made, "why").source = "Zeros cost nothing."
    if before:
        made.cells.insert(2, new_code_cell(before))
    if after:
        made.cells.append(new_code_cell(after))
    return made


def hand_in(folder: Path, content, quiz='{"count": "b"}', **files) -> None:
    """Write a submission: a notebook or bytes, answers.json (None: none), and other files by name."""
    folder.mkdir(parents=True)
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / f"{LESSON}.ipynb").write_bytes(data)
    for name, text in ({"answers.json": quiz} | files).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def code(answers: dict[str, str] = RIGHT, before: str = "", after: str = "", **files):
    """A submission that is a sound file; what is hostile is its code, or the files beside it."""
    return lambda course, folder: hand_in(folder, notebook(course, answers, before, after), **files)


def edited(change, answers: dict[str, str] = WRONG, **files):
    """A submission whose notebook went through `change`."""

    def make(course, folder):
        made = notebook(course, answers)
        change(made)
        hand_in(folder, made, **files)

    return make


def text(transform, **files):
    """A right submission whose file's text is transformed to bytes."""
    return lambda course, folder: hand_in(folder, transform(nbformat.writes(notebook(course))), **files)


def raw(data: bytes):
    """A submission that is these bytes."""
    return lambda course, folder: hand_in(folder, data)
