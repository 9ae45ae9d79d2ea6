"""Notebooks whose metadata, tests and outputs a student has edited, see `nasty_cheats`."""

from nasty_course import by_id
from nbformat.v4 import new_code_cell, new_output


def forged_points(nb):
    for cell in nb.cells:
        meta = cell.metadata.get("nbgrader", {})
        meta["points"] = meta["max_score"] = 1000
        meta["locked"] = False


def test_to_solution(nb):
    for name in ("test_share", "test_clear", "test_partly"):
        meta = by_id(nb, name).metadata.nbgrader
        meta.update(solution=True, grade=True, locked=False, points=4)
        by_id(nb, name).source = "4"


def swapped_ids(nb):
    one, other = by_id(nb, "test_share"), by_id(nb, "test_quiz")
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = "test_quiz", "test_share"


def visible_test(nb):
    by_id(nb, "test_share").source = "assert True"
    by_id(nb, "test_partly").source = "4"


def forged_outputs(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("execute_result", {"text/plain": "4"}, execution_count=1)]
            cell.execution_count = 1


def extra_tests(nb):
    meta = {
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 50,
        "schema_version": 3,
        "task": False,
    }
    made = new_code_cell("50", metadata={"nbgrader": meta | {"grade_id": "test_more", "cell_type": "code"}})
    nb.cells.append(made)


def skipped(nb):
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception", "hide_input"]
        cell.metadata["nbclient"] = {"skip": True}
