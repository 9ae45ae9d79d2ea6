"""One batch of every nasty submission: each becomes a graded, explained state, and none stops the others."""

import os
from pathlib import Path

import pytest
from nasty_submissions import CASES, ODD, odd_folders
from nbgrader.apps.api import NbGraderAPI
from tiny_course import LESSON, make_course, submit

from autograder.course import open_course
from autograder.executor.limits import Limits
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.release import release
from autograder.store import gradebook, results

pytestmark = pytest.mark.slow
EXPECTED = {name: case[1:] for name, case in CASES.items()} | ODD


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    root = tmp_path_factory.mktemp("batch")
    release(make_course(root), LESSON)
    course = open_course(root)
    for name, (make, *_) in CASES.items():
        submit(course, name, make(course))
    odd_folders(course, submit)
    limits = Limits(cell=2, total=60, output=100_000, grace=6)
    outcome = grade(course, LESSON, jobs=2, limits=limits)
    return course, outcome, gradebook.scores(course, LESSON)


def test_everybody_is_graded(batch):
    course, outcome, scores = batch
    assert outcome.keys() == scores.keys() == EXPECTED.keys()
    assert results.load(course, LESSON).keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_state_reason_and_scores(batch, name):
    _, outcome, scores = batch
    state, fragment, cells = EXPECTED[name]
    result = outcome[name]
    assert result.state == state, result.reason
    assert fragment in result.reason
    assert bool(result.reason) == (state != "graded")
    assert {k: got for k, (got, _) in scores[name].cells.items() if k in cells} == cells


def test_a_written_answer_waits_for_the_instructor_unless_there_is_none(batch):
    _, _, scores = batch
    assert scores["loop"].pending and scores["killed"].pending
    assert not scores["pdf"].pending and not scores["lost all"].pending


def test_output_is_capped(batch):
    _, outcome, _ = batch
    texts = [o.get("text", "") for c in outcome["flood"].notebook.cells for o in c.get("outputs", [])]
    assert 0 < sum(map(len, texts)) < 110_000


def test_no_process_is_left(batch):
    lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if os.access(p, os.R_OK)]
    assert not [line for line in lines if b"987654" in line]


def test_a_page_of_feedback_for_everybody(batch):
    course, _, _ = batch
    pages = {path.parent.parent.name: path.read_text("utf-8") for path in write_feedback(course, LESSON)}
    assert pages.keys() == EXPECTED.keys()
    assert "a PDF file" in pages["pdf"] and "Score: 0 of 9" in pages["pdf"]
    assert "exit code 3" in pages["exit code"] and "Score: 3 of 9" in pages["exit code"]


def test_formgrader_finds_a_notebook_of_everybody(batch):
    course, _, scores = batch
    (course.path / "submitted" / "odd files" / LESSON / "timestamp.txt").unlink()  # as its reason says
    seen = {s["student"]: s for s in NbGraderAPI(course, config=course.config).get_submissions(LESSON)}
    assert {name for name, s in seen.items() if s["autograded"]} == EXPECTED.keys()
    assert {name: s["needs_manual_grade"] for name, s in seen.items()} == {
        name: score.pending for name, score in scores.items()
    }
    for name in EXPECTED:
        assert (course.path / "autograded" / name / LESSON / f"{LESSON}.ipynb").is_file()
    assert not (course.path / "autograded" / "odd files" / LESSON / "link.txt").exists()
