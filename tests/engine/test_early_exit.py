"""Early exit: the same answers as the full network gives at each exit, and really less work."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import add_exits, certainty, exit_costs, exit_early, exit_frontier, top_probability

layers = keras.layers
CALLED = []


class Count(layers.Layer):
    """Passes on what it gets and notes how many examples that were."""

    def call(self, inputs):
        if not tf.is_symbolic_tensor(inputs):  # when it is traced for its cost, nothing is computed
            CALLED.append(inputs.shape[0])
        return inputs


def branched():
    """Three exits, two inputs, a shared layer, and a skip from before the first exit to behind it."""
    keras.utils.set_random_seed(1)
    a, b = keras.Input((8,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(8, activation="relu", name="shared")
    early = shared(a)
    first = layers.Dense(3, activation="softmax", name="first")(early)
    joined = keras.ops.concatenate([Count(name="count")(early), b, a[:, :2] * 2], axis=-1)
    middle = layers.BatchNormalization(name="norm")(shared(layers.Dense(8, name="narrow")(joined)))
    second = layers.Dense(3, activation="softmax", name="second")(middle)
    last = layers.Dense(3, activation="softmax", name="last")(layers.Add()([middle, early]))
    return keras.Model([a, b], [first, second, last])


MODEL = branched()
RNG = np.random.default_rng(0)
X = [3 * RNG.normal(size=(n, c)).astype("float32") for n, c in ((300, 8), (300, 4))]
Y = RNG.integers(0, 3, 300)
FULL = [np.asarray(o) for o in MODEL(X)]


@settings(max_examples=12)
@given(st.floats(0, 1), st.sampled_from([top_probability, certainty]))
def test_every_example_gets_the_answer_of_the_first_exit_that_is_sure(threshold, measure):
    found = exit_early(MODEL, X, threshold, measure)
    for row in range(0, 300, 7):
        sure = [measure(np.float64(o[row : row + 1]))[0] for o in FULL[:2]]
        expected = next((i for i, s in enumerate(sure) if s > threshold), 2)
        if min(abs(np.array(sure) - threshold)) > 1e-5:
            assert found.exits[row] == expected
        np.testing.assert_allclose(found.outputs[row], FULL[found.exits[row]][row], rtol=1e-4, atol=1e-6)


def test_thresholds_nought_and_one_are_the_first_exit_and_the_full_model_exactly():
    x = [a[:200] for a in X]  # one batch, so that the sums run in the same order
    first, _, last = (np.asarray(o) for o in MODEL(x, training=False))
    none, full = exit_early(MODEL, x, 0), exit_early(MODEL, x, 1)
    np.testing.assert_array_equal(none.outputs, first)
    np.testing.assert_array_equal(full.outputs, last)
    assert list(none.shares) == [1, 0, 0] and list(full.shares) == [0, 0, 1]
    assert none.macs == exit_costs(MODEL)[0] and full.macs == exit_costs(MODEL)[2]


def test_thresholds_nought_and_one_hold_also_where_a_softmax_rounds():
    inputs = keras.Input((2,))
    as_it_is = layers.Dense(2, kernel_initializer="identity")(inputs)
    model = keras.Model(inputs, [layers.Softmax()(as_it_is), layers.Softmax()(as_it_is + 1)])
    x = np.array([[500, 0], [0, 0]], "float32")  # certain to the last bit; no idea at all
    assert list(exit_early(model, x, 1).exits) == [1, 1]
    assert list(exit_early(model, x, 0, certainty).exits) == [0, 0]


def test_what_lies_behind_an_exit_runs_only_on_those_that_stayed():
    CALLED.clear()
    found = exit_early(MODEL, X, 0.8)
    left = (found.exits > 0).sum()
    assert 0 < left < 300 and sum(CALLED) == left
    CALLED.clear()
    exit_early(MODEL, X, 0)
    assert not CALLED


def test_batched_is_one_by_one():
    whole = exit_early(MODEL, X, 0.7)
    for row in range(0, 300, 75):
        alone = exit_early(MODEL, [a[row : row + 1] for a in X], 0.7)
        assert alone.exits[0] == whole.exits[row]
        np.testing.assert_allclose(alone.outputs[0], whole.outputs[row], rtol=1e-4, atol=1e-6)


def test_the_frontier_is_what_single_runs_give_and_costs_are_counted_one_by_one():
    costs = exit_costs(MODEL)
    assert list(costs) == sorted(costs)
    for threshold, point in exit_frontier(MODEL, X, [0, 0.5, 0.8, 0.95, 1]).items():
        run = exit_early(MODEL, X, threshold)
        np.testing.assert_array_equal(point.exits, run.exits)
        np.testing.assert_allclose(point.outputs, run.outputs, rtol=1e-4, atol=1e-6)
        assert point.macs == pytest.approx(sum(costs[i] for i in run.exits) / 300)
        assert point.accuracy(Y) == np.mean([o.argmax() == y for o, y in zip(run.outputs, Y, strict=True)])


def test_padding_masks_stay_with_their_rows():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(9, 6, mask_zero=True)(inputs)
    read = layers.LSTM(4, return_sequences=True)(embedded)
    pooled = [layers.GlobalAveragePooling1D()(t) for t in (embedded, read)]
    model = keras.Model(inputs, [layers.Dense(3, "softmax", kernel_initializer="normal")(t) for t in pooled])
    model.set_weights([30 * w for w in model.get_weights()])
    x = np.random.default_rng(0).integers(0, 9, (40, 5))
    x[:, 3:] *= np.arange(40)[:, None] % 2
    found, full = exit_early(model, x, 0.7), model(x)
    assert len(set(found.exits)) == 2
    for row, exit in enumerate(found.exits):
        np.testing.assert_allclose(found.outputs[row], full[exit][row], rtol=1e-4)


def test_two_classes_from_one_unit():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(4, name="a"), layers.Dense(1, activation="sigmoid")]
    )
    found = exit_early(add_exits(model, ["a"]), X[0], 0.9)
    assert found.outputs.shape == (300, 1) and 0 < found.shares[0] < 1
    assert found.accuracy(np.ones(300)) == np.mean(found.outputs > 0.5)


def test_what_cannot_exit_early_says_so():
    with pytest.raises(ValueError, match="Received: 1.5"):
        exit_early(MODEL, X, 1.5)
    with pytest.raises(ValueError, match="an output for each exit"):
        exit_early(keras.Sequential([keras.Input((8,)), layers.Dense(3)]), X[0], 0.5)
    inputs = keras.Input((8,))
    with pytest.raises(ValueError, match="must give probabilities"):
        exit_early(keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)]), X[0], 0.5)
