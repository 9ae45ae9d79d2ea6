"""One layer at a time, and accuracy as a function of the model."""

import keras
import numpy as np
import pytest

from course_lib import models
from course_lib.pruning import Channel, accuracy_on, layerwise, make_masks, random, sensitivity

layers = keras.layers


def test_each_layer_is_pruned_alone(net):
    model, seen = net(), []

    def kept(m):
        seen.append([np.count_nonzero(layer.kernel) for layer in m.layers if hasattr(layer, "kernel")])
        return sum(seen[-1])

    table = sensitivity(model, kept, [0.0, 0.5, 0.75])
    assert table == {
        "first/kernel": {0.0: 176, 0.5: 112, 0.75: 80},
        "last/kernel": {0.0: 176, 0.5: 152, 0.75: 140},
    }
    assert seen == [[128, 48], [64, 48], [32, 48], [128, 48], [128, 24], [128, 12]]


def test_recipes_pass_through(net):
    model, seen = net(), []
    table = sensitivity(
        model,
        lambda m: seen.append(np.array(m.layers[0].kernel)) or 1.0,
        [0.5],
        criterion=random(1),
        granularity=Channel(),
        within=["first"],
    )
    masks = make_masks(model, 0.5, random(1), Channel(), layerwise, ["first"])
    assert list(table) == ["first/kernel"]
    assert ((seen[0] != 0) == masks["first/kernel"]).all()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, None])
def test_weights_come_back_bit_by_bit(net, error):
    model, calls = net(), []
    model.layers[0].bias.assign(np.full(16, -0.0))
    before = [np.array(v) for v in model.weights]

    def evaluate(m):
        calls.append(m.layers[0].bias.assign(np.ones(16)))
        if error and len(calls) == 3:
            raise error
        return 0.5

    if error:
        with pytest.raises(error):
            sensitivity(model, evaluate)
    else:
        sensitivity(model, evaluate)
    assert all(np.asarray(v).tobytes() == b.tobytes() for v, b in zip(model.weights, before, strict=True))


def test_bad_input_says_so_before_anything_happens(net):
    model = net()
    with pytest.raises(ValueError, match="Did you mean 0.5"):
        sensitivity(model, lambda m: 1.0, [50])
    with pytest.raises(ValueError, match="NaN"):
        sensitivity(model, lambda m: float("nan"))
    with pytest.raises(ValueError, match="no such layer"):
        sensitivity(model, lambda m: 1.0, within=["nowhere"])
    assert sensitivity(model, lambda m: 1.0, []) == {}


def test_accuracy_by_hand_whatever_the_form_of_the_labels():
    model = keras.Sequential([keras.Input((3,)), layers.Activation("softmax")])
    x, y = np.eye(3, dtype="float32")[[0, 1, 2, 1]], np.array([0, 1, 1, 0])
    for labels in (y, y[:, None], np.eye(3)[y], y.tolist()):
        assert accuracy_on(x, labels)(model) == 0.5
        assert accuracy_on(x, labels, size=3)(model) == 0.5


def test_accuracy_follows_the_weights_and_the_model():
    x, y = np.random.default_rng(0).random((600, 8, 8, 1)).astype("float32"), np.arange(600) % 10
    evaluate = accuracy_on(x, y, size=256)
    for seed in (0, 1):
        model = models.conv_digits(seed)
        assert evaluate(model) == pytest.approx(models.accuracy(model, x, y))
        model.layers[-1].bias.assign(np.eye(10)[4] * 1e3)
        assert evaluate(model) == pytest.approx(0.1)


class Counting(keras.Model):
    """A subclassed model that knows how often its Python code ran."""

    def __init__(self):
        super().__init__()
        self.dense, self.ran = layers.Dense(3, name="dense"), 0

    def call(self, x):
        self.ran += 1
        return self.dense(x)


def test_candidates_cost_no_second_compilation():
    model, x = Counting(), np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model(x)
    before, evaluate = model.ran, accuracy_on(x, np.arange(32) % 3)
    scores = sensitivity(model, evaluate, [0.0, 0.3, 0.6, 0.9])["dense/kernel"]
    assert model.ran == before + 1 and len(set(scores.values())) > 1
    evaluate(model)
    assert model.ran == before + 1


def test_what_has_no_accuracy_is_refused(net):
    model, x = net(), np.zeros((4, 8), "float32")
    one = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
    for args, target, words in [
        ((x, np.zeros(4)), one, "two or more classes"),
        ((x, None), model, "needs labels"),
        ((x, np.zeros((4, 2))), model, "labels must be of shape"),
        ((x * np.nan, np.zeros(4)), model, "finite"),
        ((x[:0], []), model, "at least one example"),
        ((x, np.zeros(3)), model, "same number"),
    ]:
        with pytest.raises(ValueError, match=words):
            accuracy_on(*args)(target)
