"""Laws of the scopes: exact counts, nested masks, no dead layer."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import above, globally, layerwise, survivors

LAYERS = st.lists(
    st.lists(st.sampled_from([0.0, -0.5, 0.5, 1.0, 2.0, 100.0]), min_size=1, max_size=15).map(np.array),
    min_size=1,
    max_size=5,
).map(lambda arrays: {f"layer{i}": a for i, a in enumerate(arrays)})
SPARSITY = st.floats(0, 1, exclude_max=True)


def count(keep):
    return sum(int(k.sum()) for k in keep.values())


@given(LAYERS, SPARSITY)
def test_globally_keeps_exactly_the_count_and_one_a_layer(units, sparsity):
    keep = globally(units, sparsity)
    total = sum(u.size for u in units.values())
    assert count(keep) == max(survivors(total, sparsity), len(units))
    assert all(k.any() for k in keep.values())


@given(LAYERS, SPARSITY)
def test_layerwise_keeps_exactly_the_count_of_each_layer(units, sparsity):
    keep = layerwise(units, sparsity)
    assert {p: int(k.sum()) for p, k in keep.items()} == {
        p: survivors(u.size, sparsity) for p, u in units.items()
    }


@given(LAYERS, SPARSITY, SPARSITY, st.sampled_from([globally, layerwise, partial(layerwise, ties="keep")]))
def test_masks_nest_as_sparsity_grows(units, one, other, scope):
    less, more = (scope(units, s) for s in sorted([one, other]))
    assert all(not (more[path] & ~less[path]).any() for path in units)


@given(LAYERS, SPARSITY)
def test_no_pruned_unit_of_a_layer_beats_a_kept_one(units, sparsity):
    keep = globally(units, sparsity)
    for path, k in keep.items():
        assert k.all() or units[path][k].min() >= units[path][~k].max()


def test_a_layer_that_would_die_keeps_its_best_and_the_count_stays():
    units = {"big": np.arange(10.0, 18.0), "small": np.array([1.0, 3.0, 2.0])}
    keep = globally(units, 1 - 4 / 11)
    assert keep["small"].tolist() == [False, True, False]
    assert np.flatnonzero(keep["big"]).tolist() == [5, 6, 7]


def test_more_layers_than_survivors():
    keep = globally({name: np.ones(3) for name in "abcd"}, 0.99)
    assert count(keep) == 4


@given(LAYERS, st.sampled_from([-1.0, 0.0, 0.5, 0.7, 1000.0]))
def test_above_is_strict_and_spares_the_best(units, threshold):
    keep = above(threshold)(units, None)
    for path, k in keep.items():
        over = units[path] > threshold
        assert (
            np.array_equal(k, over) if over.any() else np.flatnonzero(k).tolist() == [np.argmax(units[path])]
        )


def test_ties_keep_is_a_partial_away():
    units = {"w": np.array([1.0, 1.0, 1.0, 2.0])}
    assert count(layerwise(units, 0.5)) == 2
    assert count(partial(layerwise, ties="keep")(units, 0.5)) == 4


@pytest.mark.parametrize("scope", [globally, layerwise])
def test_sparsity_is_needed(scope):
    with pytest.raises(ValueError, match="needs a sparsity.*Received: None"):
        scope({"w": np.ones(4)}, None)


def test_above_refuses_a_sparsity():
    with pytest.raises(ValueError, match="pass None.*Received: 0.8"):
        above(0.1)({"w": np.ones(4)}, 0.8)


@pytest.mark.parametrize("scope", [globally, layerwise])
def test_nan_is_named(scope):
    with pytest.raises(ValueError, match="'second'.*NaN"):
        scope({"first": np.ones(2), "second": np.array([1, np.nan])}, 0.5)


def test_scores_that_are_broadcasts_keep_every_layer_alive():
    """As criteria for whole filters give them; a copy of such scores may lie in memory in any order."""
    units = {"a": np.broadcast_to(np.array([1.0, 2.0]), (3, 2)), "b": np.broadcast_to(9.0, (4, 5))}
    for sparsity in (0.5, 0.9, 0.99):
        keep = globally(units, sparsity)
        assert keep["a"].any() and keep["b"].any()
        assert sum(m.sum() for m in keep.values()) == max(2, survivors(26, sparsity))
