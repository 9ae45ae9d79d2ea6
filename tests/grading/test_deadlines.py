"""`deadlines.toml`: read, refused in a sentence, and carried into nbgrader's gradebook."""

import csv
import io
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tiny_course import CONFIG, LESSON, filled, submit

from autograder.__main__ import main
from autograder.course import CourseError, open_course
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.policy.deadlines import rule
from autograder.policy.late import Amount
from autograder.report import status
from autograder.store import gradebook
from autograder.store.penalties import settle

FILE = """
timezone = "Europe/Berlin"
grace = "15 minutes"
per_day = "10 %"
floor = "50 %"

[01_tiny]
due = 2026-10-12 23:59:00
extensions = { "bob b" = 2026-10-14 23:59:00 }
"""
DUE = datetime(2026, 10, 12, 21, 59)
TIMES = {
    "ann": "2026-10-13 01:00:00 +0200",  # an hour late
    "bob b": "2026-10-13 01:00:00 +0200",  # has an extension
    "cem": "2026-10-12 22:10:00 UTC",  # within grace
    "dan": "2026-10-31 00:00:00 UTC",  # very late
    "eve": None,
}


def write(course, text):
    (course.path / "deadlines.toml").write_text(text)


@pytest.fixture(scope="module")
def graded_once(released_course, tmp_path_factory):
    root = tmp_path_factory.mktemp("late") / "course"
    shutil.copytree(released_course.root, root)
    course = open_course(root)
    write(course, FILE)
    for name, time in TIMES.items():
        folder = submit(course, name, filled(course))
        if time:
            (folder / "timestamp.txt").write_text(time)
    grade(course, LESSON, jobs=2)
    return course


@pytest.fixture
def graded(graded_once, tmp_path):
    """A fresh copy of the graded course."""
    shutil.copytree(graded_once.root, tmp_path / "graded")
    return open_course(tmp_path / "graded")


def penalties(course):
    return {name: round(score.penalty, 9) for name, score in gradebook.scores(course, LESSON).items()}


EXPECTED = {"ann": 0.6, "bob b": 0, "cem": 0, "dan": 3, "eve": 0}


def test_the_gradebook_has_dates_extensions_and_penalties(graded):
    assert penalties(graded) == EXPECTED
    with graded.gradebook() as book:
        assert book.find_assignment(LESSON).duedate == DUE
        assert book.find_submission(LESSON, "bob b").extension == timedelta(days=2)
        assert book.find_submission(LESSON, "ann").extension is None
        assert book.find_submission(LESSON, "dan").late_submission_penalty == 3


def test_it_survives_regrading_and_follows_scores_given_by_hand(graded):
    settle(graded, LESSON)
    assert penalties(graded) == EXPECTED
    grade(graded, LESSON, jobs=2)
    assert penalties(graded) == EXPECTED
    with graded.gradebook() as book:
        book.find_grade("why", LESSON, LESSON, "ann").manual_score = 3
        book.db.commit()
    write_feedback(graded, LESSON)
    score = gradebook.scores(graded, LESSON)["ann"]
    assert score.penalty == pytest.approx(0.9) and score.score == pytest.approx(8.1)


def test_a_new_extension_needs_no_new_run(graded):
    write(graded, FILE.replace('"bob b"', 'dan = 2026-11-01 00:00:00, "bob b"'))
    assert grade(graded, LESSON, changed=True) == {}
    assert penalties(graded) == EXPECTED | {"dan": 0}
    write(graded, FILE.replace("2026-10-12", "2026-11-12"))
    assert penalties(graded) == EXPECTED | {"dan": 0}  # nobody asked yet
    status(graded, LESSON)
    assert set(penalties(graded).values()) == {0}


