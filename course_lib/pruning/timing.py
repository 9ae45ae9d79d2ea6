"""How long things take, side by side: in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .table import as_html, as_text


class Ratio(NamedTuple):
    """How many times as long one side takes as the other: the `median` of the rounds, and its quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}× (quartiles {self.low:.2f}, {self.high:.2f})"


class Timings(dict[str, np.ndarray]):
    """{side: seconds of one call in each round, (rounds,)}; prints as a table of medians and quartiles."""

    def median(self, side: str) -> float:
        """The seconds of the round in the middle, which a stall of the machine does not move."""
        return float(np.median(self[side]))

    def ratio(self, one: str, other: str) -> Ratio:
        """Round by round, seconds of `one` / seconds of `other`: both met the same machine."""
        return Ratio(*map(float, np.percentile(self[one] / self[other], [25, 50, 75])))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "", "median", "quartiles", f"against {next(iter(self), '')}"
        for side, seconds in self.items():
            low, middle, high = np.percentile(seconds, [25, 50, 75]) * 1e3
            share = self.ratio(side, next(iter(self))).median
            yield side, f"{middle:.3f} ms", f"{low:.3f} to {high:.3f} ms", f"{share:.2f}×"

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())


def interleaved(
    sides: Mapping[str, Callable[[], Any]],
    rounds: int = 30,
    warm_up: int = 2,
    calls: int = 1,
) -> Timings:
    """Call every side once a round, the first of a round being another each time, and time each call.

    `warm_up` rounds are not counted: the first calls trace, compile and fill caches. Where one call is
    shorter than some 50 µs, the clock itself counts: `calls` of them are timed together, and divided.
    What a side returns must be ready when it returns (`.numpy()`), or only its dispatch is timed.
    Raises: ValueError without sides, rounds or calls, TypeError for sides that cannot be called.
    """
    if not sides or min(rounds, calls) < 1 or warm_up < 0:
        raise ValueError(
            "Time at least one side, once. "
            f"Received: {len(sides)} sides, rounds={rounds}, warm_up={warm_up}, calls={calls}."
        )
    for name, side in sides.items():
        if not callable(side):
            raise TypeError(f"Side {name!r} must be a function without arguments. Received: {side!r}.")
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(-warm_up, rounds):
        names = list(sides)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            for _ in range(calls):
                sides[name]()
            spent[name].append((time.perf_counter() - start) / calls)
    return Timings({name: np.array(seconds[warm_up:]) for name, seconds in spent.items()})
