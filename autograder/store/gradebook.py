"""The only writer of nbgrader's gradebook, and its reader."""

import glob
import os
import warnings
from copy import deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import Execute, SaveAutoGrades
from nbgrader.utils import determine_grade
from sqlalchemy.exc import SAWarning
from traitlets import Instance

from autograder.course import Course
from autograder.intake import odd_names
from autograder.nbgrader_log import cause, listener
from autograder.result import Result, add_error


class SaveScores(SaveAutoGrades):
    """nbgrader's scores, but a line on stderr is no failure: TensorFlow logs there (nbgrader#1904)."""

    def _add_score(self, cell, resources):
        super()._add_score(scorable(cell), resources)


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


def scorable(cell: NotebookNode) -> NotebookNode:
    """Return the cell as it is to be scored: stderr left out, impossible partial credit made an error."""
    cell = deepcopy(cell)
    if cell.cell_type != "code":
        return cell
    cell.outputs = [o for o in cell.outputs if (o.output_type, o.get("name")) != ("stream", "stderr")]
    try:
        determine_grade(cell)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        cell.outputs = []
        add_error(cell, "BadPartialCredit", str(error))
    return cell


def record(course: Course, lesson: str, student: str, result: Result) -> None:
    """Write a result into the gradebook and into autograded/, as `nbgrader autograde` would.

    Manual scores and comments stay. Raises RuntimeError with nbgrader's last words when it refuses.
    """
    course = Course(config=course.config, root=course.root, assignment_id=lesson)
    odd = odd_names(course.path / course.submitted_directory / student / lesson)
    course.ignore = course.ignore + [glob.escape(name) for name in odd]
    log, words = listener()
    writer = Record(coursedir=course, config=course.config, log=log, executed=deepcopy(result.notebook))
    writer.student = student
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader fills a submission before it adds it
            writer.start()
    except NbGraderException as error:
        raise RuntimeError(cause(words, error)) from error


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
    )
