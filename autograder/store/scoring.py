"""What an executed cell is worth: as nbgrader says, but for what is nobody's fault."""

from copy import deepcopy

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import determine_grade

from autograder.result import add_error


class SaveScores(SaveAutoGrades):
    """nbgrader's scores, but a line on stderr is no failure: TensorFlow logs there (nbgrader#1904)."""

    def _add_score(self, cell, resources):
        super()._add_score(scorable(cell), resources)


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
