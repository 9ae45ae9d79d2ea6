"""Turn the cells of an untrusted notebook into one that nbgrader can grade, and say what was mended."""

from copy import deepcopy

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader import utils

from autograder.executor.outputs import plain
from autograder.master import Master, grade_id, is_test
from autograder.result import add_error

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def repair(raw: list[dict], master: Master) -> tuple[NotebookNode, list[str]]:
    """Return a clean notebook with every cell of the master exactly once, and what was mended.

    Outputs, foreign metadata and unknown ids are dropped without a word: they are no student's fault.
    """
    notes: list[str] = []
    cells = [_clean(cell) for cell in raw if str(cell.get("cell_type")) in NEW]
    for step in (_recognise, _deduplicate, _restore, _reorder, _reinsert):
        cells = step(cells, master, notes)
    return _notebook(cells, master), notes


def blank(master: Master, sentence: str) -> NotebookNode:
    """Return the lesson as nobody answered it, its tests not run: what an unreadable submission is worth."""
    cells = deepcopy(master.cells)
    for cell in cells:
        if is_test(cell):
            add_error(cell, "NotRun", sentence)
    return _notebook(cells, master)


def _notebook(cells: list[NotebookNode], master: Master) -> NotebookNode:
    # The student's own kernelspec names a kernel of the student's machine.
    return new_notebook(cells=cells, metadata=from_dict({"kernelspec": master.kernelspec}))


def _clean(raw: dict) -> NotebookNode:
    """Rebuild a cell from the few things that matter, so that nothing malformed is left."""
    source = raw.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    # JSON can hold half a surrogate pair, which no UTF-8 file can.
    cell = NEW[raw["cell_type"]](source.encode("utf-8", "replace").decode())
    cell.metadata = from_dict({"nbgrader": {"grade_id": grade_id(raw) if _has_metadata(raw) else None}})
    cell.metadata.origin = raw.get("id")
    if raw["cell_type"] == "markdown" and _are_attachments(raw.get("attachments")):
        cell.attachments = from_dict(plain(raw["attachments"]))
    return cell


def _has_metadata(raw: dict) -> bool:
    return isinstance(raw.get("metadata"), dict)


def _are_attachments(value) -> bool:
    """Whether these are texts by kind, by name: all that a notebook can hold."""
    bundles = list(value.values()) if isinstance(value, dict) else [None]
    return all(isinstance(b, dict) and all(isinstance(t, str) for t in b.values()) for b in bundles)


def _recognise(cells, master: Master, notes: list[str]) -> list[NotebookNode]:
    """Keep the ids of the master; find cells that lost theirs by the cell id that Jupyter gave them."""
    known, given = set(master.ids), {grade_id(c) for c in cells}
    origins = {c.get("id"): grade_id(c) for c in master.cells if c.get("id")}
    for cell in cells:
        name = grade_id(cell)
        lost = origins.get(str(cell.metadata.pop("origin")))
        if name is None and lost and lost not in given:
            name = lost
            given.add(lost)
            notes.append(f"Cell '{lost}' had lost its nbgrader mark.")
        cell.metadata = from_dict({"nbgrader": {"grade_id": name}} if name in known else {})
    return cells


def _deduplicate(cells, master: Master, notes: list[str]) -> list[NotebookNode]:
    """Let the last of several cells with one id be the graded one, as nbgrader does."""
    seen: set[str] = set()
    for cell in reversed(cells):
        name = grade_id(cell)
        if name in seen:
            cell.metadata = from_dict({})
            notes.append(f"Cell '{name}' was there more than once; the last one counts.")
        elif name:
            seen.add(name)
    return cells


def _restore(cells, master: Master, notes: list[str]) -> list[NotebookNode]:
    """Give known cells the type, points and flags of the master, and locked ones its source."""
    masters = {grade_id(c): c for c in master.cells}
    return [_restored(c, masters[grade_id(c)], master, notes) if grade_id(c) else c for c in cells]


def _restored(cell, original, master: Master, notes: list[str]) -> NotebookNode:
    name, mended = grade_id(original), deepcopy(original)
    if cell.cell_type != original.cell_type:
        notes.append(f"Cell '{name}' was turned into a {cell.cell_type} cell; it was turned back.")
    if utils.is_locked(original):
        if cell.source.rstrip() not in (master.released[name].rstrip(), original.source.rstrip()):
            notes.append(f"Locked cell '{name}' was changed; the original was used.")
        return mended
    mended.source = cell.source
    if "attachments" in cell and mended.cell_type == "markdown":
        mended.attachments = cell.attachments
    return mended


def _reorder(cells, master: Master, notes: list[str]) -> list[NotebookNode]:
    """Put known cells into the master's order, within the places they take up."""
    rank = {name: i for i, name in enumerate(master.ids)}
    places = [i for i, cell in enumerate(cells) if grade_id(cell)]
    known = sorted((cells[i] for i in places), key=lambda cell: rank[grade_id(cell)])
    if any(cells[i] is not cell for i, cell in zip(places, known, strict=True)):
        notes.append("Cells were out of order; the lesson's order was used.")
    for i, cell in zip(places, known, strict=True):
        cells[i] = cell
    return cells


def _reinsert(cells, master: Master, notes: list[str]) -> list[NotebookNode]:
    """Put every missing cell after the one that precedes it in the lesson."""
    place = 0
    for original in master.cells:
        name = grade_id(original)
        index = next((i for i, cell in enumerate(cells) if grade_id(cell) == name), None)
        if index is None:
            cells.insert(place, deepcopy(original))
            index = place
            notes.append(_missing(original))
        place = index + 1
    return cells


def _missing(cell: NotebookNode) -> str:
    name = grade_id(cell)
    if utils.is_solution(cell):
        return f"Answer cell '{name}' was deleted: there is nothing to grade in it."
    return f"Cell '{name}' was deleted; it was put back."
