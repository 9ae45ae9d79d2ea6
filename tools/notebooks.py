"""The course's notebooks on disk: where they are, and what a clean one looks like."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS, LESSONS = ROOT / "solutions", ROOT / "lessons"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
KEPT_CELL_METADATA = {"nbgrader", "tags", "jupyter"}  # jupyter: a question's code is folded away


def lesson_names() -> list[str]:
    """The lessons, in order: every NN_slug with a source notebook."""
    return sorted(path.stem for path in SOLUTIONS.glob("*/*.ipynb") if path.stem == path.parent.name)


def source(lesson: str) -> Path:
    """The hand-edited notebook of a lesson."""
    return SOLUTIONS / lesson / f"{lesson}.ipynb"


def released(lesson: str, folder: Path = LESSONS) -> Path:
    """The students' notebook of a lesson."""
    return folder / lesson / f"{lesson}.ipynb"


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's nbgrader id, or None."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def stripped(notebook: NotebookNode) -> NotebookNode:
    """The notebook without outputs, counts, widget state and whatever else a run leaves behind.

    A cell with a grade id gets it as its cell id, so that ids stay the same whoever edits the notebook.
    """
    clean = nbformat.from_dict(dict(notebook))
    clean.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    for cell in clean.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA}
        )
        if name := grade_id(cell):
            cell["id"] = name.replace("_", "-")
    return clean


def text(notebook: NotebookNode) -> str:
    """A notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"
