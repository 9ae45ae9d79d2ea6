"""The instructor's version of a lesson: the cells a submission is compared with and repaired from."""

import json
from dataclasses import dataclass
from uuid import uuid4

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.course import Course


@dataclass(frozen=True)
class Master:
    """A lesson's nbgrader cells, in order, as they must be graded.

    `cells` hold the hidden tests, `released` the sources that students were given, by grade id; `notebook`
    is all code, ordinary cells too, in order.
    """

    lesson: str
    cells: list[NotebookNode]
    released: dict[str, str]
    kernelspec: dict
    notebook: list[NotebookNode]

    @property
    def ids(self) -> list[str]:
        """The grade ids, in the order of the lesson."""
        return [grade_id(cell) for cell in self.cells]

    def has_hidden(self, name: str) -> bool:
        """Whether this cell holds tests that students were not given."""
        return bool(self.hidden_lines(name))

    def hidden_lines(self, name: str) -> list[str]:
        """Return the lines of a locked cell that students were not given."""
        cell = next((c for c in self.cells if grade_id(c) == name and utils.is_locked(c)), None)
        if cell is None:
            return []
        known = {line.strip() for line in self.released[name].splitlines()}
        return [s for line in cell.source.splitlines() if (s := line.strip()) and s not in known]


def grade_id(cell: NotebookNode) -> str | None:
    """Return the cell's nbgrader id, or None for an ordinary cell."""
    meta = cell.get("metadata", {}).get("nbgrader")
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else None


def is_test(cell: NotebookNode) -> bool:
    """Whether this cell's outputs decide a score."""
    return utils.is_grade(cell) and not utils.is_solution(cell) and cell.cell_type == "code"


def load_master(course: Course, lesson: str) -> Master:
    """Read a released lesson: order and layout from the release, hidden tests from the gradebook."""
    path = course.path / course.release_directory / lesson / f"{lesson}.ipynb"
    every = nbformat.read(path, as_version=4).cells
    cells = [c for c in every if grade_id(c)]
    released = {grade_id(c): c.source for c in cells}
    with course.gradebook() as gradebook:
        notebook = gradebook.find_notebook(lesson, lesson)
        sources = {s.name: s for s in notebook.source_cells}
        kernelspec = json.loads(notebook.kernelspec or "{}")
        cells = [_graded(c, sources[grade_id(c)]) for c in cells if grade_id(c) in sources]
    return Master(lesson, cells, released, kernelspec, [c for c in every if c.cell_type == "code"])


def _graded(cell: NotebookNode, source) -> NotebookNode:
    """Give a released cell its hidden tests back, as nbgrader's OverwriteCells does."""
    cell.metadata.nbgrader.checksum = source.checksum
    cell.setdefault("id", uuid4().hex[:8])  # a release older than nbformat 4.5 has none
    if source.locked:
        cell.source = source.source
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell
