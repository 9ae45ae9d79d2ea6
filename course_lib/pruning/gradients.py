"""Criteria from first derivatives: functions model → {variable path: scores}, larger = keep.

Criteria from gradients take examples `x` (n, ...) and targets `y` (n, ...), and the mean over these examples
of `loss(y, prediction)`: by default the loss the model is compiled with, without regularizers. The model runs
as in inference (no dropout, moving statistics) and is left as it was. They raise ValueError for a model
without a single loss, no examples, lengths that differ, and a loss or gradients that are not finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .criteria import Criterion
from .examples import Loss, averaged, batches, check_finite, mean_loss, picked
from .select import Arrays
from .variables import prunable_variables


def gradient(x: Any, y: Any, loss: Loss = None) -> Criterion:
    """Scores |g|, g = ∂L/∂w: how fast the loss changes with the weight.

    For weights that are zero it says which to grow (RigL, Evci et al. 2020, arXiv:1911.11134).
    """
    return lambda model: {path: np.abs(g) for path, g in gradients_of(model, x, y, loss).items()}


def taylor(x: Any, y: Any, loss: Loss = None) -> Criterion:
    """Scores |g · w|: the change of the loss when w becomes 0, to first order.

    Before training this is SNIP (Lee et al. 2019, arXiv:1810.02340), after it the Taylor criterion of
    Molchanov et al. (2017, arXiv:1611.06440) for single weights.
    """

    def score(model: keras.Model) -> Arrays:
        weights = weights_of(model)
        return {path: np.abs(g * weights[path]) for path, g in gradients_of(model, x, y, loss).items()}

    return score


def movement(
    x: Any,
    y: Any,
    loss: Loss = None,
    *,
    epochs: int = 5,
    batch_size: int = 32,
    learning_rate: float = 0.1,
    seed: int = 0,
) -> Criterion:
    """Scores −Σₜ η · gₜ · wₜ over a fine-tuning run: weights that move away from zero are kept.

    Sanh et al. 2020, arXiv:2005.07683; wₜ before step t, gₜ = ∂L/∂wₜ of its mini-batch. The run is plain
    gradient descent, wₜ₊₁ = wₜ − η·gₜ, with learning rate η, on the data that the model is to be pruned for;
    as the other criteria it runs without dropout and with fixed BatchNormalization statistics. Frozen layers
    are scored but stand still, constraints and held masks hold. In each epoch the examples come in the order
    of the next `permutation(n)` of `np.random.default_rng(seed)`. Afterwards the weights are put back; the
    model's optimizer is not used. Raises: ValueError unless epochs, batch_size, learning_rate > 0.
    """
    for name, value in {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive. Received: {value}.")

    def score(model: keras.Model) -> Arrays:
        named, order = prunable_variables(model), np.random.default_rng(seed).permutation
        totals = [tf.Variable(tf.zeros(v.shape, tf.float64)) for v in named.values()]
        step = tf.function(_descent(model, loss, learning_rate, list(named.values()), totals))
        before = [np.asarray(v).copy() for v in model.variables]
        try:
            for _ in range(epochs):
                for xs, ys, _ in batches(*picked(x, y, order), batch_size):
                    check_finite("loss", step(xs, ys))
        finally:
            for variable, value in zip(model.variables, before, strict=True):
                variable.assign(value)
        scores = {path: total.numpy() for path, total in zip(named, totals, strict=True)}
        for path, values in scores.items():
            check_finite(f"movement of {path!r}", values)
        return scores

    return score


def _descent(model: keras.Model, loss: Loss, rate: float, scored: list, totals: list) -> Callable:
    """A step (x, y) → loss of gradient descent that adds −η·g·w of the `scored` variables to `totals`."""
    of_batch, moving = mean_loss(model, loss), model.trainable_variables
    variables = scored + [v for v in moving if all(v is not s for s in scored)]

    def step(x: Any, y: Any) -> Any:
        value, gradients = differentiated(of_batch, [v.value for v in variables], x, y)
        moves = [-rate * tf.cast(g, tf.float64) for g in gradients]
        for variable, move, total in zip(scored, moves, totals, strict=False):
            total.assign_add(move * tf.cast(variable.value, tf.float64))
        for variable, move in zip(variables, moves, strict=True):
            if variable.trainable:
                variable.assign_add(tf.cast(move, variable.dtype))
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable))
        return value

    return step


def weights_of(model: keras.Model) -> Arrays:
    """The prunable weights, {path: float64 array}."""
    return {path: np.asarray(v, np.float64) for path, v in prunable_variables(model).items()}


def gradients_of(model: keras.Model, x: Any, y: Any, loss: Loss) -> Arrays:
    """The gradients of the mean loss over all examples, {path: float64 array}."""
    return averaged(model, x, y, loss, differentiated)


def differentiated(mean_loss: Callable, weights: list, x: Any, y: Any) -> tuple:
    """(The mean loss of a batch, its gradient by each weight)."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)  # by hand, so that frozen layers are scored too
        value = mean_loss(x, y)
    gradients = tape.gradient(value, weights, unconnected_gradients="zero")
    return value, [tf.convert_to_tensor(g) for g in gradients]  # an Embedding's are sparse
