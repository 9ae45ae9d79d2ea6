"""A gate that is exactly on or off, with an exact sparsity, and learns all the same."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .criteria import Criterion, magnitude
from .gates import parameter, positive
from .prune import checked_scores
from .schedules import Schedule, constant
from .select import check_sparsity, survivors
from .topk import keep_best
from .units import Units
from .variables import prunable_variables

ops = keras.ops
_FOREVER, _LONGEST = 2**62, 2**22


class StraightThrough(keras.layers.Layer):
    """1 for exactly the best units by a learned score, 0 for the rest: no penalty, the sparsity you name.

    Backwards the gate counts as the score itself (straight-through), so ∂L/∂score = Σ over the unit's weights
    of ∂L/∂(gated w) · w: a score rises when the loss wants the weight to move away from 0. With frozen
    weights this is edge-popup (Ramanujan et al. 2020, arXiv:1911.13299), with training ones movement pruning
    (Sanh et al. 2020, arXiv:2005.07683). Scores start as those of `criterion`.

    `sparsity` may be a Schedule of the optimizer's step. All units compete (as `globally`), or with
    `layerwise=True` those of one layer. As there: exact counts, ties by position, at least one a layer.
    Raises: ValueError or TypeError for a sparsity outside [0, 1).
    """

    def __init__(
        self,
        sparsity: float | Schedule,
        criterion: Criterion = magnitude(),  # noqa: B008 (a pure function)
        layerwise: bool = False,
        rate: float = 1,
    ) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.schedule = sparsity if callable(sparsity) else constant(sparsity)
        self.criterion, self.layerwise, self.rate = criterion, layerwise, positive("rate", rate)

    def start(self, model: keras.Model, units: Units) -> None:
        """Scores from the criterion; a table step → how many stay, which the graph can read."""
        variables = {p: v for p, v in prunable_variables(model).items() if p in units.index}
        scores = units.row(units.granularity.pool(checked_scores(self.criterion(model), variables)))
        self.scores = parameter(self, (units.count,), scores / self.rate, "scores")
        lengths = np.bincount(units.groups).tolist()
        self.parts = lengths if self.layerwise else [units.count]
        self.layers = [1] * len(lengths) if self.layerwise else lengths
        least = 1 if self.layerwise else len(lengths)
        shares = _table(self.schedule)
        self.kept = np.array([[max(survivors(n, s), least) for n in self.parts] for s in shares], np.int32)

    def call(self, weights: dict, step: Any) -> Any:
        """(n,) gates of exactly 0.0 and 1.0."""
        scores = self.scores * self.rate
        kept = ops.take(self.kept, ops.minimum(step, len(self.kept) - 1), axis=0)
        if not self.layerwise:  # a layer's best unit is always in
            rivals = ops.concatenate([_crowned(part) for part in _split(scores, self.layers)])
            hard = keep_best(rivals, kept[0])
        else:
            hard = ops.concatenate(
                [keep_best(part, kept[i]) for i, part in enumerate(_split(scores, self.parts))]
            )
        return ops.cast(hard, "float32") + (scores - ops.stop_gradient(scores))


def _table(schedule: Schedule) -> np.ndarray:
    """The schedule at the steps 0, 1, … until it stays as it is."""
    end, last = 1, check_sparsity(schedule(_FOREVER))
    while schedule(end) != last:
        end *= 2
        if end > _LONGEST:
            raise ValueError(f"The schedule must come to an end within {_LONGEST:,} steps. It does not.")
    return np.array([check_sparsity(schedule(step)) for step in range(end + 1)])


def _split(row: Any, lengths: list[int]) -> list:
    ends = np.cumsum(lengths)
    return [row[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _crowned(scores: Any) -> Any:
    best = ops.equal(ops.arange(scores.shape[0]), ops.cast(ops.argmax(scores), "int32"))
    return ops.where(best, float("inf"), scores)
