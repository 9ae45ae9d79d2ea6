"""Timings in turns: how often and in which order sides are called, and what is made of the seconds."""

import numpy as np
import pytest

from course_lib.pruning import Timings, interleaved


def test_every_side_is_called_once_a_round_and_goes_first_in_turn():
    calls = []
    spent = interleaved({name: lambda n=name: calls.append(n) for name in "abc"}, rounds=3, warm_up=0)
    assert "".join(calls) == "abcbcacab"
    assert {name: seconds.shape for name, seconds in spent.items()} == dict.fromkeys("abc", (3,))


def test_warm_up_rounds_are_not_counted_and_calls_are_divided():
    now = [0.0]

    def slow_at_first():
        now[0] += 1
        return sum(range(200_000 if now[0] <= 10 else 10))

    spent = interleaved({"it": slow_at_first}, rounds=5, warm_up=1, calls=10)
    assert now[0] == 60
    cold = interleaved({"it": lambda: sum(range(200_000))}, rounds=5, warm_up=0)
    assert spent.median("it") < cold.median("it")


def test_a_ratio_is_taken_round_by_round():
    spent = Timings(one=np.array([2.0, 4.0, 9.0]), other=np.array([1.0, 2.0, 3.0]))
    assert spent.ratio("one", "other") == (2.0, 2.0, 2.5)
    assert spent.median("one") == 4.0


def test_it_prints_as_a_table():
    lines = repr(Timings(plain=np.array([1e-3]), half=np.array([5e-4]))).splitlines()
    assert lines[2].split() == ["half", "0.500", "ms", "0.500", "to", "0.500", "ms", "0.50×"]


@pytest.mark.parametrize(
    ("sides", "more"), [({}, {}), ({"a": int}, {"rounds": 0}), ({"a": int}, {"calls": 0})]
)
def test_nothing_to_time_is_refused(sides, more):
    with pytest.raises(ValueError, match="Received"):
        interleaved(sides, **more)


def test_a_side_must_be_a_function():
    with pytest.raises(TypeError, match="'a' must be a function"):
        interleaved({"a": 3})
