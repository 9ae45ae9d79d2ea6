"""Timing several sides fairly: interleaved, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def interleaved(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of every side in each round, after one round that warms up; the order turns round by round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        names = list(sides)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            sides[name]()
            times[name].append(time.perf_counter() - start)
    return {name: np.array(spent[1:]) for name, spent in times.items()}


def ratio(one: np.ndarray, other: np.ndarray) -> str:
    """The median of the paired ratios one/other, with its quartiles."""
    low, middle, high = np.percentile(one / other, [25, 50, 75])
    return f"{middle:.3f} (quartiles {low:.3f}, {high:.3f})"
