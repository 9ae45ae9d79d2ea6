"""Several wishes at once: which points are worth a look, and which of them a user prefers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

Best = Sequence[Literal["max", "min"]]
Scalar = Callable[[np.ndarray, np.ndarray], np.ndarray]


def pareto_front(points: Any, best: Best) -> list[int]:
    """The positions, in order, of the points that no other point dominates.

    `points`: (n, objectives) numbers; `best` says for each objective whether "max" or "min" is wanted:
    `pareto_front([(0.97, 40_000), (0.95, 20_000)], best=("max", "min"))`. A point dominates another if it is
    at least as good everywhere and better somewhere; equal points do not, so all of them stay. Infinities are
    allowed. Any number of objectives; time n × size of the front.
    Raises: ValueError for NaN, and for points and `best` that do not fit.
    """
    costs = _costs(points, best)
    front: list[int] = []
    # In lexicographic order nobody is dominated by a later point, and being dominated by a dominated point
    # means being dominated by one of the front as well.
    for i in np.lexsort(costs.T[::-1]):
        rivals = costs[front]
        beaten = (rivals <= costs[i]).all(axis=1) & (rivals < costs[i]).any(axis=1)
        if not beaten.any():
            front.append(int(i))
    return sorted(front)


def weighted_sum(regrets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Σ wⱼ rⱼ for each point: the plain compromise, which finds only points on the front's convex hull."""
    return regrets @ weights


def chebyshev(regrets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """max wⱼ rⱼ for each point: the largest complaint. Some weights lead to every point of the front."""
    return (regrets * weights).max(axis=1)


def preferred(points: Any, best: Best, weights: Sequence[float], scalar: Scalar = chebyshev) -> int:
    """The position of the point that suits a user best, who gives each objective a weight.

    A point's regret in an objective is 0 for the best value on the Pareto front and 1 for the worst; `scalar`
    (`chebyshev` or `weighted_sum`) makes one number of the weighted regrets, and the smallest wins. Weights
    count relative to each other: (1, 0) is the first objective alone. Of equals the one with the smaller sum
    of plain regrets wins, so that the choice is on the front, then the first.
    Raises: ValueError for no points, infinities, NaN, and weights that are negative or all zero.
    """
    costs, wishes = _costs(points, best), _weights(weights, len(best))
    if not len(costs) or not np.isfinite(costs).all():
        raise ValueError(
            f"To weigh objectives, there must be points, all finite. Received: {len(costs)} points, "
            f"{np.count_nonzero(~np.isfinite(costs))} infinite values."
        )
    front = pareto_front(points, best)
    low, high = costs[front].min(axis=0), costs[front].max(axis=0)
    # Scaled before they are subtracted: the span of huge numbers may be too large for a float.
    scale = np.maximum(np.abs(low), np.abs(high))
    scale[scale == 0] = 1
    span = high / scale - low / scale
    regrets = (costs[front] / scale - low / scale) / np.where(span > 0, span, 1)
    order = np.lexsort((regrets.sum(axis=1), scalar(regrets, wishes)))
    return front[order[0]]


def _costs(points: Any, best: Best) -> np.ndarray:
    """(n, objectives) float64, smaller = better."""
    if not best or not all(sense in ("max", "min") for sense in best) or isinstance(best, str):
        raise ValueError(f'best must say "max" or "min" for each objective. Received: {best!r}.')
    values = np.asarray(points, np.float64)
    values = values.reshape(0, len(best)) if not values.size else values
    if values.ndim != 2 or values.shape[1] != len(best):
        raise ValueError(f"points must be of shape (n, {len(best)}), as `best`. Received: {values.shape}.")
    if np.isnan(values).any():
        raise ValueError(f"points must not be NaN. Received: {np.count_nonzero(np.isnan(values))} NaN.")
    return values * [-1.0 if sense == "max" else 1.0 for sense in best]


def _weights(weights: Sequence[float], count: int) -> np.ndarray:
    wishes = np.asarray(weights, np.float64)
    if wishes.shape != (count,) or not (np.isfinite(wishes).all() and (wishes >= 0).all() and wishes.any()):
        raise ValueError(f"weights must be {count} numbers of at least 0, not all 0. Received: {weights!r}.")
    return wishes / wishes.max()