def test_people_are_told(graded, capsys):
    pages = {p.parent.parent.name: p.read_text("utf-8") for p in write_feedback(graded, LESSON)}
    assert "1 hour and 1 minute after it was due, 12 October 2026, 23:59 (Europe/Berlin)" in pages["ann"]
    assert "0.6 points went off" in pages["ann"] and "within the time of grace" in pages["cem"]
    assert not any("after it was due" in pages[name] for name in ("bob b", "eve"))
    said = status(graded, LESSON)
    assert said["late"] == [
        "ann 1 hour and 1 minute, -0.6",
        "cem 11 minutes, -0",
        "dan 18 days and 2 hours, -3",
    ]
    assert said["taken to be in time, without a timestamp.txt"] == ["eve"]
    assert main(["export", LESSON, "--course", graded.root]) == 0
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert float(rows["ann"]["late_penalty"]) == pytest.approx(0.6)
    assert float(rows["ann"]["score"]) == pytest.approx(5.4)


def test_stock_nbgrader_gives_the_same_penalties_by_one_line(graded):
    line = 'c.AssignLatePenalties.plugin_class = "autograder.policy.plugin.Deadlines"\n'
    (graded.path / "nbgrader_config.py").write_text(CONFIG + line)
    folder = graded.path / "submitted" / "ann" / LESSON
    (folder / "timestamp.txt").write_text("2026-10-12 23:00:00 UTC")  # nbgrader takes `+0200` for 200 seconds
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON, "--student", "ann", "--force"]
    subprocess.run(command, cwd=graded.root, check=True, capture_output=True)
    assert penalties(graded) == EXPECTED


def test_without_the_file_the_gradebook_is_left_alone(course):
    with course.gradebook() as book:
        book.update_or_create_assignment(LESSON, duedate="2026-01-01 12:00:00 UTC")
    (submit(course, "ann", filled(course)) / "timestamp.txt").write_text("2026-01-02 12:00:00 UTC")
    grade(course, LESSON)
    score = gradebook.scores(course, LESSON)["ann"]
    assert (score.penalty, score.late) == (0, 86400) and rule(course, LESSON) is None
    write(course, "per_day = 2")  # no date there: nbgrader's own holds
    assert status(course, LESSON)["late"] == ["ann 1 day, -2"]


def test_what_stands_above_holds_for_lessons_that_say_nothing_else(course):
    write(course, FILE.replace("[01_tiny]", "[01_tiny]\nper_day = 0.5\n"))
    found = rule(course, LESSON)
    assert found.due == DUE and found.per_day == Amount(0.5) and found.floor == Amount(50, percent=True)


def test_the_guides_example_is_understood(course):
    guide = (Path(__file__).parents[2] / "docs" / "instructor_guide.md").read_text("utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", guide, re.S)
    for name in ("01_spare_weights", "02_which_weights"):
        (course.path / "solutions" / name).mkdir()
        (course.path / "solutions" / name / f"{name}.ipynb").touch()
    write(course, text)
    one, two = rule(course, "01_spare_weights"), rule(course, "02_which_weights")
    assert (one.due, one.per_day, two.per_day) == (DUE, Amount(10, percent=True), Amount(1))
    assert one.extensions["ann"] == DUE + timedelta(days=7) and one.keep == two.keep == "best"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("due = ", "deadlines.toml cannot be read"),
        ("[02_big]\n", "there is no lesson '02_big'. Known: 01_tiny"),
        ("[01_tiny]\ndue = 2026-10-12\n", "is a day without a time"),
        ("[01_tiny]\ndue = 5\n", "5 is no time"),
        ('[01_tiny]\ndue = "tomorrow"\n', "no time is written 'tomorrow'"),
        ('timezone = "Berlin"\n', "no time zone is called 'Berlin'"),
        ("grace = 15\n", "no length of time is written 15"),
        ('per_day = "ten"\n', "percents like '10 %'. Received: 'ten'"),
        ("per_day = -1\n", "Received: -1"),
        ("per_day = nan\n", "Received: nan"),
        ('floor = "200 %"\n', "Received: '200 %'"),
        ('keep = "first"\n', "'last' or 'best'. Received: 'first'"),
        ("penalty = 1\n", "there is no entry 'penalty'. Known: timezone, due"),
        ("[01_tiny]\nextensions = 3\n", "extensions are times by student"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(course, capsys, text, words):
    write(course, text)
    assert main(["status", LESSON, "--course", course.root]) == 1
    said = capsys.readouterr().err
    assert words in said and "deadlines.toml" in said and said.count("\n") == 1
    with pytest.raises(CourseError):
        rule(open_course(course.root), LESSON)
