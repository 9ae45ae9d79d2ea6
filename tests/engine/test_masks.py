"""Masks and make_masks: exact, pure, nested, and loud about bad input."""

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.pruning import (
    Element,
    Masks,
    above,
    globally,
    layerwise,
    magnitude,
    make_masks,
    prunable_variables,
    random,
    sparsity,
)
from course_lib.pruning.masks import zeroed_array

FLOATS = st.sampled_from([np.float16, np.float32, np.float64])
KERNELS = ["first/kernel", "last/kernel"]


def weights(model):
    return [np.asarray(v).copy() for v in model.weights]


@pytest.mark.parametrize("share", [0, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("criterion", [magnitude(), magnitude(2), random(7)])
def test_exact_counts_and_an_untouched_model(net, share, criterion):
    model = net()
    before = weights(model)
    masks = make_masks(model, share, criterion)
    assert list(masks) == KERNELS
    assert sum(int(m.sum()) for m in masks.values()) == max(2, round(176 * (1 - share)))
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_global_magnitude_is_a_sort_of_all_weights(net):
    model = net()
    sizes = np.sort(
        np.concatenate([np.abs(np.asarray(model.get_layer(n).kernel)).ravel() for n in ("first", "last")])
    )
    for path, mask in make_masks(model, 0.75).items():
        assert np.array_equal(mask, np.abs(prunable_variables(model)[path]) >= sizes[-44])


def test_apply_zeros_exactly_the_masked_weights_and_is_idempotent(net):
    model = net()
    before, masks = weights(model), make_masks(model, 0.75)
    for _ in range(2):
        masks.apply(model)
        assert sparsity(model) == masks.sparsity == 0.75
        for path, kernel, old in zip(KERNELS, weights(model)[::2], before[::2], strict=True):
            assert np.array_equal(kernel, np.where(masks[path], old, 0))
            assert not np.signbit(kernel[~masks[path]]).any(), "−0.0 zips badly"
    assert Masks.from_zeros(model).keys() == masks.keys()
    assert all(np.array_equal(Masks.from_zeros(model)[p], masks[p]) for p in KERNELS)
    again = make_masks(model, 0.75)
    assert all(np.array_equal(again[p], masks[p]) for p in KERNELS)


def test_apply_removes_nan_too(net):
    model, masks = net(), make_masks(net(), 0.75)
    for variable in masks.variables(model).values():
        variable.assign(np.full(variable.shape, np.nan))
    masks.apply(model)
    assert sparsity(model) == 0.75


@given(FLOATS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes())), st.integers(0, 2**32 - 1))
def test_zeros_are_zeros_whatever_was_there_and_the_rest_keeps_its_bits(value, seed):
    mask = np.random.default_rng(seed).random(value.shape) < 0.5
    mask = np.asarray(mask).T.copy().T  # in another order
    found = zeroed_array(value, mask)
    assert found.dtype == value.dtype and found.shape == value.shape
    np.testing.assert_array_equal(found, np.where(mask, value, 0))
    assert not np.signbit(found[~mask]).any() and (np.signbit(found) == (np.signbit(value) & mask)).all()


def test_within_leaves_the_other_layers_out(net):
    masks = make_masks(net(), 0.5, within=["first"])
    assert list(masks) == KERNELS[:1]
    assert masks[KERNELS[0]].sum() == 64


@given(st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 99))
def test_among_nests_masks_of_any_two_criteria(one, other, seed):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(7, name="d")(inputs), name="m")
    less, more = sorted([one, other])
    first = make_masks(model, less, random(seed))
    second = make_masks(model, more, random(seed + 1), among=first)
    assert not (second["d/kernel"] & ~first["d/kernel"]).any()
    assert second["d/kernel"].sum() == max(1, round(35 * (1 - more)))


def test_among_brings_nothing_back(net):
    model = net()
    first = make_masks(model, 0.9)
    again = make_masks(model, 0.1, random(0), among=first)
    assert all(np.array_equal(first[p], again[p]) for p in KERNELS)


def test_among_masks_of_other_layers(net):
    model = net()
    with pytest.raises(ValueError, match="among.*'last/kernel'.*Received: Masks"):
        make_masks(model, 0.5, among=make_masks(model, 0.5, within="first"))


