"""Tables that Canvas and Moodle take in: a row for each student, a column for each lesson."""

import csv
from collections.abc import Iterator
from typing import TextIO

from nbgrader.api import Student

from autograder.course import Course
from autograder.report import harmless, to_export
from autograder.store import gradebook


def canvas(course: Course, lesson: str | None, file: TextIO) -> None:
    """Write a table for Canvas: Grades, Import. A student's folder is taken for the login."""
    chosen = to_export(course, lesson)
    scores = {name: gradebook.scores(course, name) for name in chosen}
    writer = csv.writer(file)
    writer.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *chosen])
    most = [max((s.max_score for s in scores[name].values()), default="") for name in chosen]
    writer.writerow(["    Points Possible", "", "", "", "", *most])
    for student in _students(course):
        full = ", ".join(filter(None, [student.last_name, student.first_name])) or student.id
        row = [full, student.lms_user_id or "", "", student.id, "", *_points(scores, student.id)]
        writer.writerow(map(harmless, row))


def moodle(course: Course, lesson: str | None, file: TextIO) -> None:
    """Write a table for Moodle: Grades, Import, CSV file, mapped by `username`, a student's folder."""
    chosen = to_export(course, lesson)
    scores = {name: gradebook.scores(course, name) for name in chosen}
    writer = csv.writer(file)
    writer.writerow(["username", "email", *chosen])
    for student in _students(course):
        row = [student.id, student.email or "", *_points(scores, student.id)]
        writer.writerow(map(harmless, row))


def waiting(course: Course, lesson: str | None) -> list[str]:
    """Return whose scores are not final: an answer still has to be read."""
    found = [gradebook.scores(course, name) for name in to_export(course, lesson)]
    return sorted({name for scores in found for name, score in scores.items() if score.pending})


def _points(scores: dict, student: str) -> Iterator[float | str]:
    # Empty is not zero: both systems then leave the grade as it is.
    return (found[student].score if student in found else "" for found in scores.values())


def _students(course: Course) -> list[Student]:
    with course.gradebook() as book:
        students = sorted(book.students, key=lambda s: s.id)
        book.db.expunge_all()  # they outlive the connection
        return students
