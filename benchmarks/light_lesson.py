"""A light lesson for the benchmark of grading: it imports Keras, trains for two seconds, has three tests."""

import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[1]
LIGHT = "90_light"
SETUP = "import numpy as np\nfrom course_lib import data, models\nfrom course_lib.backend import keras"
TRAIN = """x_train, y_train, x_test, y_test = data.digits(flat=True)
D = models.dense_digits()
D.fit(x_train, y_train, epochs={epochs}, verbose=0);"""
MASK = """def magnitude_mask(weights, sparsity):
    ### BEGIN SOLUTION
    order = np.argsort(np.abs(weights).ravel())
    keep = np.ones(weights.size, bool)
    keep[order[: round(weights.size * sparsity)]] = False
    return keep.reshape(weights.shape)
    ### END SOLUTION"""
TESTS = {
    "test_count": "assert magnitude_mask(np.arange(1.0, 5.0), 0.5).sum() == 2, 'Half of four weights stay.'\n"
    "### BEGIN HIDDEN TESTS\n"
    "assert magnitude_mask(D.layers[0].kernel.numpy(), 0.9).mean().round(2) == 0.1\n"
    "### END HIDDEN TESTS",
    "test_largest": "assert magnitude_mask(np.array([1.0, -3.0]), 0.5)[1], '-3 is larger than 1.'",
    "test_shape": "### BEGIN HIDDEN TESTS\n"
    "assert magnitude_mask(np.ones((3, 4)), 0.25).shape == (3, 4)\n"
    "### END HIDDEN TESTS",
}
PLANTED = """# %% magnitude_mask :: sorts :: pass
def magnitude_mask(weights, sparsity):
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    keep = np.ones(weights.size, bool)
    keep[order[: round(weights.size * sparsity)]] = False
    return keep.reshape(weights.shape)

# %% magnitude_mask :: forgets the absolute value :: fails test_largest :: larger
def magnitude_mask(weights, sparsity):
    keep = np.ones(weights.size, bool)
    keep[np.argsort(weights.ravel())[: round(weights.size * sparsity)]] = False
    return keep.reshape(weights.shape)

# %% magnitude_mask :: flat :: fails test_shape :: shape
def magnitude_mask(weights, sparsity):
    keep = np.ones(weights.size, bool)
    keep[np.argsort(np.abs(weights).ravel())[: round(weights.size * sparsity)]] = False
    return keep
"""


def write_source(folder: Path, epochs: int = 8) -> Path:
    """Write the sources of a course with this one lesson, and the course's settings; return the folder."""
    lesson = folder / "solutions" / LIGHT
    lesson.mkdir(parents=True)
    flags = {"locked": False, "schema_version": 3, "task": False}
    answer = new_code_cell(MASK, id="mask")
    answer.metadata.nbgrader = {"grade_id": "magnitude_mask", "grade": False, "solution": True, **flags}
    cells = [new_code_cell(SETUP, id="setup"), new_code_cell(TRAIN.format(epochs=epochs), id="train"), answer]
    for name, source in TESTS.items():
        test = new_code_cell(source, id=name.replace("_", "-"))
        marks = {"grade_id": name, "grade": True, "solution": False, "points": 1}
        test.metadata.nbgrader = {**flags, **marks, "locked": True}
        cells.append(test)
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=spec), lesson / f"{LIGHT}.ipynb")
    planted = folder / "tests" / "planted"
    planted.mkdir(parents=True)
    (planted / f"{LIGHT}.py").write_text(PLANTED, "utf-8")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    return folder
