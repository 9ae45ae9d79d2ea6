"""ChannelGate: k channels for every example, the right ones, and a plain Keras layer otherwise."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import ChannelGate

layers = keras.layers
RNG = np.random.default_rng(0)


@settings(max_examples=20)
@given(st.integers(1, 12), st.floats(0.01, 1), st.sampled_from([(), (5,), (3, 4)]))
def test_every_example_keeps_exactly_k_channels(channels, keep, positions):
    gate = ChannelGate(keep)
    source = RNG.normal(size=(7, *positions, 3)).astype("float32")
    ones = np.ones((7, *positions, channels), "float32")
    alive = (np.asarray(gate([source, ones])) != 0).reshape(7, -1, channels)
    assert (alive == alive[:, :1]).all(), "a channel is gated at all positions alike"
    assert (alive[:, 0].sum(axis=-1) == max(1, round(channels * (1 - (1 - keep))))).all()


def test_against_numpy_with_ties_by_position():
    gate = ChannelGate(0.4)
    source, features = RNG.normal(size=(6, 4, 4, 3)), RNG.normal(size=(6, 4, 4, 5))
    gate([source, features])
    gate.predictor.set_weights([RNG.normal(size=(3, 5)), RNG.normal(size=5)])
    kernel, bias = gate.predictor.get_weights()
    scores = np.log1p(np.exp(np.abs(source).mean(axis=(1, 2)) @ kernel + bias))
    expected = np.zeros_like(features)
    for row, best in enumerate(np.argsort(-scores, axis=1)[:, :2]):
        expected[row][..., best] = features[row][..., best] * scores[row, best]
    np.testing.assert_allclose(gate([source, features]), expected, rtol=1e-4, atol=1e-5)
    gate.predictor.set_weights([np.zeros((3, 5)), np.zeros(5)])
    assert (np.asarray(gate([source, np.ones((6, 5))]))[:, 2:] == 0).all()


def test_to_keep_all_is_the_identity_and_needs_no_predictor():
    features, gate = RNG.normal(size=(2, 3, 3, 4)).astype("float32"), ChannelGate(1.0)
    np.testing.assert_array_equal(gate([features, features]), features)
    assert not gate.weights


@pytest.mark.parametrize("jit", [False, True])
def test_the_predictor_learns_which_channel_an_example_needs(jit):
    """The label is told by channel 0 for one kind of example and by channel 1 for the other."""
    keras.utils.set_random_seed(0)
    kind, values = RNG.integers(0, 2, 1000), RNG.choice([-1.0, 1.0], (1000, 2))
    y = values[np.arange(1000), kind] > 0
    hint = np.eye(2)[kind]
    source, features = keras.Input((2,)), keras.Input((2,))
    kept = ChannelGate(0.5)([source, features])
    model = keras.Model([source, features], layers.Dense(1, activation="sigmoid")(kept))
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"], jit_compile=jit)
    model.fit([hint, values], y, epochs=6, verbose=0)
    assert model.evaluate([hint, values], y, verbose=0)[1] > 0.95


def test_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, ChannelGate(0.3, name="gate")([inputs, layers.Dense(8)(inputs)]))
    model.save(tmp_path / "gated.keras")
    loaded = keras.models.load_model(tmp_path / "gated.keras")
    x = RNG.normal(size=(5, 6))
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.get_layer("gate").keep == 0.3


def test_mixed_precision():
    gate = ChannelGate(0.5, dtype="mixed_float16")
    out = gate([np.ones((2, 3), "float16"), np.ones((2, 4), "float16")])
    assert out.dtype == "float16" and (np.asarray(out) != 0).sum() == 4
    assert gate.predictor.kernel.dtype == "float32"


@pytest.mark.parametrize("keep", [0, -0.5, 1.1, float("nan")])
def test_keep_out_of_range(keep):
    with pytest.raises(ValueError, match="keep must be in.*Received"):
        ChannelGate(keep)
