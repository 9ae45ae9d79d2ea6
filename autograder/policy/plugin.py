"""`deadlines.toml` for stock `nbgrader autograde`, by one line in `nbgrader_config.py`:

c.AssignLatePenalties.plugin_class = "autograder.policy.plugin.Deadlines"
"""

from pathlib import Path

from nbgrader.plugins import LateSubmissionPlugin

from autograder.course import open_course
from autograder.policy.deadlines import rule
from autograder.policy.late import penalty


class Deadlines(LateSubmissionPlugin):
    """The late penalty that `autograder` gives; due dates and extensions are those in the gradebook."""

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points that go off, or None without a `deadlines.toml`; nbgrader calls it when late."""
        found = rule(
            open_course(Path.cwd()), self.parent.assignment_id
        )  # nbgrader works in the course folder
        return penalty(found, score, total_seconds_late) if found else None
