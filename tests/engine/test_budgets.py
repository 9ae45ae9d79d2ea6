"""Budgets for layers: tables, ERK and LAMP, by hand, by loops and by law."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import (
    erk,
    globally,
    lamp,
    layerwise,
    make_masks,
    multiples,
    per_layer,
    survivors,
    top,
)

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple), min_size=1, max_size=5).map(
    lambda shapes: {f"layer{i}/kernel": shape for i, shape in enumerate(shapes)}
)
SPARSITY = st.floats(0, 1, exclude_max=True)


def drawn(shapes, seed, round_to=4):
    """Scores of which many are equal and some are zero."""
    rng = np.random.default_rng(seed)
    return {p: np.abs(np.round(rng.normal(size=shape) * round_to) / round_to) for p, shape in shapes.items()}


def counts(keep):
    return {path: int(k.sum()) for path, k in keep.items()}


def dhondt(shapes, total):
    """One place after the other, from one each."""
    places = dict.fromkeys(shapes, 1)
    while sum(places.values()) < total:
        free = [path for path, shape in shapes.items() if places[path] < np.prod(shape)]
        places[max(free, key=lambda path: sum(shapes[path]) / (places[path] + 1))] += 1
    return places


def test_erk_by_hand():
    """Weights 20 : 18 : 4. Of 39 places that is 18.57, 16.71 and 3.71; conv is next, then dense. Of 99 the
    tiny layer takes all it has room for, 4, and the other 95 go 20 : 18."""
    shapes = {"dense": (10, 10), "conv": (3, 3, 4, 8), "tiny": (2, 2)}
    keep = erk(drawn(shapes, 0), 1 - 39 / 392)
    assert counts(keep) == {"dense": 19, "conv": 17, "tiny": 3}
    keep = erk(drawn(shapes, 0), 1 - 99 / 392)
    assert counts(keep) == {"dense": 50, "conv": 45, "tiny": 4}


def test_erk_is_the_ratio_of_the_paper():
    """Densities of two large layers are ε (n₁ + n₂ + …) / (n₁ n₂ …)."""
    shapes = {"a": (300, 100), "b": (3, 3, 64, 128)}
    kept = counts(erk(drawn(shapes, 0), 0.99))
    assert kept["a"] / kept["b"] == pytest.approx(400 / 198, rel=0.01)


@given(SHAPES, SPARSITY, SEEDS)
def test_erk_gives_its_places_one_by_one(shapes, sparsity, seed):
    units = drawn(shapes, seed)
    total = max(len(shapes), survivors(sum(u.size for u in units.values()), sparsity))
    keep = erk(units, sparsity)
    assert counts(keep) == dhondt(shapes, total)
    assert all(k.all() or units[p][k].min() >= units[p][~k].max() for p, k in keep.items())


@given(SHAPES, SEEDS)
def test_erk_spends_on_others_what_is_dead_already(shapes, seed):
    units = drawn(shapes, seed)
    first = next(iter(units))
    units[first].reshape(-1)[1:] = -np.inf
    total = sum(u.size for u in units.values())
    left = sum(u.size for p, u in units.items() if p != first) + 1
    keep = erk(units, 0.5)
    assert counts(keep)[first] == 1
    assert sum(counts(keep).values()) == min(left, max(len(units), survivors(total, 0.5)))


def naive_lamp(scores):
    flat = scores.ravel()
    values = [w**2 / sum(v**2 for v in flat if v**2 >= w**2) if w else 0.0 for w in flat]
    return np.reshape(values, scores.shape)


def test_lamp_by_hand():
    """1, 2, 3 score 1/14, 4/13, 1 and 30, 40 score 9/25, 1: the 30 goes after the 2, before the 3."""
    units = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([30.0, 40.0])}
    assert [counts(lamp(units, 1 - k / 5)) for k in (4, 3, 2)] == [
        {"a": 2, "b": 2},
        {"a": 1, "b": 2},
        {"a": 1, "b": 1},
    ]


@given(SHAPES, SPARSITY, SEEDS)
def test_lamp_is_its_formula(shapes, sparsity, seed):
    units = drawn(shapes, seed)
    flat = np.concatenate([naive_lamp(u).ravel() for u in units.values()])
    keep = np.concatenate([k.ravel() for k in lamp(units, sparsity).values()])
    assert keep.sum() == max(survivors(flat.size, sparsity), len(units))
    if survivors(flat.size, sparsity) >= 2 * len(units) and not keep.all():  # else the one a layer may decide
        crowned = [naive_lamp(u).ravel() == naive_lamp(u).max() for u in units.values()]
        assert flat[keep & ~np.concatenate(crowned)].min(initial=1) >= flat[~keep].max() - 1e-9


@given(SHAPES, SPARSITY, SEEDS)
def test_lamp_is_its_formula_where_no_two_layers_tie(shapes, sparsity, seed):
    units = drawn(shapes, seed, round_to=1e9)
    units[next(iter(units))].reshape(-1)[::2] = 1.0  # equals within one layer share their score
    expected = globally({path: naive_lamp(u) for path, u in units.items()}, sparsity)
    assert counts(lamp(units, sparsity)) == counts(expected)


def test_lamp_of_equals_by_hand():
    """Three equals score 1/3 each, not 1, 1/2, 1/3: two of them go before the 30 with its 9/25."""
    units = {"equals": np.full(3, 2.0), "other": np.array([30.0, 40.0])}
    assert counts(lamp(units, 0.4)) == {"equals": 1, "other": 2}


def test_lamp_ranks_the_dead_below_zeros():
    units = {"dead": np.array([-np.inf, -np.inf, 1.0]), "zeros": np.array([0.0, 0.0, 1.0])}
    assert counts(lamp(units, 1 - 4 / 6)) == {"dead": 1, "zeros": 3}


@given(SHAPES, SPARSITY, SEEDS, st.sampled_from([1e-200, 1e-3, 1e200]))
def test_lamp_does_not_see_the_scale_of_a_layer(shapes, sparsity, seed, scale):
    units = drawn(shapes, seed)
    first = next(iter(units))
    scaled = units | {first: units[first] * scale}
    assert all(np.array_equal(lamp(units, sparsity)[p], lamp(scaled, sparsity)[p]) for p in units)


def test_lamp_layers_of_zeros_and_of_dead_units_keep_one():
    units = {"zeros": np.zeros(3), "dead": np.full(3, -np.inf), "alive": np.arange(4.0)}
    assert counts(lamp(units, 0.6)) == {"zeros": 1, "dead": 1, "alive": 2}


def test_lamp_puts_negative_scores_below_all_others():
    units = {"a": np.array([-2.0, -1.0, 0.0]), "b": np.array([-3.0, 4.0, -np.inf])}
    # The shares of what is negative: −4/5, −1/5 and −9/9; zero is above them, dead below.
    order = [("b", 1), ("a", 2), ("a", 1), ("a", 0), ("b", 0), ("b", 2)]
    for k in range(2, 7):
        keep = lamp(units, 1 - k / 6)
        assert [keep[path][i] for path, i in order] == [True] * k + [False] * (6 - k)


@given(SHAPES, SPARSITY, SEEDS)
def test_a_table_of_one_share_is_layerwise(shapes, share, seed):
    units = drawn(shapes, seed)
    table = per_layer({path.split("/")[0]: share for path in units})
    assert all(np.array_equal(table(units, None)[p], layerwise(units, share)[p]) for p in units)
    assert all(np.array_equal(per_layer({})(units, share)[p], layerwise(units, share)[p]) for p in units)


def test_tables_by_path_layer_and_nested_model():
    names = ["block/conv/kernel", "block/out/kernel", "out/kernel", "out/kernel#2"]
    units = {name: np.arange(10.0) for name in names}
    for table, expected in [
        ({"out/kernel": 0.5}, [10, 10, 5, 10]),
        ({"out": 0.5}, [10, 5, 5, 5]),
        ({"block": 0.5, "block/out": 0.2}, [5, 8, 10, 10]),
        ({"block/out": 0.2, "block": 0.5}, [5, 5, 10, 10]),
    ]:
        assert list(counts(per_layer(table)(units, None)).values()) == expected
    assert list(counts(per_layer({"out": 0.5})(units, 0.9)).values()) == [1, 5, 5, 5]


def test_a_table_on_a_model(net):
    masks = make_masks(net(), None, scope=per_layer({"first": 0.75}))
    assert masks["first/kernel"].sum() == 32 and masks["last/kernel"].all()


def test_a_table_is_read_once():
    table = {"w": 0.5}
    scope = per_layer(table)
    table["w"] = 0.0
    assert counts(scope({"w": np.ones(4)}, None)) == {"w": 2}


@pytest.mark.parametrize(
    "key, hint",
    [
        ("frist", "Did you mean 'first'?"),
        ("kernel", "Did you mean 'first/kernel'?"),
        ("out", "There are: first/kernel."),
    ],
)
def test_unknown_names(key, hint):
    with pytest.raises(ValueError) as caught:
        per_layer({key: 0.5})({"first/kernel": np.ones(4)}, None)
    assert f"Received: '{key}'. {hint}" in str(caught.value)


def test_bad_shares_are_named_at_once():
    with pytest.raises(ValueError, match="The sparsity of 'out' must be.*Received: 80. Did you mean 0.8?"):
        per_layer({"out": 80})


@pytest.mark.parametrize("scope", [erk, lamp, per_layer({"a": 0.5})])
def test_nan_is_named(scope):
    with pytest.raises(ValueError, match="'b'.*NaN"):
        scope({"a": np.ones(2), "b": np.array([1, np.nan])}, 0.5)


@pytest.mark.parametrize("scope", [erk, lamp])
def test_sparsity_is_needed(scope):
    with pytest.raises(ValueError, match=f"{scope.__name__} needs a sparsity.*Received: None"):
        scope({"w": np.ones(4)}, None)


def test_ties_keep_adds_the_equals():
    units = {"w": np.array([1.0, 1.0, 1.0, 2.0])}
    for scope in (erk, lamp, per_layer({"w": 0.5})):
        assert counts(scope(units, None if scope not in (erk, lamp) else 0.5)) == {"w": 2}
    for scope in (partial(erk, ties="keep"), partial(lamp, ties="keep")):
        assert counts(scope(units, 0.5)) == {"w": 4}
    assert counts(per_layer({"w": 0.5}, ties="keep")(units, None)) == {"w": 4}


@given(SHAPES, SEEDS, SPARSITY, st.sampled_from([1, 2, 8]))
def test_multiples_keep_the_best_in_round_numbers(shapes, seed, sparsity, of):
    units = drawn(shapes, seed)
    keep = multiples(of, layerwise)(units, sparsity)
    for path, u in units.items():
        count, wanted = np.count_nonzero(keep[path]), survivors(u.size, sparsity)
        assert count == min(max(of, round(wanted / of) * of), u.size)
        assert np.array_equal(keep[path], top({path: u}, count)[path])


@pytest.mark.parametrize("of", [0, 2.5, "8"])
def test_multiples_of_what(of):
    with pytest.raises(ValueError, match="whole number of at least 1. Received"):
        multiples(of)
