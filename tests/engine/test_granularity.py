"""Blocks and channels: shapes, loops as the oracle, tfmot's block masks, and life after death (`among`)."""

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import Block, Channel, Element, layerwise, make_masks, random

SHAPES = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5)),
)
POOLING = st.sampled_from(["mean", "max"])
BLOCKS = st.builds(Block, st.integers(1, 6), st.integers(1, 6), POOLING)
GRANULARITIES = st.one_of(st.just(Element()), BLOCKS, st.just(Channel()))
SEEDS = st.integers(0, 2**32 - 1)


def normal(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def naive_blocks(weights, block):
    """{(block row, block column): entries}, one entry at a time."""
    matrix, blocks = weights.reshape(-1, weights.shape[-1]), {}
    for (row, col), value in np.ndenumerate(matrix):
        blocks.setdefault((row // block.rows, col // block.cols), []).append(value)
    return blocks


@given(SHAPES, BLOCKS, SEEDS)
def test_a_block_scores_the_mean_or_max_of_its_real_entries(shape, block, seed):
    weights = normal(shape, seed)
    units = block.pool({"w": weights})["w"]
    expected = naive_blocks(weights, block)
    assert units.size == len(expected) and units.dtype == np.float32
    for place, entries in expected.items():
        assert units[place] == pytest.approx(getattr(np, block.pooling)(entries), abs=1e-6)


@given(SHAPES, SEEDS)
def test_a_channel_scores_the_mean_of_its_weights(shape, seed):
    weights = normal(shape, seed)
    units = Channel().pool({"w": weights})["w"]
    for channel in range(shape[-1]):
        assert units[channel] == pytest.approx(weights[..., channel].mean(), abs=1e-6)


@given(SHAPES, GRANULARITIES, SEEDS)
def test_expand_gives_every_weight_the_verdict_of_its_unit(shape, granularity, seed):
    like = {"w": normal(shape, seed)}
    units = granularity.pool(like)["w"]
    verdicts = normal(units.shape, seed) > 0
    mask = granularity.expand({"w": verdicts}, like)["w"]
    assert mask.shape == shape and mask.dtype == bool and mask.flags.writeable
    # All of a unit's weights have its verdict, so pooled verdicts are 0 or 1 again, at the same places.
    assert np.array_equal(granularity.pool({"w": mask.astype("float32")})["w"], verdicts)


@given(SHAPES, GRANULARITIES, SEEDS)
def test_pooling_zeros_and_ones_is_positive_exactly_where_a_unit_lives(shape, granularity, seed):
    alive = (np.random.default_rng(seed).random(shape) < 0.2).astype("float32")
    before = alive.copy()
    units = granularity.pool({"w": alive})["w"]
    assert np.array_equal(alive, before)
    one_by_one = np.zeros(units.shape, bool)
    for place in np.argwhere(alive):
        single = np.zeros(shape, "float32")
        single[tuple(place)] = 1
        one_by_one |= granularity.pool({"w": single})["w"] > 0
    assert np.array_equal(units > 0, one_by_one)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64", "int32"])
@pytest.mark.parametrize("granularity", [Block(2, 3), Block(2, 3, "max"), Channel()])
def test_every_type_of_score(kind, granularity):
    weights = (np.arange(35).reshape(5, 7) % 11).astype(keras.ops.convert_to_tensor(0, kind).numpy().dtype)
    exact = granularity.pool({"w": weights.astype("float64")})["w"]
    assert granularity.pool({"w": weights})["w"] == pytest.approx(exact, rel=1e-6)


def test_a_block_of_one_is_an_element_and_a_column_is_a_channel():
    weights = {"w": normal((3, 3, 4, 6), 0)}
    assert np.array_equal(Block(1, 1).pool(weights)["w"].ravel(), weights["w"].ravel())
    assert Block(36, 1).pool(weights)["w"][0] == pytest.approx(Channel().pool(weights)["w"], abs=1e-6)


def test_a_small_block_at_the_edge_competes_fairly():
    weights = np.ones((5, 4))
    weights[4] = 1.5  # a block of 1 × 4, whose sum is smaller and whose mean is larger
    keep = layerwise(Block(4, 4).pool({"w": weights}), 0.5)
    assert Block(4, 4).expand(keep, {"w": weights})["w"].all(axis=1).tolist() == [False] * 4 + [True]


@pytest.mark.parametrize("size", [(0, 1), (2, -1), (1.5, 2), ("2", 2)])
def test_blocks_of_no_size(size):
    with pytest.raises(ValueError, match="whole numbers of at least 1. Received: "):
        Block(*size)


def test_unknown_pooling():
    with pytest.raises(ValueError, match='"mean" or "max". Received: \'AVG\''):
        Block(2, 2, "AVG")


def their_mask(weights, sparsity, block):
    """tfmot's own mask update, on one tensor."""
    tfmot = pytest.importorskip("tensorflow_model_optimization")
    import tensorflow as tf
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl

    weight, mask, threshold = tf.Variable(weights), tf.Variable(np.ones_like(weights)), tf.Variable(0.0)
    schedule = tfmot.sparsity.keras.ConstantSparsity(sparsity, 0)
    kind = {"mean": "AVG", "max": "MAX"}[block.pooling]
    size = (block.rows, block.cols)
    pruning_impl.Pruning(
        lambda: 0, [(weight, mask, threshold)], schedule, size, kind
    ).conditional_mask_update()
    return mask.numpy().astype(bool)


def our_mask(weights, sparsity, block):
    sizes = {"w": np.abs(weights)}
    return block.expand(partial(layerwise, ties="keep")(block.pool(sizes), sparsity), sizes)["w"]


@settings(max_examples=60)
@given(st.data(), BLOCKS, st.sampled_from([0.0, 0.2, 0.45, 0.7, 0.95]), SEEDS)
def test_the_masks_of_tfmot_where_its_padding_is_at_most_one(data, block, sparsity, seed):
    """Whole blocks, or one row or column short of it. (Two blocks a side: tfmot squeezes thinner ones.)"""
    rows, cols = (
        size * data.draw(st.integers(2, 4)) - data.draw(st.integers(0, min(1, size - 1)))
        for size in (block.rows, block.cols)
    )
    weights = normal((rows, cols), seed)
    assert np.array_equal(our_mask(weights, sparsity, block), their_mask(weights, sparsity, block))


def test_beyond_that_tfmot_prunes_other_weights_than_it_scored():
    """Rows of 9, 9, 0, 0, 8 in blocks of 4: we score 4.5 and 8; they, one row higher up, 6 and 4."""
    weights = np.repeat(np.float32([[9], [9], [0], [0], [8]]), 2, axis=1)
    block = Block(4, 1)
    assert block.pool({"w": weights})["w"][:, 0].tolist() == [4.5, 8]
    assert our_mask(weights, 0.5, block)[:, 0].tolist() == [False] * 4 + [True]
    assert their_mask(weights, 0.5, block)[:, 0].tolist() == [True] * 4 + [False]


@pytest.fixture(scope="module")
def conv():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 5, 3))
    hidden = keras.layers.Flatten()(keras.layers.Conv2D(6, 3, name="conv")(inputs))
    return keras.Model(inputs, keras.layers.Dense(7, name="dense")(hidden), name="conv_net")


@settings(max_examples=40)
@given(st.one_of(BLOCKS, st.just(Channel())), st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 99))
def test_among_nests_masks_of_any_two_criteria(conv, granularity, one, other, seed):
    less, more = sorted([one, other])
    first = make_masks(conv, less, random(seed), granularity)
    second = make_masks(conv, more, random(seed + 1), granularity, among=first)
    alone = make_masks(conv, more, random(seed + 1), granularity)
    units = [
        granularity.pool({p: m.astype("float32") for p, m in masks.items()}) for masks in (second, alone)
    ]
    assert sum(int(u.sum()) for u in units[0].values()) == sum(int(u.sum()) for u in units[1].values())
    assert all(not (second[path] & ~first[path]).any() for path in first)


def test_among_unstructured_masks_a_block_with_one_live_weight_is_alive(conv):
    single = make_masks(conv, 0.9)
    masks = make_masks(conv, 0.5, granularity=Block(2, 2), among=single)
    alive = Block(2, 2).pool({p: m.astype("float32") for p, m in single.items()})
    kept = Block(2, 2).pool({p: m.astype("float32") for p, m in masks.items()})
    assert all(((kept[p] > 0) <= (alive[p] > 0)).all() for p in alive)
    total = sum(u.size for u in alive.values())
    possible = sum(int((u > 0).sum()) for u in alive.values())
    assert sum(int((u > 0).sum()) for u in kept.values()) == min(possible, round(total / 2))
