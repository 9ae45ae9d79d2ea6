"""Best of several attempts."""

import os
import zipfile

import pytest
from tiny_course import LESSON, filled, submit

from autograder.archive import import_zip
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.store import gradebook

WRONG = "def double(x):\n    return 3 * x"
BEST = 'keep = "best"\nper_day = 2\n[01_tiny]\ndue = 2026-10-12 12:00:00\n'


@pytest.fixture
def lenient(course):
    (course.path / "deadlines.toml").write_text(BEST)
    return course


def hand_in(course, student, day=None, **answers):
    folder = submit(course, student, filled(course, **answers))
    if day:
        (folder / "timestamp.txt").write_text(f"2026-10-{day} 12:00:00 UTC")


def score(course, student):
    found = gradebook.scores(course, LESSON)[student]
    return found.score, found.penalty


def autograded(course, student):
    return (course.path / "autograded" / student / LESSON / f"{LESSON}.ipynb").read_text()


def test_a_worse_attempt_changes_nothing_and_a_better_one_counts(lenient):
    hand_in(lenient, "ann", 11)
    hand_in(lenient, "bob", 11, double=WRONG)
    grade(lenient, LESSON, jobs=2)
    assert (score(lenient, "ann"), score(lenient, "bob")) == ((6, 0), (3, 0))
    hand_in(lenient, "ann", 12, double=WRONG)
    hand_in(lenient, "bob", 12)
    outcome = grade(lenient, LESSON, jobs=2, changed=True)
    assert outcome.keys() == {"ann", "bob"}
    assert (score(lenient, "ann"), score(lenient, "bob")) == ((6, 0), (6, 0))
    assert outcome["ann"].reason == (
        "Of 2 attempts the best counts, the one handed in on 11 October 2026, 12:00 (UTC)."
    )
    assert "12 October" in outcome["bob"].reason
    assert "3 * x" not in autograded(lenient, "ann") and "3 * x" not in autograded(lenient, "bob")
    assert grade(lenient, LESSON, changed=True) == {}
    pages = {p.parent.parent.name: p.read_text("utf-8") for p in write_feedback(lenient, LESSON)}
    assert "Of 2 attempts the best counts" in pages["ann"] and "Score: 6 of 9" in pages["ann"]


def test_lateness_is_weighed(lenient):
    hand_in(lenient, "ann", 11, double=WRONG)  # 3 points
    grade(lenient, LESSON)
    hand_in(lenient, "ann", 14)  # 6 points, less 4
    grade(lenient, LESSON)
    assert score(lenient, "ann") == (3, 0)
    (lenient.path / "deadlines.toml").write_text(BEST + "extensions = { ann = 2026-10-13 12:00:00 }\n")
    assert grade(lenient, LESSON, changed=True).keys() == {"ann"}  # another attempt may be the best one now
    assert score(lenient, "ann") == (4, 2)
    with lenient.gradebook() as book:
        assert book.find_submission(LESSON, "ann").timestamp.day == 14


def test_an_unreadable_attempt_does_no_harm(lenient):
    hand_in(lenient, "ann", 11)
    grade(lenient, LESSON)
    submit(lenient, "ann", b"%PDF")
    assert grade(lenient, LESSON)["ann"].state == "graded"
    assert score(lenient, "ann") == (6, 0)


def test_the_same_submission_is_one_attempt(lenient):
    hand_in(lenient, "[a*]", 11)
    for _ in range(2):
        grade(lenient, LESSON)
    assert len(list((lenient.path / "attempts").iterdir())) == 1
    assert gradebook.scores(lenient, LESSON).keys() == {"[a*]"}


def test_last_is_the_default(course):
    hand_in(course, "ann")
    grade(course, LESSON)
    hand_in(course, "ann", double=WRONG)
    grade(course, LESSON)
    assert score(course, "ann") == (3, 0) and not (course.path / "attempts").exists()


def test_links_are_not_kept(lenient):
    hand_in(lenient, "ann", 11)
    os.symlink("/etc", lenient.path / "submitted" / "ann" / LESSON / "link")
    grade(lenient, LESSON)
    (kept,) = (lenient.path / "attempts").glob(f"*/ann/{LESSON}")
    assert not (kept / "link").is_symlink() and (kept / "answers.json").is_file()


def test_an_import_keeps_what_it_replaces(lenient, tmp_path):
    hand_in(lenient, "leejane", 11)
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr(f"leejane_1_2_{LESSON}.ipynb", "{}")
        archive.writestr("leejane_1_3_timestamp.txt", "2020-01-01 00:00:00 UTC")
    taken = import_zip(lenient, LESSON, tmp_path / "class.zip")
    assert "not the student's to say" in taken.notes[0]
    assert taken.students == {"leejane": [f"{LESSON}.ipynb"]}
    grade(lenient, LESSON)
    assert score(lenient, "leejane") == (6, 0)
