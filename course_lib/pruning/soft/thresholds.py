"""Threshold decay: all weights are pulled toward zero, and those that training does not pull back arrive."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from ..granularity import Element, Granularity
from ..holding import Held, held_masks, hold, retrace
from ..masks import Masks
from ..schedules import Schedule
from ..variables import prunable_variables
from .units import Units

ops = keras.ops


def soft_threshold(weights: Any, threshold: Any, granularity: Granularity = Element()) -> Any:  # noqa: B008
    """Weights moved toward zero by `threshold`, as far as zero: sign(w) · max(|w| − threshold, 0).

    For units u of n weights w_u · max(1 − threshold · √n / ‖w_u‖₂, 0), of which the above is the case n = 1:
    the proximal step of L1 and of the group lasso. Shape and type of `weights`.
    """
    weights = ops.convert_to_tensor(weights)
    units = Units(granularity, {"weights": tuple(weights.shape)})
    norms = units.norms({"weights": weights})
    reach = ops.cast(threshold, norms.dtype) * ops.cast(np.sqrt(units.sizes), norms.dtype)
    alive = norms > reach
    share = ops.where(alive, 1 - reach / ops.where(alive, norms, 1.0), 0.0)
    # `where` and not a product, which would leave −0.0 (see `masks.zeroed`).
    share = units.spread(share)["weights"]
    return ops.where(share > 0, weights * share, 0.0)


class ThresholdDecay(keras.callbacks.Callback):
    """Soft-threshold the weights after every optimizer update, by the amount a schedule gives for the step.

    With `constant(t)` and SGD this is proximal gradient descent on L1 (with `Channel()`: on the group lasso)
    of strength t / learning rate, which does reach exact zeros (Daubechies et al. 2004). A falling or rising
    schedule moves the amount; t is in units of the weights, and small: over a run of n updates, a weight
    without gradient moves by n · t. The sparsity that results is found by trying, not set.

    It runs inside the compiled step (as `hold` does), so it is exact with Adam and XLA; with
    steps_per_execution > 1 the schedule is read once an execution. A step without its turn in gradient
    accumulation counts in part. When training ends, zeros are held (`masks`; `release` frees them) and the
    pull is gone; after an interrupted `fit`, call `on_train_end()`. Warns if a variable has only zeros left.
    Raises: ValueError at the start of training for an optimizer with use_ema: averages have no zeros.
    """

    def __init__(
        self,
        schedule: Schedule,
        granularity: Granularity = Element(),  # noqa: B008 (frozen)
        within: Iterable[str | keras.Layer] | None = None,
    ) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"schedule must be a function step → threshold. Received: {schedule!r}. "
                "For one threshold throughout, use constant(1e-4)."
            )
        self.schedule, self.granularity, self.within = schedule, granularity, within
        self.masks: Masks | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Attach the pull to the weights, before training is traced."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if optimizer.use_ema:
            raise ValueError("ThresholdDecay needs an optimizer without averages. Received: use_ema=True.")
        # Constraints run on every batch, so k batches an update take a k-th each: together exactly the whole.
        self._parts = optimizer.gradient_accumulation_steps or 1
        self._detach()
        self._threshold = keras.Variable(0.0, trainable=False, dtype="float32", name="threshold")
        self._follow()
        self._variables = prunable_variables(self.model, self.within)
        for variable in self._variables.values():
            _attach(variable, self._pull)
        retrace(self.model, "train")

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Follow the schedule."""
        self._follow()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Hold the zeros, and stop pulling."""
        self._detach()
        zeros = {path: np.asarray(v) != 0 for path, v in self._variables.items()}
        self.masks = Masks(held_masks(self.model) | zeros)
        if dead := [path for path, mask in self.masks.items() if not mask.any()]:
            warnings.warn(
                f"ThresholdDecay left no weight in {', '.join(dead)}. Use a lower threshold.", stacklevel=2
            )
        hold(self.model, self.masks)
        retrace(self.model, "train")

    def _follow(self) -> None:
        amount = self.schedule(int(self.model.optimizer.iterations))
        if not 0 <= amount < np.inf:
            raise ValueError(f"A threshold must be a finite number, 0 or more. Received: {amount}.")
        self._threshold.assign(amount / self._parts)

    def _pull(self, value: Any) -> Any:
        return soft_threshold(value, self._threshold, self.granularity)

    def _detach(self) -> None:
        for variable in self.model.weights:
            held = variable.constraint
            if isinstance(held, Held) and isinstance(held.own, _Pulled):
                held.own = held.own.own
            elif isinstance(held, _Pulled):
                variable.constraint = held.own


class _Pulled:
    """A variable's constraint while it is pulled to zero: the pull, then the user's own."""

    def __init__(self, own: Callable | None, pull: Callable) -> None:
        self.own, self.pull = own, pull

    def __call__(self, value: Any) -> Any:
        value = self.pull(value)
        return value if self.own is None else self.own(value)


def _attach(variable: keras.Variable, pull: Callable) -> None:
    """Pull a variable; under the mask, if it is held, so that `hold` and `release` go on finding theirs."""
    held = variable.constraint
    if isinstance(held, Held):
        held.own = _Pulled(held.own, pull)
    else:
        variable.constraint = _Pulled(held, pull)
