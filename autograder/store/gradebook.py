"""The only writer of nbgrader's gradebook, and its reader."""

import os
import warnings
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import sleep

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import Execute, SaveAutoGrades
from sqlalchemy.exc import SAWarning
from traitlets import Instance

from autograder import files
from autograder.course import Course
from autograder.kernels.folders import remove
from autograder.nbgrader_log import cause, listener
from autograder.result import Result
from autograder.store import results
from autograder.store.scoring import SaveScores

# Seconds between tries: another grader may hold the database, or have entered the same student.
PAUSES = (0.5, 3, 0)


class Record(Autograde):
    """nbgrader's autograder for one student, its notebook already repaired and executed."""

    executed = Instance(NotebookNode)
    force = True

    def init_notebooks(self) -> None:
        """Take the one student as given: stock nbgrader globs, and stumbles over `[` and missing files."""
        folder = self._format_source(self.coursedir.assignment_id, self.student)
        self.assignments = {folder: [os.path.join(folder, self.coursedir.assignment_id + ".ipynb")]}

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Score the executed notebook and write it to autograded/."""
        resources = self.init_single_notebook_resources(notebook_filename)
        self._sanitizing = False
        self._init_preprocessors()
        output, resources = self.exporter.from_notebook_node(self.executed, resources=resources)
        self.write_single_notebook(output, resources)
        self._sanitizing = True

    def _init_preprocessors(self) -> None:
        steps = [step for step in self.autograde_preprocessors if step is not Execute]
        self.exporter._preprocessors = []
        for step in steps:
            self.exporter.register_preprocessor(SaveScores if step is SaveAutoGrades else step)


@dataclass(frozen=True)
class Score:
    """What the gradebook says of one submission: late penalty taken off, as in nbgrader's own export."""

    score: float
    max_score: float
    pending: bool
    cells: dict[str, tuple[float, float]]
    comments: dict[str, str]
    penalty: float
    submitted: datetime | None = None
    due: datetime | None = None

    @property
    def late(self) -> float:
        """Seconds between the due date and the hand-in; 0 when one of them is unknown."""
        return max(0.0, (self.submitted - self.due).total_seconds()) if self.submitted and self.due else 0.0


def record(course: Course, lesson: str, student: str, result: Result, folder: Path | None = None) -> None:
    """Write a result into the gradebook and into autograded/, as `nbgrader autograde` would.

    `folder` is the submission's, if that is another attempt than the one in submitted/.
    Manual scores and comments stay. Raises RuntimeError with nbgrader's last words when it refuses.
    """
    course = Course(config=course.config, root=course.root, assignment_id=lesson)
    folder = folder or course.path / course.submitted_directory / student / lesson
    copied = results.folder(course, lesson) / ".copied"  # nbgrader would follow links, and wait for pipes
    course.submitted_directory = str(copied.relative_to(course.path))
    try:
        _copy(folder, copied / student / lesson)
        _record(course, student, result)
    finally:
        remove(copied)


def _copy(folder: Path, target: Path) -> None:
    remove(target.parents[1])  # what a grader that was killed has left
    target.mkdir(parents=True)
    if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink():
        files.copy(folder, target)


def _record(course: Course, student: str, result: Result) -> None:
    for pause in PAUSES:
        log, words = listener()
        writer = Record(coursedir=course, config=course.config, log=log, executed=deepcopy(result.notebook))
        writer.student = student
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader fills a submission before it adds it
                return writer.start()
        except NbGraderException as error:
            refusal = RuntimeError(cause(words, error))
            refusal.__cause__ = error
        sleep(pause)
    raise refusal


def scores(course: Course, lesson: str) -> dict[str, Score]:
    """Return what the gradebook holds for a lesson, by student."""
    with course.gradebook() as gradebook:
        try:
            submissions = gradebook.find_assignment(lesson).submissions
        except MissingEntry:
            return {}
        return {s.student_id: _score(s) for s in submissions}


def students(course: Course) -> list[str]:
    """Return everybody the gradebook knows."""
    with course.gradebook() as gradebook:
        return sorted(s.id for s in gradebook.students)


def _score(submission) -> Score:
    penalty = submission.late_submission_penalty or 0.0
    notebooks = submission.notebooks
    return Score(
        score=max(0.0, submission.score - penalty),
        max_score=submission.max_score,
        pending=submission.needs_manual_grade,
        cells={g.name: (g.score, g.max_score) for n in notebooks for g in n.grades},
        comments={c.name: c.comment for n in notebooks for c in n.comments if c.comment},
        penalty=penalty,
        submitted=submission.timestamp,
        due=submission.duedate,
    )
