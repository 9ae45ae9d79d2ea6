"""What tests may do with a student's functions from outside: all that they could do from inside."""

import shutil
import subprocess
import sys

import pytest
from checks_help import LESSON, handed_in, make_course, odd_notebook, submit
from honest_lesson import ANSWERS, SETUP, TESTS

from autograder.course import open_course
from autograder.executor.kernel import bubble, plain
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.kernels import bwrap
from autograder.store import gradebook

CLASSES = "class Counter:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION"
WANTED = {f"test_{name}": 3 for name in TESTS} | {"test_credit": 2}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    support = {"helper.py": "VALUE = 4\ndef same(x):\n    return x\n"}
    course = make_course(
        tmp_path_factory.mktemp("honest"), odd_notebook(SETUP, CLASSES, ANSWERS, TESTS, 3), support
    )
    submit(course, "right", handed_in(course, {"answers": ANSWERS}))
    submit(course, "blank", handed_in(course, {}))
    evil = "open('helper.py', 'w').write('VALUE = 5')\nopen('colorsys.py', 'w').write('1 / 0')"
    submit(course, "evil", handed_in(course, {"answers": ANSWERS}, before=evil))
    outcome = grade(course, LESSON, jobs=2)
    return course, outcome, gradebook.scores(course, LESSON)


def cells(scores, student):
    return {name: got for name, (got, _) in scores[student].cells.items()}


@pytest.mark.parametrize("name", TESTS)
def test_a_right_answer_passes_every_kind_of_test(batch, name):
    _, outcome, scores = batch
    errors = [
        o for c in outcome["right"].notebook.cells for o in c.get("outputs", []) if o.output_type == "error"
    ]
    assert cells(scores, "right")[f"test_{name}"] == WANTED[f"test_{name}"], errors


def test_nothing_is_given_for_nothing(batch):
    _, outcome, scores = batch
    assert {n for n, got in cells(scores, "blank").items() if got} <= {"test_credit"}


def test_the_checker_imports_nothing_that_a_student_wrote(batch):
    _, _, scores = batch
    assert cells(scores, "evil")["test_lesson"] == 3


def test_scores_are_those_of_stock_nbgrader(batch, tmp_path):
    course, _, scores = batch
    shutil.copytree(course.root, tmp_path / "course")
    stock = open_course(tmp_path / "course")
    shutil.rmtree(stock.path / "submitted" / "evil")
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON, "--force"]
    subprocess.run(command, cwd=stock.root, check=True, capture_output=True)
    theirs = gradebook.scores(stock, LESSON)
    for name in ("right", "blank"):
        ours, stocks = cells(scores, name), cells(theirs, name)
        assert {n: (ours[n], stocks[n]) for n in ours if ours[n] != stocks[n]} == {}


def test_a_student_reads_where_the_own_code_failed(batch):
    course, _, _ = batch
    submit(
        course,
        "fails",
        handed_in(
            course, {"answers": ANSWERS.replace("FACTOR", "F") + "\ndef same(x):\n    return 1 / 0 * x\n"}
        ),
    )
    grade(course, LESSON, ["fails"])
    page = {p.parent.parent.name: p.read_text("utf-8") for p in write_feedback(course, LESSON)}["fails"]
    assert "In your code:" in page and "return 1 / 0 * x" in page and "type(same(one))" not in page


@pytest.mark.parametrize("kernel", [plain, bubble])
def test_the_lower_rungs_check_the_same(batch, tmp_path, kernel):
    if kernel is bubble and (why := bwrap.possible()):
        pytest.skip(why)
    course, _, scores = batch
    shutil.copytree(course.root, tmp_path / "course")
    again = open_course(tmp_path / "course")
    grade(again, LESSON, ["right", "evil"], jobs=2, kernel=kernel)
    found = gradebook.scores(again, LESSON)
    for name in ("right", "evil"):
        assert cells(found, name) == cells(scores, name)
