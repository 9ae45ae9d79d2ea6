"""Pareto fronts against brute force, and preferences that lead where they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import chebyshev, pareto_front, preferred, weighted_sum

SENSES = st.lists(st.sampled_from(["max", "min"]), min_size=1, max_size=4)


@st.composite
def problems(draw, most=25):
    best = draw(SENSES)
    value = st.one_of(st.integers(-3, 3), st.sampled_from([0.1, 1e30]))  # few values: many ties
    points = draw(st.lists(st.tuples(*[value] * len(best)), min_size=1, max_size=most))
    return points, best


def dominates(a, b, best):
    signs = [1 if sense == "max" else -1 for sense in best]
    pairs = [(s * x, s * y) for s, x, y in zip(signs, a, b, strict=True)]
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


@given(problems())
def test_the_front_is_what_brute_force_finds(problem):
    points, best = problem
    expected = [i for i, p in enumerate(points) if not any(dominates(q, p, best) for q in points)]
    assert pareto_front(points, best) == expected


@given(problems(), st.randoms())
def test_the_order_of_the_points_does_not_matter(problem, random):
    points, best = problem
    shuffled = random.sample(points, len(points))
    assert sorted(points[i] for i in pareto_front(points, best)) == sorted(
        shuffled[i] for i in pareto_front(shuffled, best)
    )


def test_equal_points_all_stay_and_infinities_compare():
    assert pareto_front([(1, 2), (1, 2), (0, 3)], ("max", "min")) == [0, 1]
    assert pareto_front([(np.inf, 1), (0, 0), (-np.inf, 0)], ("max", "max")) == [0]
    assert pareto_front([], ("min",)) == []


@pytest.mark.parametrize(
    "points, best, words",
    [
        ([(1.0, np.nan)], ("max", "min"), "NaN.*Received: 1"),
        ([(1.0, 2.0)], ("max",), r"\(n, 1\).*Received: \(1, 2\)"),
        ([(1.0, 2.0)], ("max", "big"), "big"),
        ([(1.0, 2.0)], "max", "each objective"),
        ([1.0, 2.0], ("max", "min"), "shape"),
    ],
)
def test_points_that_cannot_be_compared_are_refused(points, best, words):
    with pytest.raises(ValueError, match=words):
        pareto_front(points, best)


@given(problems(), st.data(), st.sampled_from([chebyshev, weighted_sum]))
def test_the_choice_is_on_the_front_and_a_lone_wish_has_its_best_value(problem, data, scalar):
    points, best = problem
    weights = data.draw(st.lists(st.floats(0, 10), min_size=len(best), max_size=len(best)).filter(any))
    assert preferred(points, best, weights, scalar) in pareto_front(points, best)
    for j, sense in enumerate(best):
        chosen = preferred(points, best, np.eye(len(best))[j], scalar)
        column = [p[j] for p in points]
        assert points[chosen][j] == (max(column) if sense == "max" else min(column))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=20, unique=True))
def test_chebyshev_reaches_every_point_of_a_front(points):
    best = ("max", "min")
    front = [points[i] for i in pareto_front(points, best)]
    spans = [max(c) - min(c) or 1 for c in zip(*front, strict=True)]
    top, bottom = max(p[0] for p in front), min(p[1] for p in front)
    for point in front:
        regrets = [(top - point[0]) / spans[0], (point[1] - bottom) / spans[1]]
        weights = [1 / r if r else 1e9 for r in regrets]
        assert points[preferred(points, best, weights)] == point


def test_a_weighted_sum_cannot_reach_the_hollow_of_a_front():
    points, best = [(1.0, 1.0), (0.6, 0.45), (0.3, 0.0), (0.4, 0.35)], ("max", "min")
    assert pareto_front(points, best) == [0, 1, 2, 3]
    shares = np.linspace(0, 1, 201)
    reached = {preferred(points, best, (w, 1 - w), weighted_sum) for w in shares}
    assert 3 not in reached
    assert {preferred(points, best, (w, 1 - w), chebyshev) for w in shares} == {0, 1, 2, 3}


def test_units_do_not_matter():
    points = np.random.default_rng(0).random((30, 2))
    for weights in [(1, 1), (3, 1), (1, 9)]:
        chosen = preferred(points, ("max", "min"), weights)
        assert preferred(points * [100, 1e6] + [5, 7], ("max", "min"), weights) == chosen


@pytest.mark.parametrize("weights", [(0, 0), (-1, 2), (1,), (np.nan, 1), (np.inf, 1)])
def test_weights_that_say_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 2 numbers"):
        preferred([(1, 2)], ("max", "min"), weights)


def test_no_points_and_infinite_ones_cannot_be_weighed():
    for points in ([], [(np.inf, 1)]):
        with pytest.raises(ValueError, match="all finite"):
            preferred(points, ("max", "min"), (1, 1))
