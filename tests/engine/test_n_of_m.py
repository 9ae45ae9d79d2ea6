"""N:M: a loop over the groups and tfmot's 2:4 masks as oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import Block, Channel, GradualPruning, constant, make_masks, n_of_m

SEEDS = st.integers(0, 2**32 - 1)
N_AND_M = st.integers(1, 9).flatmap(lambda m: st.tuples(st.integers(1, m), st.just(m)))
SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


def rounded(shape, seed):
    """Weights of which many are equal and some are zero."""
    return np.round(np.random.default_rng(seed).normal(size=shape) * 3).astype("float32") / 3


def naive(scores, n, m, axis):
    """Group by group: sort, larger first, equal ones by position, and keep the first n."""
    keep = np.zeros(scores.shape, bool)
    lines, kept = np.moveaxis(scores, axis, -1), np.moveaxis(keep, axis, -1)
    for place in np.ndindex(lines.shape[:-1]):
        for start in range(0, lines.shape[-1], m):
            group = lines[place][start : start + m]
            kept[place][start + np.argsort(-group, kind="stable")[:n]] = True
    return keep


@given(SHAPES, N_AND_M, SEEDS, st.data())
def test_the_n_best_of_every_group(shape, n_and_m, seed, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    scores = rounded(shape, seed)
    scores[scores > 0.9] = -np.inf
    before = scores.copy()
    keep = n_of_m(*n_and_m, axis=axis)({"w": scores}, None)["w"]
    assert np.array_equal(keep, naive(scores, *n_and_m, axis))
    assert np.array_equal(scores, before)


@given(st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_exactly_two_of_four_inputs_of_each_output(groups, outputs, seed):
    keep = n_of_m(2, 4)({"w": np.abs(rounded((4 * groups, outputs), seed))}, 0.5)["w"]
    assert (keep.reshape(groups, 4, outputs).sum(axis=1) == 2).all()


@settings(max_examples=60)
@given(st.sampled_from([2, 4]), N_AND_M.filter(lambda x: x[0] < x[1]), SEEDS, st.data())
def test_the_masks_of_tfmot_ties_and_tails_included(rank, n_and_m, seed, data):
    pytest.importorskip("tensorflow_model_optimization")
    import tensorflow as tf
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl, pruning_utils

    n, m = n_and_m
    weights = rounded(tuple(data.draw(st.integers(1, 9)) for _ in range(rank)), seed)
    update = pruning_impl.Pruning(lambda: 1, [], None, (1, 1), "AVG", (m - n, m))
    theirs = update._update_mask_sparsity_m_by_n(tf.constant(weights), (m - n, m)).numpy().astype(bool)
    ours = n_of_m(n, m)({"w": np.abs(weights)}, None)["w"]
    assert np.array_equal(ours, theirs)
    assert pruning_utils.is_pruned_m_by_n(tf.constant(weights * ours), (m - n, m))


@given(N_AND_M, SEEDS)
def test_masks_nest_as_n_falls(n_and_m, seed):
    n, m = n_and_m
    units = {"w": rounded((7, 11), seed)}
    less, more = (n_of_m(k, m)(units, None)["w"] for k in (n, max(1, n - 1)))
    assert not (more & ~less).any()


def test_large_groups_count_beyond_a_byte():
    scores = np.arange(600.0)[:, None]
    assert np.flatnonzero(n_of_m(2, 600)({"w": scores}, None)["w"]).tolist() == [598, 599]


def test_two_of_four_of_a_model_and_of_its_blocks_and_channels(net):
    model = net()
    masks = make_masks(model, 0.5, scope=n_of_m(2, 4))
    assert masks.sparsity == 0.5
    blocks = make_masks(model, None, granularity=Block(1, 3), scope=n_of_m(1, 2))
    assert (blocks["first/kernel"][::2] ^ blocks["first/kernel"][1::2]).all()
    channels = make_masks(model, None, granularity=Channel(), scope=n_of_m(1, 2, axis=-1))
    assert channels["first/kernel"].all(axis=0).sum() == 8


def test_two_of_four_while_training(net, data):
    model = net()
    pruning = GradualPruning(constant(0.5), scope=n_of_m(2, 4))
    model.fit(*data, batch_size=8, verbose=0, callbacks=[pruning])
    kernel = np.asarray(model.get_layer("first").kernel)
    assert (np.count_nonzero(kernel.reshape(2, 4, 16), axis=1) == 2).all()


@pytest.mark.parametrize("n, m", [(5, 4), (0, 4), (-1, 4), (2.0, 4), (1, "4")])
def test_impossible_groups(n, m):
    with pytest.raises(ValueError, match=f"1 <= n <= m. Received: n={n}, m={m}"):
        n_of_m(n, m)


def test_the_groups_decide_the_sparsity():
    third = {"w": np.arange(6.0)[:, None]}
    assert n_of_m(2, 3)(third, 1 / 3)["w"].sum() == 4
    with pytest.raises(ValueError, match="prunes 0.5 of each group: pass that or None. Received: 0.8"):
        n_of_m(2, 4)(third, 0.8)


def test_units_without_that_axis():
    with pytest.raises(ValueError, match=r"axis -2. Received: 'w' of shape \(8,\). Pass axis=-1."):
        n_of_m(2, 4)({"w": np.ones(8)}, None)


def test_nan_is_named():
    with pytest.raises(ValueError, match="'w'.*NaN"):
        n_of_m(2, 4)({"w": np.array([[1, np.nan]])}, None)
