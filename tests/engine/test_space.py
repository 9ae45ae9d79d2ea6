"""Spaces of allocations: every one is within the budget and uses it up."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import models
from course_lib.pruning import (
    Block,
    Channel,
    Masks,
    Space,
    erk,
    globally,
    layerwise,
    macs,
    make_masks,
    per_layer,
    random,
    uses,
)

CNN = models.conv_digits()
SMALL = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), keras.layers.Dense(3)])


def belongs(space, counts):
    """Within the budget and the layers, and nothing more fits."""
    cost, counts = space.cost(counts), np.asarray(counts)
    assert cost <= space.budget and (counts >= 1).all() and (counts <= space.sizes).all()
    assert not ((counts < space.sizes) & (cost + space.costs <= space.budget)).any()


@st.composite
def wishes(draw, layers=2):
    return draw(st.lists(st.floats(1e-6, 1e6), min_size=layers, max_size=layers))


@given(wishes(), st.integers(2, 32), st.integers(0, 7), st.integers(1, 7))
def test_the_nearest_allocation_belongs_to_the_space(wish, budget, cost, other):
    cost = {"dense/kernel": cost, "dense_1/kernel": other}
    cost = dict(zip(Space(SMALL, 0.5).paths, cost.values(), strict=True))
    budget = max(budget, sum(cost.values()))
    space = Space(SMALL, budget=budget, cost=cost)
    counts = space.nearest(wish)
    belongs(space, counts)
    assert space.nearest(wish) == counts
    assert np.asarray(space.nearest(counts)).tolist() == list(counts), "what is there is found"


@given(wishes(), st.floats(0, 0.99))
def test_in_weights_the_budget_is_met_exactly(wish, sparsity):
    space = Space(SMALL, sparsity)
    counts = space.nearest(wish)
    masks = space.masks(counts)
    assert sum(m.sum() for m in masks.values()) == sum(counts) == max(2, round(32 * (1 - sparsity)))


def test_wishes_are_granted_in_proportion():
    space = Space(SMALL, budget=16)
    assert space.nearest((1, 1)) == (8, 8)
    assert space.nearest((3, 1)) == (12, 4)
    assert space.nearest((1, 100)) == (4, 12), "a layer is full at its size, and the rest is for the other"
    assert space.nearest((20, 12)) == (10, 6)


@settings(max_examples=10)
@given(wishes(4), st.floats(0, 0.97))
def test_in_macs_and_bytes_masks_cost_what_the_space_says(wish, sparsity):
    used = uses(CNN)
    space = Space(CNN, sparsity, cost=used)
    counts = space.nearest(wish)
    belongs(space, counts)
    assert macs(CNN, space.masks(counts)).total == space.cost(counts)


@pytest.mark.parametrize("granularity", [Channel(), Block(4, 4), Block(3, 5)])
def test_units_cost_their_weights_and_ragged_ones_at_most_that(granularity):
    space = Space(CNN, 0.8, cost=uses(CNN), granularity=granularity)
    for seed in range(5):
        counts = space.nearest(np.random.default_rng(seed).random(4) + 0.01)
        belongs(space, counts)
        real = macs(CNN, space.masks(counts)).total
        assert real == space.cost(counts) if granularity == Channel() else real <= space.cost(counts)


def test_masks_are_those_of_the_table_and_nest():
    space = Space(CNN, 0.9, criterion=random(3))
    counts = space.nearest((5, 1, 2, 9))
    recipe = dict(criterion=random(3), scope=per_layer(space.table(counts)))
    again = make_masks(CNN, None, **recipe)
    assert all((again[p] == m).all() for p, m in space.masks(counts).items())
    assert [int(m.sum()) for m in again.values()] == list(counts)
    fewer = space.masks([max(1, c // 2) for c in counts])
    assert all(not (m & ~again[p]).any() for p, m in fewer.items())


def test_it_knows_what_the_scopes_would_choose():
    space = Space(CNN, 0.9)
    for scope in (globally, erk):
        masks = make_masks(CNN, 0.9, scope=scope)
        assert tuple(int(m.sum()) for m in masks.values()) in space.known()
    uniform = make_masks(CNN, 0.9, scope=layerwise)
    assert np.allclose(space.known()[0], [m.sum() for m in uniform.values()], atol=1)


def test_scores_are_those_of_the_beginning():
    model = keras.models.clone_model(SMALL)
    space = Space(model, 0.5)
    before = space.masks((10, 6))
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert all((before[p] == m).all() for p, m in space.masks((10, 6)).items())
    assert isinstance(before, Masks)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(), "one of sparsity and budget"),
        (dict(sparsity=0.5, budget=3), "one of sparsity and budget"),
        (dict(sparsity=80), "Did you mean 0.8"),
        (dict(budget=1), "one unit a layer costs 2, all of them 32"),
        (dict(budget=float("nan")), "too small"),
        (dict(sparsity=0.5, cost={"a": 1}), "cost must name every layer"),
        (dict(sparsity=0.5, cost=dict.fromkeys(Space(SMALL, 0.5).paths, 0.5)), "whole number"),
        (dict(sparsity=0.5, cost=dict.fromkeys(Space(SMALL, 0.5).paths, 0)), "not 0 everywhere"),
        (dict(sparsity=0.5, within=["nowhere"]), "no such layer"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Space(SMALL, **arguments)


def test_wishes_that_are_none_are_refused():
    for wish in [(1,), (0, 1), (np.nan, 1), (np.inf, 1)]:
        with pytest.raises(ValueError, match="finite numbers above 0"):
            Space(SMALL, 0.5).nearest(wish)
