"""Soft thresholds against NumPy, and as a pull on weights in training that does reach zero."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.pruning import (
    Block,
    Channel,
    Element,
    ThresholdDecay,
    constant,
    hold,
    linear,
    make_masks,
    release,
    soft_threshold,
    sparsity,
)

MATRIX = arrays(np.float32, (5, 4), elements=st.floats(-2, 2, width=32))


@settings(max_examples=25)
@given(MATRIX, st.floats(0, 1, width=32))
def test_soft_threshold_is_the_formula_and_zeros_are_exact(matrix, t):
    soft = np.asarray(soft_threshold(matrix, t))
    np.testing.assert_allclose(soft, np.sign(matrix) * np.maximum(abs(matrix) - t, 0), atol=1e-6)
    assert not soft[abs(matrix) <= t].any() and not np.signbit(soft[soft == 0]).any()


@settings(max_examples=25)
@given(MATRIX, st.floats(0, 1, width=32))
def test_units_shrink_along_their_direction(matrix, t):
    norms = np.sqrt((matrix.astype(float) ** 2).sum(axis=0))
    share = np.maximum(1 - t * np.sqrt(5) / np.where(norms > 0, norms, 1), 0) * (norms > 0)
    np.testing.assert_allclose(np.asarray(soft_threshold(matrix, t, Channel())), matrix * share, atol=1e-5)


@pytest.mark.parametrize("granularity", [Element(), Channel(), Block(2, 3)])
def test_it_minimises_the_proximal_objective(granularity):
    """soft_threshold(w) is the v that minimises ½ ‖v − w‖² + t · penalty(v): no neighbour is better."""
    from course_lib.pruning import GroupLasso

    rng = np.random.default_rng(0)
    w = rng.normal(size=(5, 4)).astype("float32")

    def objective(v):
        return float(((v - w) ** 2).sum() / 2 + np.asarray(GroupLasso(0.4, granularity)(v.astype("float32"))))

    best = np.asarray(soft_threshold(w, 0.4, granularity))
    assert all(objective(best) <= objective(best + rng.normal(0, 0.02, w.shape)) + 1e-6 for _ in range(200))


def still(net, **compile_args):
    """A model that only the pull can move."""
    return net(keras.optimizers.SGD(0.0, **compile_args.pop("sgd", {})), **compile_args)


@pytest.mark.parametrize("compile_args", [{}, {"steps_per_execution": 4, "jit_compile": True}])
def test_every_update_pulls_by_the_threshold(net, data, compile_args):
    model = still(net, **compile_args)
    start = np.asarray(model.get_layer("first").kernel).copy()
    model.fit(*data, batch_size=8, verbose=0)  # traced before
    pull = ThresholdDecay(constant(0.01))
    model.fit(*data, batch_size=8, verbose=0, callbacks=[pull])
    after = np.asarray(model.get_layer("first").kernel)
    np.testing.assert_allclose(after, np.sign(start) * np.maximum(abs(start) - 0.12, 0), atol=1e-6)
    assert 0 < pull.masks.sparsity == sparsity(model)
    model.fit(*data, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.get_layer("first").kernel, after, "the pull is gone")


def test_accumulated_gradients_count_an_update_once(net, data):
    model = still(net, sgd={"gradient_accumulation_steps": 3})
    start = np.asarray(model.get_layer("first").kernel).copy()
    model.fit(*data, batch_size=8, verbose=0, callbacks=[ThresholdDecay(constant(0.03))])
    expected = np.sign(start) * np.maximum(abs(start) - 4 * 0.03, 0)
    np.testing.assert_allclose(model.get_layer("first").kernel, expected, atol=1e-6)


def test_a_schedule_moves_the_threshold(net, data):
    model = still(net)
    start = np.asarray(model.get_layer("first").kernel).copy()
    schedule = linear(0.01, begin=2, end=9)
    model.fit(*data, batch_size=8, verbose=0, callbacks=[ThresholdDecay(schedule)])
    reach = sum(schedule(step) for step in range(12))
    expected = np.sign(start) * np.maximum(abs(start) - reach, 0)
    np.testing.assert_allclose(model.get_layer("first").kernel, expected, atol=1e-6)


def test_with_adam_it_makes_exact_zeros_and_they_are_held(net, data):
    model = net(keras.optimizers.Adam(0.01))
    pull = ThresholdDecay(constant(0.01), within=["first"])
    model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[pull])
    assert 0.1 < pull.masks.sparsity < 1 and list(pull.masks) == ["first/kernel"]
    model.fit(*data, batch_size=8, verbose=0)
    assert not np.asarray(model.get_layer("first").kernel)[~pull.masks["first/kernel"]].any()


def test_units_go_whole(net, data):
    model = net(keras.optimizers.Adam(0.01))
    pull = ThresholdDecay(constant(0.008), Channel(), within=["first"])
    model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[pull])
    mask = pull.masks["first/kernel"]
    assert (mask.all(axis=0) | ~mask.any(axis=0)).all() and 0 < pull.masks.sparsity < 1


def test_it_goes_together_with_held_masks_and_the_users_constraint(net, data):
    model = net()
    kernel = model.get_layer("first").kernel
    kernel.constraint = own = keras.constraints.MaxNorm(1.0)
    masks = make_masks(model, 0.5)
    hold(model, masks)
    pull = ThresholdDecay(constant(1e-3), within=["first"])
    model.fit(*data, batch_size=8, verbose=0, callbacks=[pull])
    assert list(pull.masks) == list(masks), "what was held stays held"
    assert all(not (pull.masks[path] & ~masks[path]).any() for path in masks)
    hold(model, masks)
    release(model)
    assert kernel.constraint is own


def test_it_warns_when_nothing_is_left(net, data):
    with pytest.warns(UserWarning, match="no weight in first/kernel, last/kernel"):
        still(net).fit(*data, batch_size=8, verbose=0, callbacks=[ThresholdDecay(constant(0.5))])


def test_what_does_not_fit_is_refused(net, data):
    with pytest.raises(TypeError, match="constant"):
        ThresholdDecay(1e-4)
    with pytest.raises(ValueError, match="use_ema"):
        net(keras.optimizers.Adam(use_ema=True)).fit(*data, callbacks=[ThresholdDecay(constant(0.1))])
    with pytest.raises(ValueError, match="Received: -1"):
        net().fit(*data, verbose=0, callbacks=[ThresholdDecay(lambda step: -1)])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, data):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu", dtype=policy)])
    model.add(keras.layers.Dense(3, "softmax", dtype=policy))
    model.compile("adam", "sparse_categorical_crossentropy")
    decay = ThresholdDecay(constant(0.02))
    model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[decay])
    assert 0 < decay.masks.sparsity < 1 and sparsity(model) == pytest.approx(decay.masks.sparsity)
