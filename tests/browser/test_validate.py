"""nbgrader's Validate button: what it says, and which configuration it reads."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import compute_checksum


def locked_test(source: str, name: str = "test") -> NotebookNode:
    """A graded, locked test cell, as `nbgrader generate_assignment` makes them."""
    cell = new_code_cell(source)
    flags = {"grade": True, "locked": True, "solution": False, "task": False, "points": 1}
    cell.metadata["nbgrader"] = flags | {"grade_id": name, "schema_version": 3, "cell_type": "code"}
    cell.metadata["nbgrader"]["checksum"] = compute_checksum(cell)
    return cell


ASK = "from course_lib import quiz\nquiz.ask('q', 'Why?', {'a': 'one', 'b': 'two'}, {'a': 'A.', 'b': 'B.'})"


def test_a_question_counts_once_it_is_answered(lab):
    lab.write("quiz.ipynb", ASK, locked_test("quiz.check('q')"))
    lab.open("quiz.ipynb")
    lab.run_all()
    said = lab.validate()
    assert "The following cell failed:" in said and "Question 'q' has no answer yet" in said
    assert "store.read" not in said and "Traceback" not in said  # the hint, not our code
    lab.page.get_by_role("radio", name="two").check()
    lab.page.get_by_text("answer b saved").wait_for()
    assert "Success! Your notebook passes all the tests." in lab.validate()


def test_a_changed_test_is_named(lab):
    test = locked_test("assert 1 == 2")
    test.source = "assert 1 == 1"
    lab.write("changed.ipynb", test)
    lab.open("changed.ipynb")
    assert "The source of the following cell has changed, but it should not have!" in lab.validate()


@pytest.fixture
def impatient(jupyter_server):
    """The configuration file of a course, where its server was started."""
    config = jupyter_server.root / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 1\n")
    yield
    config.unlink()


def test_the_configuration_in_the_servers_folder_counts(lab, impatient):
    lab.write("slow.ipynb", locked_test("import time\ntime.sleep(10)"))
    lab.open("slow.ipynb")
    assert "CellTimeoutError" in lab.validate()
