"""Lottery tickets: a training run put back to an earlier step, with most of its weights gone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from ..clock import after_next_step
from ..holding import hold, release
from ..masks import Masks
from ..prune import make_masks
from ..schedules import iterative
from ..variables import Variables, named_variables, prunable_variables


class Snapshot(keras.callbacks.Callback):
    """All that a training run goes on from: weights, BatchNormalization statistics, dropout seeds, optimizer.

    As a callback, `Snapshot(step=100)` takes itself once, when 100 updates are done (`optimizer.iterations`;
    with steps_per_execution > 1, at the end of that execution); `Snapshot().take(model)` does it at
    once. Give it to `rewind`. Compile the model first, or the optimizer is not in it. Not in it either: the
    order of the data, and layers that draw from Keras's global seed.

    Attributes: `taken` (the step it was taken at, None before), `weights` {path: array}, `rest` (list of
    arrays). Raises: ValueError for a negative step.
    """

    def __init__(self, step: int = 0) -> None:
        super().__init__()
        if not step >= 0:
            raise ValueError(f"step must be 0 or later. Received: {step}.")
        self.step = step
        self.taken: int | None = None
        self.weights: dict[str, np.ndarray] = {}
        self.rest: list[np.ndarray] = []

    def take(self, model: keras.Model) -> Snapshot:
        """Take it now, of this model, and return it. The model is not changed."""
        weights, rest = _state(model)
        self.weights = {path: np.array(v) for path, v in weights.items()}
        self.rest = [np.array(v) for v in rest]
        optimizer = getattr(model, "optimizer", None)
        self.taken = 0 if optimizer is None else int(optimizer.iterations)
        return self

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Take it if the step is reached."""
        if self.taken is None and int(self.model.optimizer.iterations) >= self.step:
            self.take(self.model)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Take it straight after this step if that is the one, before other callbacks do something to it."""
        self.on_train_begin()  # in case the step before went another way
        if self.taken is None:
            after_next_step(self.model, self.on_train_begin)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Take it if the step is reached, in case the last step went another way than `train_function`."""
        self.on_train_begin()


def rewind(model: keras.Model, snapshot: Snapshot, masks: Masks | None = None) -> None:
    """Put a model back to a snapshot, all but the masked weights, which are zero and held there.

    Frankle & Carbin 2019, arXiv:1803.03635; to a step after the first: Frankle et al. 2020, arXiv:1912.05671.
    Weights, BatchNormalization statistics, dropout seeds, the optimizer's memory, clock and learning rate
    are those of the snapshot, bit for bit, so that training on the same data in the same order goes
    on as it did then. Without masks nothing is held. The controls: `hold(new_model, masks)` for a new
    initialisation; `rewind(model, snapshot, shuffled(masks, seed))`; masks from `random(seed)`; `signs`.
    Raises: ValueError, with nothing changed, if the snapshot was not taken or is of another model or
    optimizer, and as `hold` does for the masks.
    """
    if snapshot.taken is None:
        raise ValueError(
            f"The snapshot was never taken: no training with it among the callbacks reached step "
            f"{snapshot.step}. Train longer, or write Snapshot().take(model)."
        )
    weights, rest = _state(model)
    _check_fits(snapshot, weights, rest)
    if masks is None:
        release(model)
    else:
        hold(model, masks)  # first, because it refuses masks that do not fit
    for variable, value in zip(rest, snapshot.rest, strict=True):
        variable.assign(value)
    for path, variable in weights.items():
        variable.assign(snapshot.weights[path])
    if masks is not None:
        hold(model, masks)


def shuffled(masks: Masks, seed: int) -> Masks:
    """The same number of kept weights in every layer, at random positions: a control for tickets."""
    rng = np.random.default_rng(seed)
    return Masks({path: rng.permutation(mask.ravel()).reshape(mask.shape) for path, mask in masks.items()})


def signs(snapshot: Snapshot, masks: Masks) -> Snapshot:
    """The snapshot with nothing but the signs of the weights: each masked variable becomes sign(w) · std(w).

    std is that of the whole variable. A control: are the signs all that matters of an initialisation? (Zhou
    et al. 2019, arXiv:1905.01067).
    """
    signed = copy.copy(snapshot)
    rough = {path: np.sign(w) * np.std(w) for path, w in snapshot.weights.items() if path in masks}
    signed.weights = {**snapshot.weights, **rough}
    return signed


def tickets(
    model: keras.Model,
    train: Callable[[keras.Model], Any],
    sparsity: float,
    rounds: int,
    start: Snapshot | None = None,
    **recipe: Any,
) -> Iterator[tuple[int, Masks]]:
    """Iterative magnitude pruning with rewinding: yields (round, masks) after each round's training.

    Round 0 trains the whole model by calling `train(model)`. Each of the `rounds` that follow prunes the same
    share of the weights that remain, rewinds to `start` and trains again, so that the last reaches
    `sparsity`; masks nest. At each yield the model is trained and held. `start` is by default the model
    as it is now; for late rewinding, a `Snapshot(step=k)` that `train` has among its callbacks. `recipe`
    holds arguments of `make_masks`, magnitude by default (Frankle & Carbin 2019, arXiv:1803.03635).
    Raises: as `iterative`, `make_masks` and `rewind` do.
    """
    stairs = iterative(sparsity, rounds=rounds, every=1)
    start = Snapshot().take(model) if start is None else start
    first = Masks({path: np.ones(v.shape, bool) for path, v in prunable_variables(model).items()})

    def run() -> Iterator[tuple[int, Masks]]:
        masks = first
        train(model)
        yield 0, masks
        for done in range(rounds):
            masks = make_masks(model, stairs(done), among=masks, **recipe)
            rewind(model, start, masks)
            train(model)
            yield done + 1, masks

    return run()


def _state(model: keras.Model) -> tuple[Variables, list[keras.Variable]]:
    """(The weights by path, the states of random seeds and the optimizer's variables)."""
    weights = named_variables(model)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)  # as `fit` would: so that its memory can be put back to 0
    known = {id(v) for v in weights.values()}
    seeds = [v for v in model.variables if id(v) not in known]
    return weights, seeds + (optimizer.variables if optimizer is not None else [])


def _check_fits(snapshot: Snapshot, weights: Variables, rest: list[keras.Variable]) -> None:
    taken = {path: array.shape for path, array in snapshot.weights.items()}
    now = {path: tuple(v.shape) for path, v in weights.items()}
    if taken != now:
        odd = sorted(path for path in taken.keys() | now.keys() if taken.get(path) != now.get(path))
        raise ValueError(f"The snapshot is of another model. Received: weights that differ in {odd}.")
    if [a.shape for a in snapshot.rest] != [tuple(v.shape) for v in rest]:
        raise ValueError(
            "The snapshot was taken with another optimizer, or before the model was compiled: do that first. "
            f"Received: {len(snapshot.rest)} arrays for {len(rest)} variables of seeds and optimizer."
        )
