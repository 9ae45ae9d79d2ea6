"""What a shrunk model will cost is what it costs; and budgets are used to the last channel."""

from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models import conv_digits, dense_digits, residual_digits
from course_lib.pruning import (
    Channels,
    GradualPruning,
    affordable,
    byte_cost,
    globally,
    layerwise,
    linear,
    mac_cost,
    macs,
    magnitude,
    make_masks,
    multiples,
    parameter_cost,
    parameters,
    random,
    raw_bytes,
    shrink,
)

kl, ops = keras.layers, keras.ops


def excited():
    """Depthwise, separable and grouped convolutions, squeeze-and-excite, mixed precision in one layer."""
    inputs = keras.Input((8, 8, 3))
    x = kl.Conv2D(16, 3, strides=2, dtype="mixed_float16")(inputs)
    x = kl.BatchNormalization()(kl.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x))
    gate = kl.Dense(32, "sigmoid")(kl.Dense(8, "relu")(kl.GlobalAveragePooling2D(keepdims=True)(x)))
    x = kl.Conv2D(24, 3, groups=4, padding="same")(kl.PReLU()(x * gate))
    x = kl.Conv2DTranspose(6, 3, strides=2)(kl.SeparableConv2D(12, 3, padding="same")(x))
    return keras.Model(inputs, kl.Dense(3)(kl.Flatten()(x)))


def mixed():
    """Kernels that are used along channels: after a Permute, in two calls, and in an EinsumDense."""
    inputs = keras.Input((6, 5))
    x = kl.Dense(8, "relu", name="first")(inputs)
    shared = kl.Dense(6, name="shared")
    y = shared(kl.Permute((2, 1))(x))  # along 8 channels, then along 6 positions
    z = kl.Permute((2, 1))(shared(kl.Dense(6, name="second")(x)))
    y = kl.EinsumDense("abc,cd->abd", (8, 4))(y)
    z = kl.EinsumDense("abc,bd->adc", (7, 6))(z)
    return keras.Model(inputs, [kl.Dense(2)(kl.Flatten()(y)), kl.Dense(2)(kl.Flatten()(z))])


def words():
    """Embedding, heads, recurrent layers, a nested model."""
    inputs = keras.Input((7,), dtype="int32")
    x = kl.Embedding(20, 8)(inputs)
    x = kl.RMSNormalization()(x + kl.MultiHeadAttention(4, 3)(x, x))
    x = kl.Bidirectional(kl.LSTM(6, return_sequences=True))(x)
    inner = keras.Sequential([keras.Input((10,)), kl.Dense(9, "relu"), kl.Dense(5)], name="inner")
    return keras.Model(inputs, kl.Dense(2)(inner(kl.GRU(10)(x))))


def mobile():
    return keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35, classes=5)


COSTS = {
    mac_cost: lambda model: macs(model).total,
    parameter_cost: lambda model: parameters(model).total,
    byte_cost: raw_bytes,
}
MODELS = [dense_digits, conv_digits, residual_digits, excited, mixed, words, mobile]


@cache
def halved(build):
    """A model, its channels, what is kept of them, and the shrunk model."""
    model = build()
    channels = Channels(model)
    keep = globally(channels.pool(random(0)(model)), 0.5)
    return model, channels, keep, shrink(model, channels.expand(keep, {}))


@pytest.mark.parametrize("build", MODELS)
def test_the_cost_of_what_is_kept_is_that_of_the_shrunk_model(build):
    model, channels, keep, small = halved(build)
    for cost_of, measured in COSTS.items():
        cost = cost_of(model, channels)
        assert cost(keep) == measured(small)
        assert cost({}) == measured(model)


