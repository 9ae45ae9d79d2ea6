"""GradualPruning: make_masks and hold again and again while `fit` runs, along a schedule."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras

from .holding import hold
from .masks import Masks
from .prune import make_masks
from .schedules import Schedule

_OURS = ("model", "sparsity", "among")
_RECIPE = [name for name in inspect.signature(make_masks).parameters if name not in _OURS]


class GradualPruning(keras.callbacks.Callback):
    """Prune during `fit`: every `every` optimizer steps, to the sparsity the schedule gives for that step.

    `recipe` holds arguments of `make_masks`: criterion, granularity, scope, within. The clock is
    `optimizer.iterations` (with gradient accumulation it counts real updates), so a second `fit` goes on
    where the first stopped. Masks nest: what is pruned stays pruned.

    `every` thins out a rising schedule only. A value that the schedule holds on to (the end of a ramp, the
    tread of a stair, a single shot) is applied at once, so the final sparsity is exact and on time whether or
    not `every` divides the steps. With steps_per_execution > 1, updates wait for the end of an execution.
    tfmot counts from 1: what it does "at step t" comes one optimizer update earlier than here.

    After training the masks are still held (`release` frees them). Put it after callbacks that restore
    weights, as EarlyStopping does. Warns if nothing is pruned before the last step of a run.

    Attributes: `masks` (Masks, None before the first update) and `log`, a list of (step, sparsity reached).
    Raises: TypeError for arguments unknown to `make_masks`, ValueError unless every ≥ 1.
    """

    def __init__(self, schedule: Schedule, every: int = 100, **recipe: Any) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"schedule must be a function step → sparsity. Received: {schedule!r}. "
                "For one sparsity throughout, use constant(0.8)."
            )
        if not every >= 1:
            raise ValueError(f"every must be at least 1 step. Received: {every}.")
        if unknown := [name for name in recipe if name not in _RECIPE]:
            raise TypeError(f"The recipe may have {', '.join(_RECIPE)}. Received: {', '.join(unknown)}.")
        self.schedule, self.every, self.recipe = schedule, every, recipe
        self._forget()

    def _forget(self) -> None:
        self.masks: Masks | None = None
        self.log: list[tuple[int, float]] = []
        self._target = 0.0
        self._warned = False

    def set_model(self, model: keras.Model) -> None:
        """Start afresh when given another model than before."""
        if getattr(self, "_model", None) is not model:
            self._forget()
        super().set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Apply what the schedule asks for at the current step, and attach the masks before tracing."""
        self._last = self._step()
        self._update(self._last)
        steps = self.params.get("steps")
        if steps:
            end = self._last + steps * self.params.get("epochs", 1)
            self._warn_unless(
                self._target > 0 or any(self._is_due(s - 1, s) for s in range(self._last + 1, end))
            )

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Update the masks if one is due; batches are only the occasion, the clock is the optimizer's."""
        step = self._step()
        if self._is_due(self._last, step):
            self._update(step)
        self._last = step

    def on_train_end(self, logs: dict | None = None) -> None:
        """Zero what other callbacks may have restored."""
        self.masks.apply(self.model)
        self._warn_unless(self._target > 0)

    def _step(self) -> int:
        return int(self.model.optimizer.iterations)

    def _is_due(self, last: int, step: int) -> bool:
        now = self.schedule(step)
        if now <= self._target:
            return False
        return step // self.every > last // self.every or self.schedule(step + 1) == now

    def _update(self, step: int) -> None:
        self._target = max(self._target, self.schedule(step))
        self.masks = make_masks(self.model, self._target, among=self.masks, **self.recipe)
        hold(self.model, self.masks)
        self.log.append((step, self.masks.sparsity))

    def _warn_unless(self, pruned: bool) -> None:
        if pruned or self._warned:
            return
        self._warned = True
        warnings.warn(
            "GradualPruning prunes nothing before the last step of this run: no update with a sparsity above "
            f"0 falls inside it. Received: every={self.every}. Use a smaller `every`, an earlier schedule, "
            "or more epochs.",
            stacklevel=2,
        )
