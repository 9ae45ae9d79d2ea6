"""Magnitude scaling: what pruning would cut fades away, while training can still bring it back."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from ..callbacks import GradualPruning
from ..clock import steps_done
from ..holding import hold_also
from ..prune import make_masks
from ..resume import masks_so_far
from ..schedules import Schedule

_FOREVER = 2**62  # a step by which every schedule has come to its end


class Fade(GradualPruning):
    """Magnitude scaling: what pruning would cut is scaled down along a schedule, and cut only at its end.

    Where `GradualPruning` cuts S(t) of the weights whole, `Fade` takes the final share S(∞) of them S(t)/S(∞)
    of the way: their factor is f(t) = 1 − S(t)/S(∞), from 1 to 0. At each update the weights that
    `make_masks` would remove now are multiplied by f(now)/f(last time), so that one no gradient moves is at
    f(t) times its size; in between they train like all others, and one that grows again leaves the set. When
    f is 0 the masks are held. The thought is that of soft filter pruning (He et al. 2018, arXiv:1808.06866;
    with a growing rate: arXiv:1808.07471), which takes `granularity=Channel()`.

    Arguments, clock and attributes are `GradualPruning`'s; `log` lists (step, f). A new Fade that begins at a
    later step takes the scaling so far as done: so a stopped run goes on from its file. Warns if training
    ends before the schedule does: the weights are then small, but nothing is pruned.
    """

    def __init__(self, schedule: Schedule, every: int = 1, **recipe: Any) -> None:
        super().__init__(schedule, every, **recipe)
        self._final = schedule(_FOREVER)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Zero what other callbacks may have restored, if the fade is over."""
        if self._target == self._final:
            super().on_train_end(logs)
        else:
            warnings.warn(
                "Fade is not over, so nothing is pruned yet: train on, or end the schedule within the run. "
                f"Received: {self._target / self._final:.0%} of the way at step {steps_done(self.model)}.",
                stacklevel=2,
            )

    def _begin(self, step: int) -> None:
        if self.masks is None:
            # Held by nothing yet, but known to the training step before it is traced.
            hold_also(self.model, masks_so_far(self.model, 0.0, **self.recipe))
            self._target = self._due(-1, step) if step else 0.0
        self._prune(max(self._target, self._due(-1, step)), step)

    def _prune(self, target: float, step: int) -> None:
        before, self._target = self._target, target
        if before < self._final or self.masks is None:  # once held, the masks are decided
            self.masks = make_masks(self.model, self._final, **self.recipe)
        if target == self._final:
            hold_also(self.model, self.masks)
        else:
            self._scale((self._final - target) / (self._final - before))
        self.log.append((step, 1 - target / self._final if self._final else 0.0))

    def _scale(self, factor: float) -> None:
        for path, variable in self.masks.variables(self.model).items():
            variable.assign(keras.ops.where(self.masks[path], variable, factor * variable))
