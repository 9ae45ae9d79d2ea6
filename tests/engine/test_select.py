"""The k best scores: against a stable sort, for every type, sign and share of zeros."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import check_sparsity, select, survivors, top

VALUES = st.sampled_from([0.0, -0.0, 1.0, 1.5, -1.0, -2.5, 1e-30, 3e4, -np.inf])
KINDS = st.sampled_from(["float16", "float32", "float64"])
LAYER = st.tuples(st.lists(VALUES, min_size=1, max_size=12), KINDS)


@pytest.fixture(autouse=True, scope="module")
def small_samples():
    """Samples of 100 scores and parts of 1000, so that thousands of weights take the way of millions."""
    before, (select._ENOUGH, select._PART) = (select._ENOUGH, select._PART), (100, 1000)
    yield
    select._ENOUGH, select._PART = before


def arrays(layers):
    with np.errstate(under="ignore"):
        return {f"layer{i}": np.array(values).astype(kind) for i, (values, kind) in enumerate(layers)}


def brute_force(scores, k):
    """Sort everything, larger first, equal ones by position."""
    flat = np.concatenate([s.ravel().astype(float) for s in scores.values()])
    keep = np.zeros(flat.size, bool)
    keep[np.argsort(-flat, kind="stable")[:k]] = True
    return keep


@given(st.lists(LAYER, min_size=1, max_size=4), st.data())
def test_top_is_a_stable_sort(layers, data):
    scores = arrays(layers)
    k = data.draw(st.integers(1, sum(s.size for s in scores.values())))
    keep = top(scores, k)
    assert np.array_equal(np.concatenate(list(keep.values())), brute_force(scores, k))


@given(st.lists(LAYER, min_size=1, max_size=4), st.data())
def test_ties_keep_adds_exactly_the_equals_of_the_last(layers, data):
    scores = arrays(layers)
    flat = np.concatenate([s.astype(float) for s in scores.values()])
    k = data.draw(st.integers(1, flat.size))
    keep = np.concatenate(list(top(scores, k, ties="keep").values()))
    assert np.array_equal(keep, flat >= np.sort(flat)[-k])


def check_against_brute_force(scores, k):
    order = brute_force(scores, k)
    assert np.array_equal(np.concatenate([m.ravel() for m in top(scores, k).values()]), order)
    flat = np.concatenate([s.ravel().astype(float) for s in scores.values()])
    equals = np.concatenate([m.ravel() for m in top(scores, k, ties="keep").values()])
    assert np.array_equal(equals, flat >= flat[order].min())


@pytest.mark.parametrize("zeros", [0.0, 0.1, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int32"])
def test_many_scores_at_every_share_of_zeros(zeros, signed, kind):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(80, 500)) * 100 * (rng.random((80, 500)) >= zeros)
    scores = {"w": (values if signed else abs(values)).astype(kind)}
    alive = np.count_nonzero(scores["w"])
    for k in {1, 7, 8000, 20_000, 39_999, 40_000, max(alive, 1), min(alive + 1, 40_000)}:
        check_against_brute_force(scores, k)


@pytest.mark.parametrize("period", [1, 7, 31, 217, 127])
@pytest.mark.parametrize("k", [1, 50, 4000, 12_000, 29_000, 30_000])
def test_a_sample_that_misleads_costs_time_and_no_exactness(period, k):
    """Scores that repeat with the stride of the sample: it sees one value of many."""
    scores = np.random.default_rng(0).normal(size=30_000).astype("float32")
    scores[::period] = np.arange(30_000)[::period] % 3
    check_against_brute_force({"w": scores}, k)


@given(
    st.lists(st.integers(1, 30_000), min_size=2, max_size=3),
    st.floats(0, 1),
    st.integers(0, 9),
    st.sampled_from(["float16", "float32", "int16", "float64"]),
)
@settings(max_examples=40)
def test_many_scores_in_several_layers(sizes, share, seed, kind):
    rng = np.random.default_rng(seed)
    scores = {f"l{n}": rng.normal(size=s) * rng.exponential() for n, s in enumerate(sizes)}
    scores["l1"] = np.round(scores["l1"], 1).astype(kind)
    check_against_brute_force(scores, max(1, round(share * sum(sizes))))


def test_the_earliest_of_equals_stay_across_layers():
    scores = {"a": np.ones((2, 2)), "b": np.ones(3)}
    keep = top(scores, 5)
    assert keep["a"].all()
    assert keep["b"].tolist() == [True, False, False]


def test_minus_zero_is_zero():
    keep = top({"w": np.array([-0.0, 0.0, 1.0, -0.0], np.float32)}, 2)["w"]
    assert keep.tolist() == [True, False, True, False]


@pytest.mark.parametrize("ties", ["first", "keep"])
def test_scores_in_any_order_of_memory(ties):
    """Broadcasts, as criteria for filters give them, and transposes: the earliest are those in C order."""
    wide = np.broadcast_to(np.array([2.0, 1.0, 1.0]), (2, 4, 3))
    for scores in ({"w": wide}, {"w": wide.T}, {"v": np.broadcast_to(1.0, (3, 2)), "w": wide[:, ::-1]}):
        whole = {path: np.array(s, order="C") for path, s in scores.items()}
        for k in range(1, sum(s.size for s in scores.values()) + 1):
            for path, keep in top(scores, k, ties).items():
                assert np.array_equal(keep, top(whole, k, ties)[path])
            if ties == "first":
                assert sum(m.sum() for m in top(scores, k).values()) == k


def test_scores_are_left_as_they_are_and_may_be_read_only_or_transposed():
    scores = np.random.default_rng(0).normal(size=(5, 7)).astype("float32").T
    before = scores.copy()
    scores.flags.writeable = False
    assert np.array_equal(top({"w": scores}, 9)["w"].ravel(), brute_force({"w": before}, 9))
    assert np.array_equal(scores, before)


def test_survivors():
    assert survivors(1000, 0.9) == 100
    assert survivors(10, 0.0) == 10
    assert survivors(3, 0.99) == 1
    assert survivors(10, 0.75) == 2  # 2.5: an exact half goes to the even number


@pytest.mark.parametrize(
    "bad, error, parts",
    [
        (80, ValueError, ["[0, 1)", "Received: 80", "Did you mean 0.8?"]),
        (1.0, ValueError, ["[0, 1)", "Received: 1.0"]),
        (-0.1, ValueError, ["Received: -0.1"]),
        (float("nan"), ValueError, ["Received: nan"]),
        ("0.8", TypeError, ["Received: '0.8' (str)"]),
        (True, TypeError, ["Received: True (bool)"]),
        (np.array([0.5]), TypeError, ["Received: array([0.5]) (ndarray)"]),
    ],
)
def test_check_sparsity_says_what_is_wrong(bad, error, parts):
    with pytest.raises(error) as caught:
        check_sparsity(bad)
    assert all(part in str(caught.value) for part in parts)


def test_check_sparsity_takes_every_real_number():
    assert [check_sparsity(s) for s in (0, 0.5, np.float32(0.25), np.int64(0))] == [0, 0.5, 0.25, 0]


@pytest.mark.parametrize("k", [0, 5])
def test_k_out_of_range(k):
    with pytest.raises(ValueError, match=rf"\[1, 4\].*Received: {k}"):
        top({"w": np.ones(4)}, k)


def test_unknown_ties():
    with pytest.raises(ValueError, match="Received: 'last'"):
        top({"w": np.ones(4)}, 2, ties="last")
