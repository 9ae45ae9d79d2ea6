"""Take the hidden tests out of an executed notebook, so that a student may see it."""

import html
import re
from copy import deepcopy

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils

from autograder.master import Master, grade_id

LONG = 8  # shorter lines, such as `)`, say nothing and occur everywhere
HIDDEN = "[hidden]"


def without_hidden(notebook: NotebookNode, master: Master) -> NotebookNode:
    """Return a copy with the sources students were given, and hints in the place of hidden tests' outputs.

    Lines of hidden tests are blotted out wherever else they were printed: a student's code can read
    them while they run. What it prints in disguise (reversed, encoded) is not recognised.
    """
    notebook = deepcopy(notebook)
    secrets = _secrets(master)
    for cell in notebook.cells:
        name = grade_id(cell)
        if utils.is_locked(cell) and name in master.released:
            cell.source = master.released[name]
        if cell.cell_type != "code":
            continue
        if name in master.released and master.has_hidden(name):
            cell.outputs = _hints(cell.outputs)
        cell.outputs = [_blotted(output, secrets) for output in cell.outputs]
    return notebook


def _secrets(master: Master) -> list[str]:
    """Return the hidden lines as they can be printed: plain, inside a repr, inside HTML."""
    lines = {line for name in master.ids for line in master.hidden_lines(name) if len(line) >= LONG}
    forms = {form for line in lines for form in (line, repr(line)[1:-1], html.escape(line))}
    forms |= {line.replace('"', '\\"') for line in lines} | {line.replace("'", "\\'") for line in lines}
    return sorted(forms, key=len, reverse=True)


def _hints(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Keep of a hidden test's outputs only the messages of its errors."""
    errors = [o for o in outputs if o.output_type == "error"]
    hints = [_hint(o) for o in errors if o.evalue or len(errors) == 1]
    return [new_output("error", ename=name, evalue=text, traceback=[text]) for name, text in hints]


def _hint(error: NotebookNode) -> tuple[str, str]:
    if error.ename == "AssertionError":
        return error.ename, error.evalue or "A hidden test failed; it gives no hint."
    return error.ename, f"{error.ename}: {error.evalue}"


def _blotted(value, secrets: list[str]):
    """Replace every secret in every string of an output."""
    if isinstance(value, str):
        return _blot(value, secrets)
    if isinstance(value, list):
        return [_blotted(item, secrets) for item in value]
    if isinstance(value, dict):
        return NotebookNode({key: _blotted(item, secrets) for key, item in value.items()})
    return value


def _blot(text: str, secrets: list[str]) -> str:
    """Replace every secret; a text that has one between its colours or tags loses those."""
    text = _replaced(text, secrets)
    flat = html.unescape(re.sub(r"<[^>]*>", "", strip_ansi(text)))
    return _replaced(flat, secrets) if any(secret in flat for secret in secrets) else text


def _replaced(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
