"""Keras's models cross as configuration and weights; what a student's process says of them is not asked."""

import pytest
from checks_help import HIDDEN, LESSON, handed_in, make_course, submit
from nbformat.v4 import new_code_cell, new_notebook
from tiny_course import cell

from autograder.grade import grade
from autograder.store import gradebook

SETUP = """
import numpy as np
import keras
def net(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(2)])
def data():
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    return x, np.stack([x.sum(1), x[:, 0]], 1)
"""
KEEP = """
class Keep(keras.constraints.Constraint):
    def __init__(self, mask):
        self.mask = keras.Variable(mask, trainable=False)
    def __call__(self, weights):
        return weights * self.mask
"""
FIT = """
def fit(model, x, y):
    model.compile(keras.optimizers.Adam(0.03), "mse")
    for _ in range(80):
        model.train_on_batch(x, y)
    return model
"""
ZERO = """
def zero(model, share, judge):
    kernel = model.layers[0].kernel
    border = np.quantile(np.abs(kernel.numpy()), share)
    kernel.assign(kernel * (np.abs(kernel.numpy()) >= border))
    return judge(model)
"""
SMALLER = """
def smaller(model):
    return keras.Model(model.inputs, model.layers[0].output)
"""
ANSWERS = {"keep": KEEP, "fit": FIT, "zero": ZERO, "smaller": SMALLER}
STUB = "class {}:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION"
TESTS = {
    "fit": """
model, (x, y) = net(), data()
before = float(np.mean((model(x) - y) ** 2))
found = fit(model, x, y)
assert isinstance(found, keras.Model), "return a model"
assert found.evaluate(x, y, verbose=0) < before / 2, "it did not learn"
assert found is model and model.optimizer.iterations.numpy() == 80
""",
    "zero": """
model = net()
seen = []
def judge(one):
    assert one is model
    seen.append(int((one.layers[0].kernel.numpy() == 0).sum()))
    return seen[-1]
assert zero(model, 0.5, judge) == 12 and seen == [12]
assert (model.layers[0].kernel.numpy() == 0).sum() == 12
""",
    "smaller": """
model, (x, _) = net(3), data()
found = smaller(model)
assert isinstance(found, keras.Model) and found.count_params() == 30
assert np.allclose(found.predict(x, verbose=0), model.layers[0](x), atol=1e-5)
""",
    "keep": """
mask = np.arange(24).reshape(4, 6) % 3 > 0
keep = Keep(mask)
assert np.allclose(keep(keras.ops.ones((4, 6))), mask)
keep.mask.assign(1 - keep.mask)
assert np.allclose(keep(keras.ops.ones((4, 6))), ~mask)
keep.mask.assign(mask)
model, (x, y) = net(), data()
model.layers[0].kernel.constraint = keep
model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
for _ in range(3):
    model.train_on_batch(x, y)
left = model.layers[0].kernel.numpy()
assert (left[~mask] == 0).all() and (left[mask] != 0).all()
""",
}
FAKE = """
class Fake(keras.Model):
    def evaluate(self, *args, **kwargs): return 0.0
    def predict(self, x, **kwargs): return np.zeros((len(x), 6))
    def get_weights(self): return []
def fit(model, x, y):
    return Fake()
def smaller(model):
    return Fake()
"""
PATCHED = """
keras.Model.evaluate = lambda self, *args, **kwargs: 0.0
keras.Model.predict = lambda self, x, **kwargs: np.zeros((len(x), 6))
keras.Variable.numpy = lambda self: np.zeros(self.shape)
def fit(model, x, y):
    return model
def smaller(model):
    return model
"""
DUCK = """
class Duck:
    layers = []
    def evaluate(self, *args, **kwargs): return 0.0
    def predict(self, x, **kwargs): return np.zeros((len(x), 6))
    __class__ = keras.Model
def fit(model, x, y): return Duck()
def smaller(model): return Duck()
def zero(model, share, judge): return 12
"""
BY_NUMPY = KEEP.replace("weights * self.mask", "np.asarray(weights) * self.mask.numpy()")
LAMBDA = (
    "def smaller(model):\n    return keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)])"
)
CHEATS = {
    "fake": ({"fit": FAKE, "smaller": "pass"}, {"fit", "smaller"}),
    "patched": ({"fit": PATCHED, "smaller": "pass"}, {"fit", "smaller", "zero"}),
    "duck": ({"fit": DUCK, "smaller": "pass", "zero": "pass"}, {"fit", "smaller", "zero"}),
    "numpy in a step": ({"keep": BY_NUMPY}, {"keep"}),
    "lambda": ({"smaller": LAMBDA}, {"smaller"}),
}


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    answers = [
        cell(new_code_cell, STUB.format(n.title()) if n == "keep" else "...", n, solution=True)
        for n in ANSWERS
    ]
    tests = [
        cell(new_code_cell, HIDDEN.format(code), f"test_{name}", grade=True, locked=True, points=1)
        for name, code in TESTS.items()
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(SETUP), *answers, *tests], metadata={"kernelspec": spec})
    course = make_course(tmp_path_factory.mktemp("keras"), notebook)
    submit(course, "right", handed_in(course, ANSWERS))
    for name, (changes, _) in CHEATS.items():
        submit(course, name, handed_in(course, ANSWERS | changes))
    outcome = grade(course, LESSON, jobs=2)
    scores = gradebook.scores(course, LESSON)
    errors = {
        name: [
            o.evalue for c in result.notebook.cells for o in c.get("outputs", []) if o.output_type == "error"
        ]
        for name, result in outcome.items()
    }
    return {
        n: (
            {t.removeprefix("test_") for t, (got, _) in s.cells.items() if t.startswith("test_") and not got},
            errors[n],
        )
        for n, s in scores.items()
    }


def test_real_models_pass(lost):
    assert lost["right"] == (set(), [])


@pytest.mark.parametrize("name", CHEATS)
def test_fakes_fail(lost, name):
    failed, errors = lost[name]
    assert failed == CHEATS[name][1], errors


def test_a_model_that_is_not_rebuilt_says_why(lost):
    assert any(
        "Keras models made of Keras's own layers" in error or "return a model" in error
        for error in lost["fake"][1]
    )
