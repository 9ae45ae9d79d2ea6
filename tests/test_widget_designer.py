"""ScheduleDesigner without a browser: the engine's schedule and cuts; sentences for what cannot be drawn."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from course_lib.pruning.schedules import last_due, polynomial
from course_lib.widgets import ScheduleDesigner

WEIGHTS = np.random.default_rng(0).normal(size=(4, 25))


def test_it_starts_with_a_cubic_that_ends_after_two_thirds():
    designer = ScheduleDesigner(WEIGHTS, steps=300, every=10, final=0.8)
    assert designer.curve == {"begin": 0, "end": 200, "final": 0.8, "power": 3.0}
    assert designer.schedule(100) == polynomial(0.8, end=200)(100) == pytest.approx(0.7)
    assert designer.cuts[-1] == (200, 0.8) and designer.cuts[0] == (10, designer.schedule(10))
    assert designer.kept_at(0) == 100 and designer.kept_at(299) == 20


def test_the_ranks_order_the_weights_by_magnitude_the_largest_first():
    ranks = ScheduleDesigner(np.array([[0.1, -3.0], [0.0, 2.0], [0.5, -0.5]]), steps=20, every=2).ranks
    assert ranks == [4, 0, 5, 1, 2, 3]
    designer = ScheduleDesigner(WEIGHTS, steps=20, every=2)
    assert designer.columns == 25 and sorted(designer.ranks) == list(range(100))
    assert all(isinstance(rank, int) for rank in designer.ranks)


@settings(deadline=None, max_examples=40)
@given(
    begin=st.integers(0, 60),
    ramp=st.integers(0, 60),
    final=st.floats(0, 0.99),
    power=st.floats(0.5, 6),
    every=st.integers(1, 30),
)
def test_its_cuts_are_those_the_engine_makes(begin, ramp, final, power, every):
    designer = ScheduleDesigner(WEIGHTS, steps=125, every=every, final=0.5)
    designer.curve = {"begin": begin, "end": begin + ramp, "final": final, "power": power}
    reached = 0.0
    for step in range(126):
        reached = max(reached, last_due(designer.schedule, every, step - 1, step))
        ours = [sparsity for cut, sparsity in designer.cuts if cut <= step]
        assert (ours[-1] if ours else 0.0) == reached, step


@pytest.mark.parametrize(
    "change",
    [{"end": -1}, {"begin": 300}, {"end": 301}, {"final": 1.0}, {"power": 0}, {"power": "3"}, {"begin": 0.5}],
)
def test_a_curve_that_is_none_is_refused_and_changes_nothing(change):
    designer = ScheduleDesigner(WEIGHTS, steps=300)
    before = designer.curve
    with pytest.raises(TraitError, match="steps from 0 to 300"):
        designer.curve = before | change
    with pytest.raises(TraitError, match="A curve has begin and end"):
        designer.curve = {"begin": 0}
    assert designer.curve == before


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"weights": np.ones(5)}, "a matrix of at most 4096"),
        ({"weights": np.ones((65, 64))}, r"shape \(65, 64\)"),
        ({"steps": 10.5}, "whole numbers"),
        ({"every": 0}, "1 <= every < steps"),
        ({"every": 300}, "300, 300"),
        ({"final": 98}, "Did you mean 0.98"),
        ({"final": -0.1}, "Received: -0.1"),
    ],
)
def test_arguments_that_cannot_be_drawn_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ScheduleDesigner(**{"weights": WEIGHTS, "steps": 300} | arguments)


def test_every_start_is_a_curve_of_its_own():
    designer = ScheduleDesigner(WEIGHTS, steps=300, every=10, final=0.9)
    json.dumps(designer.starts)  # plain numbers
    seen = []
    for label in ("One-shot", "Linear", "Cubic"):
        designer.curve = designer.starts[label]
        seen.append(designer.schedule(100))
    assert seen == [0.9, pytest.approx(0.45), pytest.approx(0.9 * 0.875)]


def test_no_weights_give_a_sentence():
    designer = ScheduleDesigner(np.ones((0, 3)), steps=20)
    assert (
        designer.problem.startswith("There are no weights") and "There are no weights" in designer.to_html()
    )


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = ScheduleDesigner(WEIGHTS, steps=300).to_html()
    links = [link for link in re.findall(r"https?://[^\"\s]+", page) if "www.w3.org" not in link]
    assert not links
    assert page.count("</script>") == 1 and '"live": false' in page and len(page) < 60_000
