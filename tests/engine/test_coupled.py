"""Group lasso over coupled channels: its formula, and that channels go down whole, through all layers."""

import keras
import numpy as np
import pytest
from surgery_help import unsettle

from course_lib.models import dense_digits, residual_digits
from course_lib.pruning import (
    Channels,
    GroupLasso,
    Masks,
    layerwise,
    magnitude,
    make_masks,
    named_variables,
    penalize,
    shrink,
    unpenalize,
)

kl = keras.layers
L2 = keras.regularizers.L2


def slices_of(model, channels, key, place):
    """All weights that go with one channel, and have to do with its norm, as one row."""
    keep = {key: np.arange(len(channels.groups[key].units)) != place}
    masks, named = channels.expand(keep, {}), named_variables(model)
    weighty = [path for path in masks if len(masks[path].shape) > 1 or "gamma" in path]
    return np.concatenate([np.asarray(named[path])[~masks[path]] for path in weighty])


def named_arrays(model):
    return {path: np.array(v) for path, v in named_variables(model).items()}


def by_hand(model, channels):
    """Σ √size · norm over all channels, by the masks that would remove each alone."""
    rows = [
        slices_of(model, channels, key, place)
        for key, group in channels.groups.items()
        for place in range(len(group.units))
    ]
    return sum(np.sqrt(row.size) * np.linalg.norm(row.astype(float)) for row in rows)


def branched():
    """Dense, depthwise, grouped and recurrent kernels, a sum, a nested model."""
    inputs = keras.Input((6, 6, 2))
    x = kl.BatchNormalization()(kl.Conv2D(8, 3, padding="same")(inputs))
    x = x + kl.Conv2D(8, 3, padding="same", groups=2)(kl.DepthwiseConv2D(3, padding="same")(x))
    inner = keras.Sequential([keras.Input((36, 8)), kl.LSTM(5, return_sequences=True)], name="inner")
    return keras.Model(inputs, kl.Dense(3)(kl.GlobalAveragePooling1D()(inner(kl.Reshape((36, 8))(x)))))


@pytest.mark.parametrize("build", [dense_digits, residual_digits, branched])
def test_the_penalty_is_the_weighted_sum_of_the_norms_of_whole_channels(build):
    model = build()
    unsettle(model)
    channels = Channels(model)
    penalize(model, GroupLasso(0.01, channels))
    assert float(sum(model.losses)) == pytest.approx(0.01 * by_hand(model, channels), rel=1e-4)
    unpenalize(model)
    assert not model.losses


def test_within_penalizes_only_the_groups_of_these_layers():
    model = dense_digits()
    channels = Channels(model)
    penalize(model, GroupLasso(1.0, channels), L2(1.0), within=["hidden_2"])
    row = [slices_of(model, channels, "hidden_2/kernel", i) for i in range(100)]
    kernel = np.asarray(model.get_layer("hidden_2").kernel)
    expected = sum(np.sqrt(r.size) * np.linalg.norm(r) for r in row) + np.square(kernel).sum()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)


def test_the_gradient_of_a_channel_that_is_all_zero_is_zero():
    model = dense_digits()
    channels = Channels(model)
    keep = {"hidden_1/kernel": np.arange(300) > 0}
    Masks(channels.expand(keep, {})).apply(model)
    penalize(model, GroupLasso(0.01, channels))
    model.compile("sgd", lambda y, p: 0.0 * keras.ops.sum(p, axis=-1), jit_compile=False)
    model.fit(np.ones((4, 64)), np.zeros(4), verbose=0)
    weights = model.get_weights()
    assert all(np.isfinite(w).all() for w in weights)
    assert not weights[0][:, 0].any() and not weights[2][0].any()


def test_channels_collapse_together_over_all_coupled_kernels_and_can_be_cut():
    """Sixteen channels for a sum of two: most of them go, through both kernels of the sum, γ and the head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    x = kl.Dense(16, name="a")(inputs) + kl.Dense(16, name="b")(kl.ReLU()(kl.Dense(8, name="c")(inputs)))
    model = keras.Model(inputs, kl.Dense(1, name="head")(kl.ReLU()(kl.BatchNormalization(name="norm")(x))))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 6)).astype("float32")
    y = np.maximum(x[:, :1] + x[:, 1:2], 0)
    channels = Channels(model)
    start = named_arrays(model)
    penalize(model, GroupLasso(3e-3, channels))
    model.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=False)
    model.fit(x, y, batch_size=128, epochs=50, verbose=0)
    unpenalize(model)
    key = "a/kernel + b/kernel"
    norms = np.array([np.linalg.norm(slices_of(model, channels, key, i)) for i in range(16)])
    dead = norms < 0.1 * norms.max()
    assert 5 <= dead.sum() < 16
    now = named_arrays(model)
    for path, axis in [("a/kernel", 0), ("b/kernel", 0), ("norm/gamma", ()), ("head/kernel", 1)]:
        was, is_ = (np.abs(values[path]).max(axis=axis) for values in (start, now))
        assert is_[dead].max() < 0.2 * was.max(), path
    before = model.evaluate(x, y, verbose=0)
    share = dead.sum() / 16
    small = shrink(model, make_masks(model, share, magnitude(2), channels, layerwise, within=["a", "b"]))
    assert small.get_layer("a").units == 16 - dead.sum()
    assert small.evaluate(x, y, verbose=0) < before + 0.01 * y.var()


def test_it_trains_in_mixed_precision_with_several_steps_per_execution():
    half = keras.DTypePolicy("mixed_float16")
    inputs = keras.Input((6,))
    x = kl.ReLU(dtype=half)(kl.BatchNormalization(dtype=half)(kl.Dense(8, dtype=half)(inputs)))
    model = keras.Model(inputs, kl.Dense(3)(x))
    channels = Channels(model)
    penalize(model, GroupLasso(1e-2, channels), L2(1e-3))
    model.compile("sgd", "mse", steps_per_execution=4)
    before = by_hand(model, channels)
    model.fit(np.zeros((64, 6)), np.zeros((64, 3)), batch_size=8, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all() and by_hand(model, channels) < before


def test_what_cannot_be_penalized_is_said_so_and_nothing_changes():
    model = dense_digits()
    with pytest.raises(TypeError, match="penalize\\(model, GroupLasso.*Received: one tensor"):
        GroupLasso(0.1, Channels(model))(np.ones((3, 4)))
    with pytest.raises(ValueError, match="nothing to penalize.*Received: digits/kernel"):
        penalize(model, L2(1.0), GroupLasso(0.1, Channels(model)), within=["digits"])
    with pytest.raises(ValueError, match="another model. Received: '.*conv.*'"):
        penalize(model, GroupLasso(0.1, clashing()), within=["hidden_1"])
    assert not model.losses


def clashing():
    """Channels of a model with one layer of the same name."""
    inputs = keras.Input((8, 8, 2))
    x = kl.Flatten()(kl.Conv2D(4, 3, name="conv")(kl.Dense(5, name="hidden_1")(inputs)))
    return Channels(keras.Model(inputs, kl.Dense(2)(x)))
