"""Take the hidden tests out of an executed notebook, so that a student may see it.

Students' code never saw them (see `checks`): what is to be hidden stands in the test cells alone.
"""

from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils

from autograder.checks.link import OWN
from autograder.master import Master, grade_id


def without_hidden(notebook: NotebookNode, master: Master) -> NotebookNode:
    """Return a copy with the sources students were given, and hints in the place of hidden tests' errors."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        name = grade_id(cell)
        if utils.is_locked(cell) and name in master.released:
            cell.source = master.released[name]
        if cell.cell_type == "code" and name in master.released and master.has_hidden(name):
            cell.outputs = _hints(cell.outputs)
    return notebook


def _hints(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Keep what students' code printed, and of a hidden test's errors the messages."""
    errors = [o for o in outputs if o.output_type == "error"]
    told = [_hint(o) for o in errors if o.evalue or len(errors) == 1]
    return [o for o in outputs if o.output_type in ("stream", "display_data")] + told


def _hint(error: NotebookNode) -> NotebookNode:
    text = f"{error.ename}: {error.evalue}"
    if error.ename == "AssertionError":
        text = error.evalue or "A hidden test failed; it gives no hint."
    own = error.traceback[:1] == [OWN]  # an error of the student's own function, with its frames alone
    return new_output("error", ename=error.ename, evalue=text, traceback=error.traceback if own else [text])
