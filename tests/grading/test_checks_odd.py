"""Odd, honest answers get the verdict from outside that they get from stock nbgrader, inside."""

import os
import shutil
import subprocess
import sys

import pytest
from checks_help import LESSON, handed_in, make_course, odd_notebook, submit
from odd_lesson import ANSWERS, CLASSES, SETUP, TESTS

from autograder.course import open_course
from autograder.grade import grade
from autograder.store import gradebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("odd"), odd_notebook(SETUP, CLASSES, ANSWERS, TESTS, 1))
    classes = "\n".join(line for line in CLASSES.splitlines() if "###" not in line)
    submit(course, "odd", handed_in(course, {"answers": ANSWERS, "classes": classes}))
    return course


@pytest.fixture(scope="module")
def outside(course):
    outcome = grade(course, LESSON, jobs=1)["odd"]
    said = {
        c.metadata.nbgrader.grade_id: [o.evalue for o in c.outputs if o.output_type == "error"]
        for c in outcome.notebook.cells
        if c.metadata.get("nbgrader", {}).get("grade")
    }
    return gradebook.scores(course, LESSON)["odd"].cells, said


@pytest.fixture(scope="module")
def inside(course, outside, tmp_path_factory):
    stock = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(course.root, stock)
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON, "--force"]
    command.append("--ExecutePreprocessor.timeout=300")
    # What imports tf_keras, as other tests do in this process, lets TensorFlow of all its children import it.
    env = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    subprocess.run(command, cwd=stock, env=env, check=True, capture_output=True)
    return gradebook.scores(open_course(stock), LESSON)["odd"].cells


@pytest.mark.parametrize("name", TESTS)
def test_the_verdict_is_that_of_stock_nbgrader(outside, inside, name):
    scores, said = outside
    assert inside[f"test_{name}"][0] == 1, "the test itself is wrong"
    assert scores[f"test_{name}"][0] == 1, said[f"test_{name}"]
