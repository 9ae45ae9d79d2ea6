"""Every criterion with every granularity and every scope: the laws that hold for all of them."""

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import (
    Block,
    Channel,
    Element,
    above,
    apoz,
    bn_scale,
    erk,
    fisher,
    geometric_median,
    globally,
    gradient,
    grasp,
    lamp,
    layerwise,
    magnitude,
    make_masks,
    mean_activation,
    movement,
    n_of_m,
    obd,
    patterns,
    per_layer,
    prunable_variables,
    random,
    survivors,
    taylor,
    wanda,
)

X = np.random.default_rng(1).normal(size=(12, 6, 6, 3)).astype("float32")
DATA = X, np.arange(12) % 2
CRITERIA = {
    "L1": magnitude(),
    "L2": magnitude(2),
    "random": random(3),
    "gradient": gradient(*DATA),
    "taylor": taylor(*DATA),
    "movement": movement(*DATA, epochs=1, batch_size=4),
    "grasp": grasp(*DATA),
    "fisher": fisher(*DATA),
    "obd": obd(*DATA, samples=2),
    "wanda": wanda(X),
    "mean activation": mean_activation(X),
    "apoz": apoz(X),
    "geometric median": geometric_median(),
    "BN scale": bn_scale(),
}
GRANULARITIES = [Element(), Block(2, 3), Block(4, 1, "max"), Block(50, 50), Channel()]
FOR_ALL = [globally, erk, lamp]  # exact counts over all layers together
FOR_EACH = [layerwise, per_layer({}), per_layer({"wide": 0.9, "conv": 0.2})]  # exact counts in each layer
AT_LEAST = [partial(scope, ties="keep") for scope in (globally, layerwise, erk, lamp)]
SPARSITY = st.floats(0, 1, exclude_max=True)


def normed(tensor, activation="linear"):
    """Behind a BatchNormalization whose γ differ."""
    gamma = keras.initializers.RandomNormal(seed=tensor.shape[-1])
    tensor = keras.layers.BatchNormalization(gamma_initializer=gamma)(tensor)
    return keras.layers.Activation(activation)(tensor)


