"""Scores are nbgrader's own, and what people wrote into the gradebook stays."""

import json
import subprocess
import sys

import pytest
from tiny_course import LESSON, RIGHT, filled, submit

from autograder.course import CourseError, open_course
from autograder.executor.limits import Limits
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.report import status
from autograder.store import gradebook, results

HONEST = {
    "right": {},
    "blank": {"double": None, "count": None, "why": None},
    "wrong": {"double": "def double(x):\n    return abs(2 * x)"},
    "partly right": {"count": "def count_zeros(values):\n    return len(values[:1])"},
    "raises": {"count": "def count_zeros(values):\n    return 1 / 0"},
}


NO_DOUBLE = {"test_double": 0, "test_double_more": 0}
MOST = RIGHT | {"why": 3}
PENALTY = """
from nbgrader.plugins import LateSubmissionPlugin

class Two(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2

c.AssignLatePenalties.plugin_class = Two
"""


def cells(course):
    return {name: score.cells for name, score in gradebook.scores(course, LESSON).items()}


def stock_autograde(course):
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON]
    subprocess.run(command, cwd=course.root, check=True, capture_output=True)


def test_scores_are_those_of_stock_nbgrader(course):
    for name, answers in HONEST.items():
        submit(course, name, filled(course, **answers), quiz="a" if name == "wrong" else "b")
    stock_autograde(course)
    stock = gradebook.scores(course, LESSON)
    with course.gradebook() as book:
        for name in HONEST:
            book.remove_submission(LESSON, name)
    assert gradebook.scores(course, LESSON) == {}
    outcome = grade(course, LESSON, jobs=2)
    assert {result.state for result in outcome.values()} == {"graded"}
    assert gradebook.scores(course, LESSON) == stock


def test_partial_credit_is_nbgraders(course):
    submit(course, "ann", filled(course, **HONEST["partly right"]))
    grade(course, LESSON)
    assert cells(course)["ann"]["test_count"] == (1.5, 2)


def test_regrading_keeps_manual_scores_and_comments(course):
    submit(course, "ann", filled(course))
    grade(course, LESSON)
    with course.gradebook() as book:
        book.find_grade("why", LESSON, LESSON, "ann").manual_score = 2.5
        book.find_comment("why", LESSON, LESSON, "ann").manual_comment = "Well *put*."
        book.db.commit()
    submit(course, "ann", filled(course, double="def double(x): return 0"))
    grade(course, LESSON)
    score = gradebook.scores(course, LESSON)["ann"]
    assert score.cells == {k: (v, MOST[k]) for k, v in (RIGHT | NO_DOUBLE | {"why": 2.5}).items()}
    assert score.comments["why"] == "Well *put*."
    (page,) = write_feedback(course, LESSON)
    assert "Well <em>put</em>." in page.read_text("utf-8") and "why: 2.5 of 3" in page.read_text("utf-8")


def test_a_late_submission_has_its_penalty(course):
    config = course.path / "nbgrader_config.py"
    config.write_text(config.read_text() + PENALTY)
    course = open_course(course.root)
    with course.gradebook() as book:
        book.update_or_create_assignment(LESSON, duedate="2026-01-01 12:00:00 UTC")
    (submit(course, "ann", filled(course)) / "timestamp.txt").write_text("2026-01-01 13:00:00 UTC")
    grade(course, LESSON)
    score = gradebook.scores(course, LESSON)["ann"]
    assert (score.penalty, score.score) == (2, 4)


def test_the_kernel_sees_a_copy_and_no_solutions(course):
    look = "import os, pathlib\nseen = sorted(os.listdir('.'))\npathlib.Path('made.txt').write_text('x')\n"
    look += "print(seen, os.environ['NBGRADER_EXECUTION'], 'lessons' in os.getcwd())"
    folder = submit(course, "ann", filled(course, double=look))
    (course.path / "solutions" / LESSON / "answers.txt").write_text("support")
    result = grade(course, LESSON)["ann"]
    outputs = [output for cell in result.notebook.cells for output in cell.get("outputs", [])]
    printed = [output.text for output in outputs if output.output_type == "stream"]
    files = ["01_tiny.ipynb", "answers.json", "answers.txt", "helper.txt"]
    assert printed == [f"{files} autograde False\n"]
    assert sorted(p.name for p in folder.iterdir()) == files[:2]


def test_answers_of_the_solutions_are_refused(course):
    submit(course, "ann", filled(course))
    (course.path / "solutions" / LESSON / "answers.json").write_text("{}")
    with pytest.raises(CourseError, match="answers.json must go"):
        grade(course, LESSON)


def test_the_total_limit_leaves_what_was_earned(course):
    submit(course, "ann", filled(course, count="import time\ntime.sleep(60)"))
    result = grade(course, LESSON, limits=Limits(cell=50, total=3))["ann"]
    assert result.state == "time" and "3 s" in result.reason
    assert cells(course)["ann"]["test_double_more"] == (2, 2)
    assert cells(course)["ann"]["test_quiz"] == (0, 1)


def test_a_grader_that_fails_changes_no_score(course):
    submit(course, "ann", filled(course))
    grade(course, LESSON)
    before = gradebook.scores(course, LESSON)
    with course.gradebook() as book:
        book.find_notebook(LESSON, LESSON).kernelspec = json.dumps({"name": "gone", "display_name": "Gone"})
        book.db.commit()
    assert grade(course, LESSON)["ann"].state == "error"
    assert "grader itself failed" in results.load(course, LESSON)["ann"].reason
    assert gradebook.scores(course, LESSON) == before
    assert status(course, LESSON)["not graded, the grader failed"] == ["ann"]


def test_chosen_students_only(course):
    for name in ("ann", "bob"):
        submit(course, name, filled(course))
    assert grade(course, LESSON, students=["bob"]).keys() == {"bob"}
    assert status(course, LESSON) == {
        "graded": ["bob"],
        "waiting to be graded": ["ann"],
        "not graded, the grader failed": [],
        "waiting for manual grading": ["bob"],
        "not submitted": [],
    }
