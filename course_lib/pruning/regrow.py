"""Regrow: sparse training that rewires while `fit` runs; as many weights are grown as are dropped."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from .criteria import Criterion
from .examples import check_finite
from .holding import hold
from .masks import Masks
from .prune import checked_scores
from .schedules import Schedule
from .select import check_sparsity, top
from .slots import forget


class Regrow(keras.callbacks.Callback):
    """Train sparse from the start: every `every` steps drop the smallest weights and grow others instead.

    `masks` says where to start, `make_masks(model, 0.9, random(0), scope=erk)` for instance. `grow` is any
    criterion; the masked weights that score highest come in. `random(seed)` is SET (Mocanu et al. 2018,
    arXiv:1707.04780), `gradient(x, y)` is RigL (Evci et al. 2020, arXiv:1911.11134): the gradient of *all*
    weights, the masked ones too. `sampled(gradient, x, y, 64)` looks at another mini-batch each time.
    `fraction` is the share of a layer's kept weights that are swapped: a number, or a function of the step
    such as `cosine_decay(0.3, end=750)`, after which nothing changes any more.

    Each layer swaps round(fraction · kept) weights, but never its last one and never more than are masked, so
    that every layer keeps its count; frozen layers stay as they are. Grown weights start at 0 without any
    memory in the optimizer. Only what was masked before an update can be grown by it: RigL's authors let a
    weight that has just been dropped come straight back, here it has to wait for the next update.

    The clock is `optimizer.iterations`; an update due at step t comes just before the step that follows, so
    none comes after the last step of a run (its new weights would be untrained zeros), and a second `fit`
    goes on where the first stopped. With steps_per_execution > 1, updates wait for the end of an execution.
    After training the masks are still held. Without updates it is static sparse training: just `hold`.

    Attributes: `masks` (Masks, the current ones) and `log`, a list of (step, number of weights swapped).
    Raises: TypeError or ValueError for arguments out of range, masks that do not fit the model, and weights
    or scores that are not finite. Warns at the end of training if nothing was ever swapped.
    """

    def __init__(
        self, masks: Masks, grow: Criterion, fraction: float | Schedule = 0.3, every: int = 100
    ) -> None:
        super().__init__()
        if not callable(grow):
            raise TypeError(f"grow must be a criterion, as gradient(x, y) is. Received: {grow!r}.")
        if not every >= 1:
            raise ValueError(f"every must be at least 1 step. Received: {every}.")
        if not callable(fraction):
            check_sparsity(fraction, "fraction")
        self.grow, self.fraction, self.every = grow, fraction, every
        self._start = Masks(masks)
        self._forget()

    def _forget(self) -> None:
        self.masks, self.log = self._start, []
        self._last: int | None = None
        self._warned = False

    def set_model(self, model: keras.Model) -> None:
        """Start afresh, with the first masks, when given another model than before."""
        if getattr(self, "_model", None) is not model:
            self._forget()
        super().set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Hold the masks before anything is traced."""
        hold(self.model, self.masks)
        self._last = self._step() if self._last is None else self._last

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Rewire if an update is due; batches are only the occasion, the clock is the optimizer's."""
        step = self._step()
        if step // self.every > self._last // self.every:
            self._update(step)
        self._last = step

    def on_train_end(self, logs: dict | None = None) -> None:
        """Zero what other callbacks may have restored."""
        self.masks.apply(self.model)
        if not self.log and not self._warned:
            self._warned = True
            warnings.warn(
                "Regrow swapped nothing before the last step of this run. Received: "
                f"every={self.every}, fraction={self.fraction}. Use a smaller `every` or more epochs, a "
                "larger `fraction`, and masks with some weights masked. For static masks `hold` is enough.",
                stacklevel=2,
            )

    def _step(self) -> int:
        return int(self.model.optimizer.iterations)

    def _update(self, step: int) -> None:
        share = self.fraction(step) if callable(self.fraction) else self.fraction
        share = check_sparsity(float(share), "fraction")
        variables = {path: v for path, v in self.masks.variables(self.model).items() if v.trainable}
        counts = {path: _swaps(self.masks[path], share) for path in variables}
        variables = {path: v for path, v in variables.items() if counts[path]}
        if not variables:
            return
        # The same draw at every update would grow the same weights again and again.
        grow = self.grow.anew(step) if hasattr(self.grow, "anew") else self.grow
        scores = checked_scores(grow(self.model), variables)
        swapped = {p: _swapped(p, self.masks[p], v, scores[p], counts[p]) for p, v in variables.items()}
        self._rewire(Masks({**self.masks, **swapped}))
        self.log.append((step, sum(counts.values())))

    def _rewire(self, masks: Masks) -> None:
        old, self.masks = self.masks, masks
        Masks({path: masks[path] & old[path] for path in masks}).apply(self.model)  # grown ones start at 0
        for path, variable in masks.variables(self.model).items():
            if (grown := masks[path] & ~old[path]).any():
                forget(self.model.optimizer, variable, grown)
        hold(self.model, masks)


def _swaps(mask: np.ndarray, share: float) -> int:
    """How many weights of a layer to swap: not the last one, and not more than there are masked."""
    kept = np.count_nonzero(mask)
    return max(0, min(round(share * kept), kept - 1, mask.size - kept))


def _swapped(
    path: str, mask: np.ndarray, variable: keras.Variable, scores: np.ndarray, count: int
) -> np.ndarray:
    """The mask without the `count` smallest kept weights and with the `count` best masked ones."""
    weights = np.asarray(variable, np.float32)
    check_finite(f"weights of {path!r}", weights)
    swapped = mask.copy()
    swapped.reshape(-1)[_best(-np.abs(weights), mask, count)] = False
    swapped.reshape(-1)[_best(scores, ~mask, count)] = True
    return swapped


def _best(scores: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """The flat positions of the `count` largest scores where `among` is true; of ties the earliest."""
    places = np.flatnonzero(among)
    return places[top({"": np.ravel(scores)[places]}, count)[""]]
