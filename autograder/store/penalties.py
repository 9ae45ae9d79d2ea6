"""Carry `deadlines.toml` into nbgrader's gradebook: due dates, extensions, late penalties."""

from dataclasses import replace

from nbgrader.api import MissingEntry, SubmittedAssignment

from autograder.course import Course
from autograder.policy.deadlines import rule
from autograder.policy.late import Rule, due_for, penalty


def in_force(course: Course, lesson: str) -> Rule | None:
    """Return a lesson's rule, with the gradebook's due date and extensions where the file has none."""
    found = rule(course, lesson)
    if found is None or found.due:
        return found
    with course.gradebook() as book:
        try:
            assignment = book.find_assignment(lesson)
        except MissingEntry:
            return found
        own = {s.student_id: s.duedate for s in assignment.submissions if s.duedate != assignment.duedate}
        return replace(found, due=assignment.duedate, extensions=found.extensions or own)


def settle(course: Course, lesson: str, student: str | None = None) -> None:
    """Bring a lesson's dates and penalties up to date: for everybody, or for one student.

    Penalties follow the scores as they stand, so those that an instructor gave since count too; doing it
    again changes nothing. Without a `deadlines.toml` the gradebook is left alone. Raises CourseError.
    """
    found = rule(course, lesson)
    if found is None:
        return
    with course.gradebook() as book:
        try:
            assignment = book.find_assignment(lesson)
        except MissingEntry:
            return
        if found.due and assignment.duedate != found.due:
            assignment.duedate = found.due
        one = student and book.find_submission(lesson, student)
        for submission in [one] if one else assignment.submissions:
            _settle(submission, found)
        book.db.commit()


def _settle(submission: SubmittedAssignment, found: Rule) -> None:
    regular = submission.assignment.duedate
    if regular is None:
        return
    if found.extensions or found.due:  # else extensions are what somebody entered into the gradebook
        own = due_for(found, submission.student_id, regular)
        submission.extension = own - regular if own != regular else None
    if found.per_day is None:
        return
    for notebook in submission.notebooks:
        off = penalty(found, notebook.score, submission.total_seconds_late)
        if off != (notebook.late_submission_penalty or 0.0):
            notebook.late_submission_penalty = off