def test_random_is_seeded_and_differs_between_seeds(net):
    model = net()
    a, b, c = (make_masks(model, 0.5, random(seed))[KERNELS[0]] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "mixed_float16"])
def test_every_type_of_weight(dtype):
    inputs = keras.Input((9,))
    model = keras.Model(inputs, keras.layers.Dense(11, dtype=dtype, name="d")(inputs))
    for scope in (globally, layerwise, above(0.1)):
        masks = make_masks(model, None if scope not in (globally, layerwise) else 0.8, scope=scope)
        masks.apply(model)
        assert sparsity(model) == pytest.approx(masks.sparsity)


def test_repr_is_one_short_line(net):
    masks = make_masks(net(), 0.75)
    assert repr(masks) == "Masks(sparsity=0.7500, kept 44 of 176 weights in 2 variables)"
    assert repr(Masks()) == "Masks(sparsity=0.0000, kept 0 of 0 weights in 0 variables)"
    assert type(masks.sparsity) is float


def test_masks_of_another_model_change_nothing(net):
    model = net()
    before = weights(model)
    fits = make_masks(model, 0.5)
    for wrong, part in [
        (Masks(fits | {"other/kernel": np.ones((2, 2), bool)}), "'other/kernel'"),
        (Masks(fits | {KERNELS[1]: np.ones((4, 3), bool)}), "(16, 3). Received a mask of shape (4, 3)"),
    ]:
        with pytest.raises(ValueError) as caught:
            wrong.apply(model)
        assert "masks of another model" in str(caught.value) and part in str(caught.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_masks_may_cover_biases(net):
    model = net()
    model.get_layer("first").bias.assign(np.ones(16))
    Masks({"first/bias": np.arange(16) > 3}).apply(model)
    assert np.count_nonzero(model.get_layer("first").bias) == 12


@pytest.mark.parametrize(
    "mask, got", [(np.ones(3), "float64"), ([True, False], "list"), (np.ones(2, int), "int64")]
)
def test_masks_are_bool(mask, got):
    with pytest.raises(TypeError, match=f"'w' must be.*bool.*Received: {got}"):
        Masks({"w": mask})


def test_masks_are_a_dict():
    with pytest.raises(TypeError, match="dict.*Received: NoneType"):
        Masks(None)


@pytest.mark.parametrize(
    "call, error, parts",
    [
        (dict(sparsity=80), ValueError, ["Received: 80", "Did you mean 0.8?"]),
        (dict(sparsity="half"), TypeError, ["Received: 'half' (str)"]),
        (dict(sparsity=None), ValueError, ["globally needs a sparsity", "Received: None"]),
        (dict(sparsity=0.5, scope=above(0.1)), ValueError, ["above", "Received: 0.5"]),
        (dict(sparsity=0.5, criterion=lambda m: {}), ValueError, ["'first/kernel'", "Received: none"]),
        (dict(sparsity=0.5, criterion=lambda m: magnitude()), TypeError, ["{path: scores}", "magnitude()"]),
        (dict(sparsity=0.5, criterion=magnitude), TypeError, ["criterion=magnitude()", "Received: <Seq"]),
        (dict(sparsity=0.5, criterion="magnitude"), TypeError, ["criterion", "Received: 'magnitude'"]),
        (dict(sparsity=0.5, scope="global"), TypeError, ["scope", "Received: 'global'"]),
        (dict(sparsity=0.5, granularity=Element), TypeError, ["Element()", "Received: <class"]),
    ],
)
def test_bad_calls(net, call, error, parts):
    with pytest.raises(error) as caught:
        make_masks(net(), **call)
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_named(net, value):
    model = net()
    kernel = np.asarray(model.get_layer("last").kernel).copy()
    kernel[3, 1] = value
    model.get_layer("last").kernel.assign(kernel)
    with pytest.raises(ValueError, match="'last/kernel'.*Received: 1 that"):
        make_masks(model, 0.5, scope=partial(layerwise, ties="keep"))


def test_scores_of_a_wrong_shape_are_named(net):
    with pytest.raises(ValueError, match=r"'first/kernel'.*\(8, 16\).*Received: \(3,\)"):
        make_masks(net(), 0.5, criterion=lambda m: dict.fromkeys(KERNELS, np.ones(3)))


def test_magnitude_needs_a_positive_power():
    with pytest.raises(ValueError, match="p must be positive. Received: 0"):
        magnitude(0)