@pytest.mark.parametrize("build", [residual_digits, excited])
@pytest.mark.parametrize("cost_of", COSTS)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_a_budget_is_used_to_the_last_channel(build, cost_of, share):
    model, channels, *_ = halved(build)
    cost, scores = cost_of(model, channels), channels.pool(magnitude(2)(model))
    limit = (1 - (1 - share)) * cost({})
    keep = affordable(cost)(scores, 1 - share)
    assert all((k == keep[key]).all() for key, k in affordable(cost, limit)(scores, None).items())
    kept, every = (
        sum(k.sum() for k in some.values()) for some in (keep, {k: s < np.inf for k, s in scores.items()})
    )
    assert cost(keep) <= limit < cost(globally(scores, 1 - (kept + 1) / every))


model_r = residual_digits()
channels_of_r = Channels(model_r)
cost_r = mac_cost(model_r, channels_of_r)


@settings(max_examples=20)
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.sampled_from([globally, layerwise, multiples(4)]))
def test_masks_of_a_smaller_budget_lie_within_those_of_a_larger(one, other, scope):
    scores = channels_of_r.pool(random(0)(model_r))
    few, many = (affordable(cost_r, scope=scope)(scores, s) for s in (max(one, other), min(one, other)))
    assert all((few[key] <= many[key]).all() for key in scores)
    assert cost_r(many) <= (1 - min(one, other)) * cost_r({})


def test_multiples_stay_multiples():
    masks = make_masks(model_r, 0.6, magnitude(2), channels_of_r, affordable(cost_r, scope=multiples(8)))
    small = shrink(model_r, masks)
    assert all(v.shape[-1] % 8 == 0 for v in small.weights if "gamma" in v.name)
    assert 0.2 * macs(model_r).total < macs(small).total <= 0.4 * macs(model_r).total


def test_with_a_schedule_the_cost_falls_step_by_step():
    model = keras.Sequential([keras.Input((4, 4, 2)), kl.Conv2D(16, 3), kl.BatchNormalization()])
    for layer in [kl.Conv2D(16, 2, padding="same"), kl.Flatten(), kl.Dense(3)]:
        model.add(layer)
    model.compile("sgd", "mse")
    x, y = np.zeros((64, 4, 4, 2)), np.zeros((64, 3))
    channels = Channels(model)
    scope = affordable(mac_cost(model, channels))
    pruning = GradualPruning(linear(0.6, end=8), every=4, granularity=channels, scope=scope)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0, callbacks=[pruning])
    total = macs(shrink(model, pruning.masks)).total
    assert 0.3 * macs(model).total < total <= 0.4 * macs(model).total


def test_a_cost_of_ones_own():
    def width(keep):
        return sum(np.count_nonzero(k) for k in keep.values())

    scores = channels_of_r.pool(magnitude(2)(model_r))
    keep = affordable(width, budget=70)(scores, None)
    assert width(keep) == 70


def test_what_was_pruned_before_costs_nothing_and_stays_pruned():
    before = make_masks(model_r, 0.5, random(1), channels_of_r)
    masks = make_masks(model_r, 0.7, magnitude(2), channels_of_r, affordable(cost_r), among=before)
    assert all(not (masks[path] & ~before[path]).any() for path in before)
    assert macs(shrink(model_r, masks)).total <= 0.3 * macs(model_r).total


def test_a_budget_out_of_reach_says_the_least_possible():
    least = cost_r(globally(channels_of_r.pool(magnitude()(model_r)), 0.9999))
    with pytest.raises(ValueError, match=f"least possible.* {least:,} of .*Received: 100"):
        make_masks(model_r, None, granularity=channels_of_r, scope=affordable(cost_r, budget=100))


@pytest.mark.parametrize("budget, sparsity", [(None, None), (5, 0.5), (float("nan"), None), ("5", None)])
def test_no_budget_or_two_or_no_number_is_refused(budget, sparsity):
    with pytest.raises(ValueError, match="Received: .*"):
        make_masks(model_r, sparsity, granularity=channels_of_r, scope=affordable(cost_r, budget))


def test_the_channels_of_another_model_are_refused():
    with pytest.raises(ValueError, match="channels of another model: .*Received: those of 'R'"):
        mac_cost(dense_digits(), channels_of_r)
