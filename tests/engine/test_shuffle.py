"""Channels in another order compute the same; importance is where it was asked for."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgery_help import equal, examples, outputs, unsettle

from course_lib.models import conv_digits, residual_digits
from course_lib.pruning import (
    Channels,
    aligned,
    layerwise,
    magnitude,
    make_masks,
    named_variables,
    permuted,
    random,
    shrink,
    spread,
)

kl = keras.layers


def shuffle(x, groups):
    """The channel shuffle of ShuffleNet: the next grouped convolution hears all groups of the last."""
    y = kl.Reshape((*x.shape[1:3], groups, x.shape[-1] // groups))(x)
    return kl.Reshape(x.shape[1:])(kl.Permute((1, 2, 4, 3))(y))


def shuffle_net(groups=2):
    """Two units of ShuffleNet (Zhang et al. 2018, arXiv:1707.01083)."""
    inputs = keras.Input((6, 6, 3))
    x = kl.Conv2D(16, 3, name="stem")(inputs)
    for i in range(2):
        y = kl.ReLU()(kl.BatchNormalization()(kl.Conv2D(16, 1, groups=groups, name=f"in_{i}")(x)))
        y = kl.BatchNormalization()(kl.DepthwiseConv2D(3, padding="same")(shuffle(y, groups)))
        x = kl.ReLU()(x + kl.BatchNormalization()(kl.Conv2D(16, 1, groups=groups, name=f"out_{i}")(y)))
    return keras.Model(inputs, kl.Dense(3)(kl.GlobalAveragePooling2D()(x)))


def next_net():
    """A block of ResNeXt, with a GroupNormalization; Flatten behind it."""
    inputs = keras.Input((6, 6, 3))
    x = kl.Conv2D(8, 3, name="stem")(inputs)
    y = kl.ReLU()(kl.BatchNormalization(name="norm")(kl.Conv2D(16, 1, name="into")(x)))
    y = kl.ReLU()(kl.Conv2D(16, 3, groups=4, padding="same", name="grouped")(y))
    x = x + kl.GroupNormalization(4)(kl.Conv2D(8, 1, name="out")(y))
    return keras.Model(inputs, kl.Dense(3)(kl.Flatten()(x)))


def sequences():
    """Heads, gates, both directions, a shared layer, a nested model, a split, an einsum."""
    inputs = keras.Input((5, 6))
    x = kl.Dense(8)(inputs)
    x = kl.LayerNormalization()(x + kl.MultiHeadAttention(4, 3)(x, x))
    one, other = keras.ops.split(x, [3], axis=-1)
    x = keras.ops.concatenate([other, keras.ops.tanh(one)], axis=-1)
    inner = keras.Sequential([keras.Input((5, 8)), kl.PReLU(), kl.LSTM(6, return_sequences=True)])
    shared = kl.EinsumDense("abc,cd->abd", (5, 6), bias_axes="d")
    x = kl.Bidirectional(kl.GRU(4))(shared(shared(inner(x))))
    return keras.Model(inputs, kl.Dense(2)(x))


def factors():
    """Depthwise multipliers, separable and transposed convolutions, squeeze-and-excite."""
    inputs = keras.Input((6, 6, 2))
    x = kl.DepthwiseConv2D(3, depth_multiplier=2)(kl.Conv2D(6, 1)(inputs))
    gate = kl.Dense(12, "sigmoid")(kl.Dense(4, "relu")(kl.GlobalAveragePooling2D(keepdims=True)(x)))
    x = kl.Conv2DTranspose(6, 2)(kl.SeparableConv2D(8, 3, depth_multiplier=2)(x * gate))
    return keras.Model(inputs, kl.Dense(3)(kl.Flatten()(x)))


MODELS = [conv_digits, residual_digits, shuffle_net, next_net, sequences, factors]


def same(model, other, tolerance=1e-5):
    x = examples(model)
    pairs = zip(outputs(model, x), outputs(other, x), strict=True)
    return all(np.abs(a - b).max() < tolerance * max(1, np.abs(a).max()) for a, b in pairs)


def some_order(channels, seed=0):
    rng = np.random.default_rng(seed)
    return {key: rng.permutation(len(group.units)) for key, group in channels.groups.items()}


@pytest.mark.parametrize("build", MODELS)
def test_in_any_order_of_the_channels_a_model_computes_the_same(build):
    model = build()
    unsettle(model)
    before = model.get_weights()
    other = permuted(model, some_order(Channels(model)))
    assert same(model, other) and type(other) is type(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    changed = [np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True)]
    assert sum(changed) < len(changed) / 2


def test_all_weights_of_a_channel_go_with_it():
    model = residual_digits()
    unsettle(model)
    channels = Channels(model)
    (key,) = (key for key in channels.groups if "stem_conv" in key)
    order = some_order(channels)[key]
    old, new = (named_variables(m) for m in (model, permuted(model, {key: order})))
    for path in ("stem_conv/kernel", "stem_norm/beta", "block_1_b_norm/moving_mean"):
        assert np.array_equal(np.asarray(new[path]), np.asarray(old[path])[..., order])
    for path in ("block_1_a_conv/kernel", "block_2_shortcut_conv/kernel"):
        assert np.array_equal(np.asarray(new[path]), np.asarray(old[path])[..., order, :])
    assert np.array_equal(np.asarray(new["block_3_a_conv/kernel"]), np.asarray(old["block_3_a_conv/kernel"]))


def test_after_sorting_the_first_channels_are_those_that_pruning_keeps():
    model = residual_digits()
    scores = Channels(model).pool(magnitude(2)(model))
    ordered = permuted(model, {key: np.argsort(-s) for key, s in scores.items()})
    masks = make_masks(ordered, 0.5, magnitude(2), Channels(ordered), layerwise)
    kept = masks["block_2_a_norm/gamma"]
    assert kept[:16].all() and not kept[16:].any()


@pytest.mark.parametrize("build", [shuffle_net, next_net])
def test_aligned_channels_compute_the_same(build):
    model = build()
    unsettle(model)
    other = aligned(model, magnitude(2))
    assert same(model, other)
    assert not all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)
    )


def test_in_each_group_of_a_grouped_convolution_the_most_important_come_first():
    model = next_net()
    unsettle(model)
    other = aligned(model, magnitude(1))
    for kernel in ("into", "grouped"):  # those who make what goes in and what comes out
        size = np.abs(np.asarray(other.get_layer(kernel).kernel)).mean(axis=(0, 1, 2)).reshape(4, 4)
        assert (np.diff(size, axis=1) <= 0).all()
        before = np.abs(np.asarray(model.get_layer(kernel).kernel)).mean(axis=(0, 1, 2)).reshape(4, 4)
        assert np.allclose(np.sort(size, axis=1), np.sort(before, axis=1))  # in the group they were in


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_aligned_more_importance_is_left(share):
    model = next_net()
    left = []
    for each in (model, aligned(model, magnitude(1))):
        masks = make_masks(each, share, magnitude(1), Channels(each), layerwise, within=["into"])
        left.append(np.abs(np.asarray(each.get_layer("into").kernel))[masks["into/kernel"]].sum())
        assert equal(each, masks, shrink(each, masks))
    assert left[1] > left[0]


@pytest.mark.parametrize("groups, width", [(2, 4), (4, 1)])
def test_a_channel_shuffle_is_followed_and_shrunk_equals_masked(groups, width):
    model = shuffle_net(groups)
    unsettle(model)
    channels = Channels(model)
    (inner,) = (g for g in channels.groups.values() if "in_0" in g.name)
    assert len(inner.units) == width and "depthwise" in inner.name
    masks = make_masks(model, 0.5, random(0), channels, layerwise)
    small = shrink(model, masks)
    assert equal(model, masks, small) and small.count_params() < model.count_params()
    assert small.get_layer("in_0").filters == (8 if width > 1 else 16)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_spread_deals_evenly(runs, each, seed):
    scores = np.random.default_rng(seed).random(runs * each)
    order = spread(scores, runs)
    assert sorted(order) == list(range(runs * each))
    sums = scores[order].reshape(runs, each).sum(axis=1)
    assert np.ptp(sums) <= np.ptp(scores) + 1e-9
    best = np.sort(scores)[::-1][:runs]
    assert np.array_equal(np.sort(scores[order].reshape(runs, each)[:, 0])[::-1], best)


def test_spread_by_hand():
    assert spread([6, 5, 4, 3, 2, 1], 3).tolist() == [0, 5, 1, 4, 2, 3]
    assert spread([1, 9], 1).tolist() == [1, 0]


@pytest.mark.parametrize(
    "order, error",
    [
        ({"conv_9/kernel": [0]}, "no group 'conv_9/kernel'.*conv_1"),
        ({"digits/kernel": range(10)}, "no group 'digits/kernel'"),
        ({"conv_1/kernel": [0] * 32}, "from 0 to 31.*Received: .0, 0"),
        ({"conv_1/kernel": range(31)}, "permutation of the numbers from 0 to 31"),
    ],
)
def test_what_is_no_order_is_refused(order, error):
    with pytest.raises(ValueError, match=f"(?s){error}"):
        permuted(conv_digits(), order)


def test_nothing_to_align_and_runs_that_do_not_divide_are_said_so():
    with pytest.raises(ValueError, match="nothing to align in 'C'"):
        aligned(conv_digits(), magnitude())
    with pytest.raises(ValueError, match="divide the number of channels, 4. Received: 3"):
        spread([1, 2, 3, 4], 3)
