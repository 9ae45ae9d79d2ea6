"""Convolutions as grouped ones, channels shuffled: the masked function, and the importance that is left."""

from itertools import combinations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgery_help import equal, examples, outputs, plain, unsettle

from course_lib.models import conv_digits, residual_digits
from course_lib.pruning import (
    Channels,
    group_masks,
    grouped,
    hold,
    layerwise,
    macs,
    magnitude,
    make_masks,
    random,
    shrink,
)
from course_lib.pruning.structured.blocks import blocks, blocks_of

kl = keras.layers
CONVS = {"block_1_b_conv": 4, "block_2_a_conv": 2, "block_3_b_conv": 16}


def inside(table, rows, columns):
    return table[rows[:, None] == columns].sum()


def best_of_two(table):
    """All ways to halve rows and columns."""
    halves = [np.isin(np.arange(4), one) for one in combinations(range(4), 2)]
    return max(inside(table, rows, columns) for rows in halves for columns in halves)


@given(st.integers(0, 999))
def test_blocks_are_equally_large_never_worse_than_as_it_is_and_near_the_best(seed):
    table = np.random.default_rng(seed).random((4, 4))
    rows, columns = blocks(table, 2)
    assert (np.bincount(rows) == 2).all() and (np.bincount(columns) == 2).all()
    left, as_it_is = inside(table, rows, columns), np.repeat([0, 1], 2)
    assert left >= inside(table, as_it_is, as_it_is)
    assert left >= 0.8 * best_of_two(table)


@given(st.sampled_from([2, 3, 4, 8]), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_blocks_that_are_there_are_found(groups, into, out, seed):
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.repeat(np.arange(groups), into))
    columns = rng.permutation(np.repeat(np.arange(groups), out))
    there = rows[:, None] == columns
    found = blocks(rng.uniform(0.5, 1.5, there.shape) * there, groups)
    assert np.array_equal(found[0][:, None] == found[1], there)
    again = blocks_of(np.broadcast_to(there, (3, 3, *there.shape)))
    assert np.array_equal(again[0][:, None] == again[1], there)


@pytest.mark.parametrize(
    "mask",
    [np.ones((4, 4), bool), np.zeros((4, 4), bool), np.tri(4, dtype=bool)]
    + [np.eye(4, dtype=bool)[:, [0, 1, 2, 2]], np.arange(16).reshape(4, 4) % 2 == 0]
    + [np.stack([np.eye(2, dtype=bool), ~np.eye(2, dtype=bool)])],
)
def test_other_masks_are_no_groups(mask):
    assert blocks_of(mask) is None


def test_the_grouped_model_computes_what_the_masked_one_does():
    model = residual_digits()
    unsettle(model)
    before = model.get_weights()
    masks = group_masks(model, CONVS, magnitude(2))
    small = grouped(model, masks)
    assert equal(model, masks, small)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert {name: small.get_layer(name).groups for name in CONVS} == CONVS
    for name, number in CONVS.items():
        assert masks[f"{name}/kernel"].mean() == pytest.approx(1 / number)
        size, old = (np.prod(m.get_layer(name).kernel.shape) for m in (small, model))
        assert size == old / number
    assert macs(small).total < macs(model).total
    assert type(small) is type(model) and small.loss == model.loss


def test_importance_is_concentrated_in_the_blocks():
    model = residual_digits()
    kernel = np.abs(np.asarray(model.get_layer("block_3_b_conv").kernel))
    chosen = group_masks(model, {"block_3_b_conv": 4})["block_3_b_conv/kernel"]
    order = np.arange(32) // 8
    as_it_is = np.broadcast_to(order[:, None] == order, kernel.shape)
    assert kernel[chosen].sum() > kernel[as_it_is].sum()


def test_a_sequential_model_nested_shared_and_channels_along_other_axes(tmp_path):
    inner = keras.Sequential([keras.Input((9, 8)), kl.Conv1D(6, 3, name="conv", activation="relu")])
    inputs = keras.Input((9, 3))
    x = inner(kl.Dense(8)(inputs)) + inner(kl.Conv1D(8, 1, name="one")(inputs))
    model = keras.Model(inputs, kl.Dense(2)(kl.Flatten()(x)))
    unsettle(model)
    masks = group_masks(model, {"conv": 2})
    small = grouped(model, masks)
    assert equal(model, masks, small)
    small.save(tmp_path / "grouped.keras")
    loaded, x = keras.saving.load_model(tmp_path / "grouped.keras"), examples(model)
    assert np.array_equal(outputs(loaded, x)[0], outputs(small, x)[0])


def test_after_training_under_hold_and_pruned_further_by_channels():
    model = plain(conv_digits())
    x, y = examples(model, 32), np.arange(32) % 10
    masks = group_masks(model, {"conv_2": 8})
    hold(model, masks)
    model.fit(x, y, epochs=2, verbose=0)
    small = grouped(model, masks)
    assert np.allclose(outputs(small, x)[0], outputs(model, x)[0], atol=1e-5)
    small.fit(x, y, epochs=1, verbose=0)
    channels = Channels(small)
    assert any("conv_2" in key for key in channels.groups) and any("conv_1" in key for key in channels.groups)
    masks = make_masks(small, 0.5, random(0), channels, layerwise)
    smaller = shrink(small, masks)
    assert equal(small, masks, smaller) and smaller.count_params() < 0.6 * small.count_params()


def test_what_cannot_be_grouped_is_said_so():
    model = conv_digits()
    with pytest.raises(ValueError, match="Only Conv layers.*Received: 'digits'"):
        group_masks(model, {"digits": 2})
    with pytest.raises(ValueError, match="divide its 32 inputs.*Received: 5"):
        group_masks(model, {"conv_2": 5})
    with pytest.raises(ValueError, match="no such layer. Received: 'conv_7'"):
        group_masks(model, {"conv_7": 2})
    with pytest.raises(ValueError, match="No mask makes a convolution.*group_masks"):
        grouped(model, make_masks(model, 0.5))
    with pytest.raises(ValueError, match="masks of another model"):
        grouped(model, group_masks(residual_digits(), {"block_1_b_conv": 2}))
