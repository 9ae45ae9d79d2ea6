"""GradualPruning: make_masks and hold again and again while a model trains, along a schedule."""

from __future__ import annotations

import inspect
import warnings
from bisect import bisect
from numbers import Integral
from typing import Any

import keras

from .clock import after_all, after_next_step, steps_ahead, steps_done
from .holding import held_masks, hold, hold_also
from .masks import Masks
from .prune import make_masks
from .resume import masks_so_far
from .schedules import Schedule, last_due, next_due

_OURS = ("model", "sparsity", "among")
_RECIPE = [name for name in inspect.signature(make_masks).parameters if name not in _OURS]


class GradualPruning(keras.callbacks.Callback):
    """Prune during `fit`: every `every` optimizer steps, to the sparsity the schedule gives for that step.

    `recipe` holds arguments of `make_masks`: criterion, granularity, scope, within. The clock is
    `optimizer.iterations` (with gradient accumulation it counts real updates), so a second `fit` goes on
    where the first stopped. Masks nest: what is pruned stays pruned, and so do masks that `hold` the model
    already. Several of these callbacks, each `within` layers of its own, may work side by side.

    A step is due if `every` divides it, or if the schedule holds on to its value from there (the end of a
    ramp, the tread of a stair, a single shot): so the final sparsity is exact and on time whether or not
    `every` divides the steps. With steps_per_execution > 1, what is due waits for the end of an execution.
    tfmot counts from 1: what it does "at step t" comes one optimizer update earlier than here.

    A run that was stopped goes on from its file, by `load_model` or BackupAndRestore, with a new
    GradualPruning of the same arguments: same masks and weights as the run never stopped (see
    `masks_so_far`; Keras does not save the random state of Dropout, though). The clock is in the file: in
    `.keras` always, in `.weights.h5` if the optimizer was built before saving and before loading
    (`model.optimizer.build(model.trainable_variables)`).

    It may stand anywhere in the list of callbacks: an update comes straight after its step, before any
    callback hears of the step's end, so every file saved has the zeros of the masks held then. Weights that
    EarlyStopping restores get the final masks: weights of an epoch before the last update then lose more
    than they were trained for, so let it start when the schedule has ended (`start_from_epoch`). In a loop
    of your own that drives callbacks, call `on_train_batch_begin` too; without it updates wait for the end
    of the epoch.

    After training the masks are still held (`release` frees them). Warns if nothing is pruned before the
    last step of a run, and if the schedule began unseen, before the run.

    Attributes: `masks` (Masks, None before training) and `log`, a list of (step, sparsity reached).
    Raises: TypeError for arguments unknown to `make_masks`, ValueError unless every ≥ 1; and when training
    begins, with the model unchanged, what the recipe raises.
    """

    def __init__(self, schedule: Schedule, every: int = 100, **recipe: Any) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"schedule must be a function step → sparsity. Received: {schedule!r}. "
                "For one sparsity throughout, use constant(0.8)."
            )
        if not (isinstance(every, Integral) and every >= 1):
            raise ValueError(f"every must be a whole number of steps, at least 1. Received: {every!r}.")
        if unknown := [name for name in recipe if name not in _RECIPE]:
            raise TypeError(f"The recipe may have {', '.join(_RECIPE)}. Received: {', '.join(unknown)}.")
        self.schedule, self.every, self.recipe = schedule, every, recipe
        self._forget()

    def _forget(self) -> None:
        self.masks: Masks | None = None
        self.log: list[tuple[int, float]] = []
        self._target = 0.0
        self._last: int | None = None  # the step looked at last; None: training has not begun
        self._latest = self._wake = 0  # the step it may be by now at most; the step to look again
        self._under_way = False  # a training step, after which nobody has looked yet
        self._warned = False

    def set_model(self, model: keras.Model) -> None:
        """Start afresh when given another model than before."""
        if getattr(self, "_model", None) is not model:
            self._forget()
        super().set_model(model)

    def update(self, model: keras.Model, step: int | None = None) -> Masks:
        """Do what is due by now, and return the masks: `fit` calls it, and so may a loop of your own.

        Call it before the first training step (before tf.function traces it) and after every one. `step` is
        the number of optimizer updates done; None: `model.optimizer.iterations`. Compile the model with an
        optimizer that keeps averages (use_ema), so that they are masked too.
        """
        self.set_model(model)
        step = steps_done(model) if step is None else int(step)
        if self._last is None:
            self._begin(step)
        elif (target := self._due(self._last, step)) > self._target:
            self._prune(target, step)
        self._last = self._latest = step
        self._wake = next_due(self.schedule, self.every, step, self._target)
        return self.masks

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Get ready; callbacks listed later may still load weights."""
        self._last, self._under_way = None, False
        # EarlyStopping restores weights when training ends, perhaps after our turn.
        after_all(self.model, lambda: hold(self.model, held_masks(self.model)))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Before the first epoch: do what is due by now, and attach the masks before tracing."""
        if self._last is None:
            self._look_ahead(epoch)
            self.update(self.model)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Have what is due done straight after the step; batches are only the occasion."""
        self._look()  # in case the step before went another way
        self._under_way = True
        after_next_step(self.model, self._look)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Do what is due by now, in case the last step went another way than `train_function`."""
        self._look()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Zero what other callbacks may have restored."""
        hold(self.model, held_masks(self.model))
        self._warn_unless_pruned()

    def _look(self) -> None:
        """Do what is due after a step."""
        if self._under_way:
            self._under_way = False
            # Reading the clock takes 2 % of a small step. Updates may be fewer than batches, never more.
            self._latest += self.model.steps_per_execution
            if self._latest >= self._wake:
                self.update(self.model)

    def _look_ahead(self, epoch: int) -> None:
        """Find the first update of this run: there must be one, and the recipe must be able to make it."""
        now, steps = steps_done(self.model), steps_ahead(self.model, self.params, epoch)
        if not steps:
            return
        ahead = range(now, now + steps)
        first = bisect(ahead, 0, key=lambda step: self._due(-1, step))
        if first == steps:
            self._warn_unless_pruned()
        elif first > 0:  # later: but a recipe that cannot work says so now, not after hours
            make_masks(self.model, self._due(-1, ahead[first]), **self.recipe)

    def _begin(self, step: int) -> None:
        target = self._due(-1, step)
        self.masks = masks_so_far(self.model, target if step else 0.0, **self.recipe)
        if step and not self.masks.sparsity and self._due(-1, step - 1) > self.schedule(0):
            warnings.warn(
                f"The schedule began before this run: the optimizer is at step {step} already, nothing is "
                f"pruned yet, and now {target:.2%} goes at once. Let the schedule begin at {step} or later, "
                "or compile the model anew, which sets the clock to 0.",
                stacklevel=2,
            )
        self._prune(target, step)

    def _prune(self, target: float, step: int) -> None:
        if target > 0:  # not every scope can prune nothing
            self.masks = make_masks(self.model, target, among=self.masks, **self.recipe)
        hold_also(self.model, self.masks)
        self._target = target
        self.log.append((step, self.masks.sparsity))

    def _due(self, since: int, now: int) -> float:
        return last_due(self.schedule, self.every, since, now)

    def _warn_unless_pruned(self) -> None:
        if self._warned or self._target > 0 or (self.masks and self.masks.sparsity > 0):
            return
        self._warned = True
        warnings.warn(
            "GradualPruning prunes nothing before the last step of this run: no update with a sparsity above "
            f"0 falls inside it. Received: every={self.every}. Use a smaller `every`, an earlier schedule, "
            "or more epochs.",
            stacklevel=2,
        )
