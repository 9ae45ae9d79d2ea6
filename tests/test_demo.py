"""`make demo`: a real class of twelve on the real lesson 01, graded, with pages and a table."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.executor import ladder
from tools.notebooks import ROOT

LESSON = "01_spare_weights"
WHOLE = 16  # points of the tests; four more wait for the instructor


def opt_in():
    """What to say where nothing can seal code; these submissions are our own."""
    try:
        ladder.choose()
    except ladder.NoSandbox:
        return ["--unsandboxed"]
    return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's course folder and what it printed."""
    course = tmp_path_factory.mktemp("demo") / "course"
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "demo", "--course", str(course), *opt_in()],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return course, done.stdout


@pytest.fixture(scope="module")
def rows(demo):
    course, _ = demo
    with (course / "grades.csv").open() as file:
        return {row["student"]: row for row in csv.DictReader(file)}


pytestmark = pytest.mark.slow


def test_everybody_is_in_the_table(demo, rows):
    assert len(rows) == 12
    assert all(student in demo[1] for student in rows)


@pytest.mark.parametrize("student", ["ada-perfect", "ben-other-style"])
def test_solutions_in_different_styles_score_everything(rows, student):
    assert float(rows[student]["score"]) == WHOLE and rows[student]["manual_pending"] == "yes"


def test_a_blank_lesson_scores_nothing(rows):
    assert float(rows["cleo-blank"]["score"]) == 0 and rows["cleo-blank"]["state"] == "graded"


@pytest.mark.parametrize("student", ["dan-half", "eve-wrong", "fay-wrong", "gus-wrong", "hal-wrong"])
def test_partly_right_scores_in_between(rows, student):
    assert 0 < float(rows[student]["score"]) < WHOLE and rows[student]["state"] == "graded"


@pytest.mark.parametrize(
    "student, state, points, words",
    [
        ("ida-cut-off", "unreadable", 0, "not valid JSON"),
        ("jon-endless", "time", WHOLE - 4, "predict_zipped_bytes' ran longer than 120 s"),
        ("kim-lost-cells", "repaired", WHOLE - 3, "Answer cell 'sparsity' was deleted"),
        ("lea-pdf", "unreadable", 0, "a PDF file"),
    ],
)
def test_what_went_wrong_is_scored_and_said_everywhere(demo, rows, student, state, points, words):
    row = rows[student]
    assert (row["state"], float(row["score"])) == (state, points) and words in row["reason"]
    page = (demo[0] / "feedback" / student / LESSON / f"{LESSON}.html").read_text()
    assert words.replace("'", "&#x27;") in page


def test_no_page_shows_a_hidden_test(demo):
    pages = list((demo[0] / "feedback").rglob("*.html"))
    assert len(pages) == 12
    for page in pages:
        assert "HIDDEN" not in page.read_text() and "_fresh_weights" not in page.read_text(), page


def test_the_table_names_the_failed_tests(demo):
    assert "failed tests" in demo[1] and "all 11" in demo[1]


def test_formgrader_can_show_the_class(demo):
    from nbgrader.apps.api import NbGraderAPI

    from autograder.course import open_course

    course = open_course(Path(demo[0]))
    submissions = NbGraderAPI(course, config=course.config).get_submissions(LESSON)
    assert len(submissions) == 12 and all(s["autograded"] for s in submissions)
    waiting = {s["student"] for s in submissions if s["needs_manual_grade"]}
    assert {"ada-perfect", "ben-other-style"} <= waiting and "cleo-blank" not in waiting
