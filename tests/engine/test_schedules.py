"""Schedules are pure functions of the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import constant, cosine, exponential, iterative, linear, one_shot, polynomial
from course_lib.pruning.schedules import last_due, next_due

STEPS = np.arange(0, 1300)
RAMPS = [linear, polynomial, exponential, cosine]
EVERY = [
    constant(0.8),
    one_shot(0.8, at=100),
    iterative(0.8, rounds=5, every=200, begin=100),
    *[ramp(0.8, begin=100, end=1000) for ramp in RAMPS],
    *[ramp(0.8, begin=100, end=100) for ramp in RAMPS],
]


@pytest.mark.parametrize("schedule", EVERY)
def test_never_falls_and_ends_exactly(schedule):
    sparsity = schedule(STEPS)
    assert sparsity.shape == STEPS.shape
    assert (np.diff(sparsity) >= 0).all()
    assert sparsity.min() >= 0
    assert sparsity[1000] == sparsity[-1] == 0.8


@pytest.mark.parametrize("schedule", EVERY)
def test_a_number_gives_a_float_and_an_array_the_same_numbers(schedule):
    assert all(type(schedule(step)) is float for step in (0, 7.0, np.int64(500)))
    assert schedule(STEPS).tolist() == [schedule(int(step)) for step in STEPS]


@pytest.mark.parametrize("ramp", RAMPS)
def test_ramps_begin_at_initial_after_zero(ramp):
    schedule = ramp(0.9, begin=10, end=20, initial=0.3)
    assert schedule(9) == 0
    assert schedule(10) == pytest.approx(0.3)
    assert schedule(20) == schedule(10**9) == 0.9


@given(
    st.floats(0, 0.5),
    st.floats(0.5, 0.99),
    st.integers(0, 50),
    st.integers(1, 200),
    st.integers(1, 5),
    st.data(),
)
def test_polynomial_is_tfmots_inside_its_steps(initial, final, begin, length, power, data):
    tfmot = pytest.importorskip("tensorflow_model_optimization")
    step = data.draw(st.integers(begin, begin + length))
    theirs = tfmot.sparsity.keras.PolynomialDecay(initial, final, begin, begin + length, power=power)
    ours = polynomial(final, begin=begin, end=begin + length, initial=initial, power=power)
    assert ours(step) == pytest.approx(float(theirs(step)[1]), abs=1e-6)


def test_known_values():
    cubic, line = polynomial(0.5, end=1000), linear(0.5, end=1000)
    assert [round(100 * cubic(t), 2) for t in (100, 500, 1000)] == [13.55, 43.75, 50]
    assert [line(t) for t in (100, 500, 1000)] == pytest.approx([0.05, 0.25, 0.5])
    assert cosine(0.8, end=100)(50) == pytest.approx(0.4)
    halving = exponential(1 - 1 / 16, end=4)
    assert [1 - halving(t) for t in range(5)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])
    rounds = iterative(1 - 1 / 16, rounds=4, every=10)
    assert [1 - rounds(t) for t in (0, 9, 10, 20, 30, 99)] == pytest.approx(
        [1 / 2, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16]
    )


def test_exponential_that_does_not_rise():
    assert exponential(0.5, end=10, initial=0.5)(5) == 0.5


@pytest.mark.parametrize(
    "make, parts",
    [
        (lambda: polynomial(80, end=10), ["final", "Received: 80", "0.8"]),
        (lambda: polynomial(0.8, begin=20, end=10), ["begin=20, end=10"]),
        (lambda: cosine(0.5, end=10, initial=0.7), ["initial=0.7, final=0.5"]),
        (lambda: linear(0.5, begin=-1, end=10), ["begin", "Received: -1"]),
        (lambda: polynomial(0.5, end=10, power=0), ["power", "Received: 0"]),
        (lambda: exponential(1.0, end=10), ["final", "Received: 1.0"]),
        (lambda: one_shot(0.5, at=-3), ["at", "Received: -3"]),
        (lambda: constant(-1), ["Received: -1"]),
        (lambda: iterative(0.5, rounds=0, every=10), ["rounds", "Received: 0"]),
        (lambda: iterative(0.5, rounds=2, every=0), ["every", "Received: 0"]),
        (lambda: iterative(0.5, rounds=2.5, every=4), ["rounds", "whole number", "Received: 2.5"]),
        (lambda: linear(0.5, end=float("nan")), ["end", "nan"]),
        (lambda: polynomial(0.5, end=9, begin=float("nan")), ["begin", "nan"]),
        (lambda: polynomial(0.5, end=9, power=float("nan")), ["power", "nan"]),
    ],
)
def test_bad_input(make, parts):
    with pytest.raises(ValueError) as caught:
        make()
    assert all(part in str(caught.value) for part in parts)


@given(st.sampled_from(EVERY), st.integers(1, 400), st.integers(0, 1250), st.integers(-1, 1250))
def test_what_is_due_is_what_a_run_that_looks_at_every_step_has(schedule, every, now, since):
    """Step by step the value of the last step due; looking at them together changes nothing."""
    present = 0.0
    for step in range(now + 1):
        if step % every == 0 or schedule(step + 1) == schedule(step):
            present = schedule(step)
    assert last_due(schedule, every, -1, now) == present
    assert last_due(schedule, every, since, now) in (0.0, present)


def test_nothing_is_due_twice():
    cubic = polynomial(0.5, end=1000)
    assert last_due(cubic, 100, since=200, now=299) == last_due(cubic, 100, since=300, now=300) == 0
    assert last_due(cubic, 100, since=200, now=300) == cubic(300)
    assert last_due(cubic, 300, since=999, now=1000) == 0.5


def test_what_lies_far_back_or_far_ahead_is_found_without_asking_for_all_of_it():
    asked = []

    def counted(step):
        asked.append(np.size(step))
        return one_shot(0.5, at=3)(step)

    assert last_due(counted, 10**12, -1, 10**6) == 0.5
    assert 10**6 < next_due(counted, 10**12, 10**6, 0.5) <= 10**6 + 10**12
    assert max(asked) < 10**5 and sum(asked) < 10**5
    stairs = [0.0] * 30 + [0.25] * 25_000 + [0.5, 0.75]  # behind which there is no more to ask for
    assert last_due(stairs.__getitem__, 10**6, -1, len(stairs) - 2) == 0.25
    assert last_due([0.0, 0.1, 0.5].__getitem__, 2, -1, 2) == 0.5
    assert next_due(stairs.__getitem__, 100, len(stairs) - 5, 0.25) == len(stairs) - 4


@given(st.sampled_from(EVERY), st.booleans(), st.integers(1, 300), st.integers(0, 1250), st.floats(0, 0.9))
def test_nothing_falls_due_before_one_looks_again(schedule, arrays, every, after, above):
    def numbers_only(step):
        return schedule(step) if step >= 0 else 0.0  # no array says whether it is >= 0

    def due(step):
        return (step % every == 0 or schedule(step + 1) == schedule(step)) and schedule(step) > above

    wake = next_due(schedule if arrays else numbers_only, every, after, above)
    assert after < wake <= after + every
    assert not any(due(step) for step in range(after + 1, wake))
    assert wake == after + every or due(wake)