@pytest.fixture(scope="module")
def model():
    """Layers of odd and of tiny shapes; the weights are rounded, so that many are equal and some are zero."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3))
    hidden = normed(keras.layers.Conv2D(5, 3, name="conv")(inputs), "relu")
    hidden = normed(keras.layers.Conv2D(2, 1, name="point")(hidden))
    hidden = normed(keras.layers.Dense(7, name="wide")(keras.layers.Flatten()(hidden)))
    outputs = normed(keras.layers.Dense(1, name="out")(hidden), "sigmoid")
    model = keras.Model(inputs, outputs, name="grid")
    model.compile("sgd", "binary_crossentropy")
    for variable in prunable_variables(model).values():
        variable.assign(np.round(np.asarray(variable) * 20) / 20)
    return model


@pytest.fixture(scope="module")
def criteria(model):
    """{name: criterion}, each asked once: the laws are about what becomes of its scores."""
    scores = {name: criterion(model) for name, criterion in CRITERIA.items()}
    return {name: (lambda _, s=score: s) for name, score in scores.items()}


def units_of(masks, granularity):
    """{path: bool of units}; also checks that every unit is kept as a whole or not at all."""
    pooled = granularity.pool({path: mask.astype("float32") for path, mask in masks.items()})
    assert all(np.isin(u, [0, 1]).all() for u in pooled.values())
    return {path: u > 0 for path, u in pooled.items()}


def groups_along(scope_axis, mask):
    """Counts of kept units in each four along the axis, full groups only."""
    lines = np.moveaxis(mask, scope_axis, 0)
    full = len(lines) // 4 * 4
    return lines[:full].reshape(-1, 4, *lines.shape[1:]).sum(axis=1)


@pytest.mark.parametrize("granularity", GRANULARITIES, ids=str)
@settings(max_examples=80)
@given(
    st.sampled_from(sorted(CRITERIA)), st.sampled_from([*FOR_ALL, *FOR_EACH, *AT_LEAST]), SPARSITY, SPARSITY
)
def test_counts_life_and_nesting(model, criteria, granularity, criterion, scope, one, other):
    recipe = criteria[criterion], granularity, scope
    less, more = (make_masks(model, s, *recipe) for s in sorted([one, other]))
    assert {p: m.shape for p, m in less.items()} == {p: v.shape for p, v in prunable_variables(model).items()}
    assert all(not (more[path] & ~less[path]).any() for path in less)
    keep, sparsity = units_of(less, granularity), min(one, other)
    counts = {path: int(k.sum()) for path, k in keep.items()}
    total = max(len(keep), survivors(sum(k.size for k in keep.values()), sparsity))
    assert min(counts.values()) >= 1
    if scope in FOR_ALL:
        assert sum(counts.values()) == total
    if scope in FOR_EACH:
        shares = {"wide/kernel": 0.9, "conv/kernel": 0.2} if scope is FOR_EACH[-1] else {}
        assert counts == {p: survivors(k.size, shares.get(p, sparsity)) for p, k in keep.items()}
    if scope is AT_LEAST[0]:
        assert sum(counts.values()) >= total


@pytest.mark.parametrize("granularity", GRANULARITIES, ids=str)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_scopes_that_decide_the_sparsity(model, criteria, granularity, criterion):
    criterion = criteria[criterion]
    axis = -1 if granularity == Channel() else -2
    keep = units_of(make_masks(model, 0.5, criterion, granularity, n_of_m(2, 4, axis)), granularity)
    assert all(k.any() and (groups_along(axis, k) == 2).all() for k in keep.values())
    for threshold in (0.0, 0.1, 9.0):
        keep = units_of(make_masks(model, None, criterion, granularity, above(threshold)), granularity)
        assert all(k.any() for k in keep.values())
    if granularity == Element():
        masks = make_masks(model, None, criterion, granularity, patterns())
        assert (masks["conv/kernel"].sum(axis=(0, 1)) == 4).all()
    else:
        with pytest.raises(ValueError, match="patterns needs single weights"):
            make_masks(model, None, criterion, granularity, patterns())


@pytest.mark.parametrize("granularity", GRANULARITIES, ids=str)
@settings(max_examples=30)
@given(st.sampled_from([*FOR_ALL, layerwise]), st.sampled_from(FOR_ALL), SPARSITY, SPARSITY)
def test_one_scope_among_the_masks_of_another(model, granularity, first, second, one, other):
    """Nothing comes back, no layer dies, and the count is that of the second scope where it can be."""
    less, more = sorted([one, other])
    before = make_masks(model, less, random(0), granularity, first)
    after = make_masks(model, more, random(1), granularity, second, among=before)
    assert all(m.any() and not (m & ~before[path]).any() for path, m in after.items())
    left, keep = units_of(before, granularity), units_of(after, granularity)
    wanted = max(len(keep), survivors(sum(k.size for k in keep.values()), more))
    assert sum(k.sum() for k in keep.values()) == min(wanted, sum(k.sum() for k in left.values()))


@given(st.sampled_from(GRANULARITIES), st.sampled_from([*FOR_ALL, *FOR_EACH]), SPARSITY)
@settings(max_examples=40)
def test_neither_model_nor_scores_change(model, granularity, scope, sparsity):
    before = [np.asarray(v).copy() for v in model.weights]
    scores = {p: np.asarray(v).copy() for p, v in prunable_variables(model).items()}
    handed = {p: np.abs(s) for p, s in scores.items()}
    make_masks(model, sparsity, lambda _: handed, granularity, scope)
    assert all(np.array_equal(np.abs(s), handed[p]) for p, s in scores.items())
    assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(before, model.weights, strict=True))
