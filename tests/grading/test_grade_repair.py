"""Whatever cells come in, every cell of the lesson comes out once, as the instructor made it."""

import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator
from tiny_course import LESSON, filled

from autograder.intake import Unreadable, read_cells
from autograder.master import grade_id, load_master
from autograder.repair import repair

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
IDS = st.sampled_from(["imports", "double", "test_double", "test_count", "why", "alien"]) | ANYTHING
META = st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": IDS, "grade": ANYTHING})})
CELL = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading"])},
    optional={"source": ANYTHING, "metadata": META | ANYTHING, "id": ANYTHING, "attachments": ANYTHING},
)


@pytest.fixture(scope="session")
def master(released_course):
    return load_master(released_course, LESSON)


@given(raw=st.lists(CELL, max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_cells_become_the_lesson(master, raw):
    notebook, _ = repair(raw, master)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert [grade_id(c) for c in notebook.cells if grade_id(c)] == master.ids
    known = {grade_id(c): c for c in notebook.cells if grade_id(c)}
    for cell in master.cells:
        same = known[grade_id(cell)]
        assert same.metadata == cell.metadata and same.cell_type == cell.cell_type
        assert not cell.metadata.nbgrader.locked or same.source == cell.source
    json.dumps(notebook).encode()


def test_a_right_notebook_is_left_alone(master, released_course):
    notebook, notes = repair(json.loads(nbformat.writes(filled(released_course)))["cells"], master)
    assert notes == []
    assert len(notebook.cells) == len(filled(released_course).cells)


@given(data=st.binary(max_size=200) | ANYTHING.map(lambda v: json.dumps(v).encode()))
@settings(max_examples=40, deadline=None)
def test_any_file_is_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    (folder / f"{LESSON}.ipynb").write_bytes(data)
    try:
        read_cells(folder, LESSON)
    except Unreadable as refusal:
        assert str(refusal).startswith(f"{LESSON}.ipynb is")
