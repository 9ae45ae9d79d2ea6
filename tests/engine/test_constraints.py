"""Budgets and floors: met, to the last weight, or refused with what was reached."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import models
from course_lib.pruning import (
    Channel,
    Masks,
    above,
    accuracy_on,
    gzip_bytes,
    layerwise,
    macs,
    make_masks,
    parameters,
    random,
    sparsest,
    uses,
    within_budget,
)

CNN = models.conv_digits()
USES = uses(CNN)


def kept(model):
    return parameters(model).nonzero


def kept_macs(model):
    return sum(USES[p] * np.count_nonzero(m) for p, m in Masks.from_zeros(model).items())


def measured(measure, masks):
    copy = models.copy(CNN)
    masks.apply(copy)
    return measure(copy)


@settings(max_examples=8)
@given(share=st.floats(0.02, 1.2), measure=st.sampled_from([kept, kept_macs]))
def test_the_budget_is_met_and_one_weight_more_breaks_it(share, measure):
    limit = share * measure(CNN)
    met = within_budget(CNN, {measure: limit})
    assert met.values == {measure: measured(measure, met.masks)} and met.values[measure] <= limit
    total = sum(m.size for m in met.masks.values())
    left = sum(int(m.sum()) for m in met.masks.values())
    assert met.candidates <= 3 + np.log2(total)
    if left < total:
        assert measured(measure, make_masks(CNN, 1 - (left + 1) / total)) > limit


def test_zipped_bytes_and_several_budgets_at_once():
    whole = gzip_bytes(CNN)
    alone = within_budget(CNN, {gzip_bytes: whole / 3})
    both = within_budget(CNN, {gzip_bytes: whole / 3, kept_macs: macs(CNN).total / 10})
    assert alone.values[gzip_bytes] <= whole / 3 and both.masks.sparsity > alone.masks.sparsity
    assert both.values[kept_macs] == macs(CNN, both.masks).total <= macs(CNN).total / 10
    assert alone.values[gzip_bytes] > 0.99 * whole / 3


def test_a_budget_that_is_no_limit_prunes_nothing():
    met = within_budget(CNN, {kept: float("inf")})
    assert met.masks.sparsity == 0 and met.candidates == 2


@pytest.mark.parametrize(
    "recipe", [dict(scope=layerwise), dict(criterion=random(1)), dict(criterion=random(2), scope=layerwise)]
)
def test_recipes_pass_through(recipe):
    met = within_budget(CNN, {kept: 20_000}, **recipe)
    again = make_masks(CNN, met.masks.sparsity, **recipe)
    assert met.values[kept] <= 20_000
    assert all((again[p] == m).all() for p, m in met.masks.items())


def test_whole_channels_fit_a_budget_too():
    met = within_budget(CNN, {kept: 20_000}, granularity=Channel(), within=["conv_2", "hidden"])
    channels = {path: mask.reshape(-1, mask.shape[-1]) for path, mask in met.masks.items()}
    assert list(channels) == ["conv_2/kernel", "hidden/kernel"]
    assert all((mask.all(axis=0) | ~mask.any(axis=0)).all() for mask in channels.values())
    smallest = min(len(mask) for mask in channels.values())
    assert 20_000 - 1024 < met.values[kept] <= 20_000 and smallest == 288


def test_what_cannot_be_met_says_what_was_reached():
    before = CNN.get_weights()
    with pytest.raises(ValueError, match="sparsest masks need. Reached: kept 4. Received: kept 3."):
        within_budget(CNN, {kept: 3})
    with pytest.raises(ValueError, match="leaves too little.*Reached: measure 0.5. Received: measure 0.9"):
        within_budget(CNN, {kept: 20_000}, at_least={lambda m: 0.5: 0.9})
    with pytest.raises(ValueError, match="whole model reaches. Reached: measure 0.5. Received: measure 0.9"):
        sparsest(CNN, {lambda m: 0.5: 0.9})
    for limits in ({}, 5, {"kept": 3}):
        with pytest.raises(TypeError, match="function of the model → limit"):
            within_budget(CNN, limits)
    with pytest.raises(ValueError, match="NaN"):
        within_budget(CNN, {kept: float("nan")})
    with pytest.raises(ValueError, match="pass None"):
        within_budget(CNN, {kept: 20_000}, scope=above(0.1))
    assert all((a == b).all() for a, b in zip(before, CNN.get_weights(), strict=True))


@settings(max_examples=8)
@given(floor=st.floats(-0.5, -0.001))
def test_the_floor_holds_and_one_weight_less_breaks_it(floor):
    x = np.random.default_rng(0).random((32, 8, 8, 1)).astype("float32")
    whole = np.asarray(CNN(x))

    def fidelity(model):
        return -float(np.abs(np.asarray(model(x)) - whole).max())

    met = sparsest(CNN, {fidelity: floor})
    assert met.values[fidelity] == measured(fidelity, met.masks) >= floor
    total, left = (sum(int(f(m)) for m in met.masks.values()) for f in (np.size, np.sum))
    fewer = make_masks(CNN, 1 - (left - 1) / total)
    assert left == 4 or measured(fidelity, fewer) < floor


def test_budget_and_floor_together():
    x, y = np.random.default_rng(0).random((50, 8, 8, 1)).astype("float32"), np.zeros(50, int)
    accuracy = accuracy_on(x, y)
    met = within_budget(CNN, {kept: 40_000}, at_least={accuracy: 0.0})
    assert set(met.values) == {kept, accuracy} and met.values[kept] == 40_000


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_errors_and_interrupts_leave_the_model_as_it_was(error):
    before, calls = CNN.get_weights(), []

    def failing(model):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return kept(model)

    with pytest.raises(error):
        within_budget(CNN, {failing: 20_000})
    assert all((a == b).all() for a, b in zip(before, CNN.get_weights(), strict=True))
