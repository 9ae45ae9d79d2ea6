"""Scores in the tables that Canvas and Moodle take in."""

import csv
import io

import pytest
from tiny_course import LESSON, filled, submit

from autograder.__main__ import main
from autograder.grade import grade


@pytest.fixture
def graded(course):
    """Ann knows, bob handed in a PDF, cem handed in nothing, and somebody has a formula for a name."""
    submit(course, "ann", filled(course))
    submit(course, "=bob", b"%PDF")
    grade(course, LESSON, jobs=2)
    with course.gradebook() as book:
        book.update_or_create_student(
            "ann", first_name="Ann", last_name="Lee", email="a@x.org", lms_user_id="7"
        )
        book.update_or_create_student("cem")
    return course


def exported(capsys, course, *options):
    capsys.readouterr()
    assert main(["export", *options, "--course", course.root]) == 0
    said = capsys.readouterr()
    return list(csv.reader(io.StringIO(said.out))), said.err


def test_canvas_and_moodle(graded, capsys):
    (head, possible, bob, ann, cem), said = exported(capsys, graded, LESSON, "--format", "canvas")
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LESSON]
    assert possible[0].strip() == "Points Possible" and float(possible[-1]) == 9
    assert ann[:5] == ["Lee, Ann", "7", "", "ann", ""] and float(ann[-1]) == 6
    assert bob[0] == bob[3] == "'=bob" and float(bob[-1]) == 0 and cem[-1] == ""
    assert said == "Not final, they wait for manual grading: ann.\n"
    rows, _ = exported(capsys, graded, "--all", "--format", "moodle")
    assert rows[0] == ["username", "email", LESSON] and rows[2][:2] == ["ann", "a@x.org"]
    assert [row[-1] for row in rows[1:]] == [bob[-1], ann[-1], ""]


def test_what_cannot_be_exported_leaves_the_old_file(graded, tmp_path, capsys):
    out = tmp_path / "scores.csv"
    out.write_text("old")
    refused = ["export", "no lesson", "--format", "moodle", "--out", str(out), "--course", graded.root]
    assert main(refused) == 1 and out.read_text() == "old"
    assert "Known: 01_tiny" in capsys.readouterr().err
