"""What became of one submission."""

import json
from dataclasses import asdict, dataclass

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_output

# From harmless to grave: a submission that is two of these is called by the graver name.
# "error" is the grader's own failure: shown, never scored.
STATES = ("graded", "repaired", "flood", "time", "died", "unreadable", "missing", "error")


@dataclass(frozen=True)
class Result:
    """A submission after its run: the state, the reason in sentences, the executed notebook."""

    state: str
    reason: str
    notebook: NotebookNode
    seconds: float = 0.0


def to_text(result: Result, **more: str) -> str:
    """Return a result as JSON, with more fields if some are given."""
    return json.dumps({**more, **asdict(result)})


def from_record(record: dict) -> Result:
    """Return the result in what JSON gave back."""
    return Result(record["state"], record["reason"], from_dict(record["notebook"]), record["seconds"])


def gravest(states: list[str]) -> str:
    """Return the gravest of these states; "graded" when there are none."""
    return max(states, key=STATES.index, default="graded")


def add_error(cell: NotebookNode, name: str, sentence: str) -> None:
    """Say in a code cell's outputs why it failed; nbgrader scores a test cell with an error 0."""
    if cell.cell_type == "code":
        cell.outputs.append(new_output("error", ename=name, evalue=sentence, traceback=[sentence]))
