"""The examples that a criterion looks at: checked, and in batches, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .select import Arrays
from .variables import prunable_variables

Loss = Callable[[Any, Any], Any] | str | None


def batches(x: Any, y: Any = None, size: int = 256) -> Iterator[tuple[Any, Any, float]]:
    """Batches (x, y, share), where the shares of all n examples sum to 1: weights for a mean of batch means.

    `x` and `y`: arrays with n rows, or dicts, lists or tuples of such for models with several inputs.
    Raises: ValueError for no examples and for lengths that differ.
    """
    data = (_arrays(x), None if y is None else _arrays(y))
    count = _count(data)
    for start in range(0, count, size):
        part = keras.tree.map_structure(lambda a, s=start: None if a is None else a[s : s + size], data)
        yield *part, (min(start + size, count) - start) / count


def picked(x: Any, y: Any, pick: Callable[[int], np.ndarray]) -> tuple[Any, Any]:
    """The rows of x and y that `pick(n)` names by number, for n examples. Raises: as `batches` does."""
    data = (_arrays(x), _arrays(y))
    rows = pick(_count(data))
    return keras.tree.map_structure(lambda a: a[rows], data)


def averaged(model: keras.Model, x: Any, y: Any, loss: Loss, step: Callable) -> Arrays:
    """The means over all examples of what a step computes from each batch of them, {path: float64 array}.

    `step(loss, weights, x, y)` → (value, one array a weight), where `loss(x, y)` is the mean loss of a batch.
    Raises: ValueError as `batches` and `mean_loss` do, and if a value or an array is not finite.
    """
    named = prunable_variables(model)
    weights = [v.value for v in named.values()]
    compiled = tf.function(partial(step, mean_loss(model, loss), weights))
    totals = {path: np.zeros(w.shape) for path, w in zip(named, weights, strict=True)}
    for xs, ys, share in batches(x, y):
        value, parts = compiled(xs, ys)
        check_finite("loss", value)
        for path, part in zip(named, parts, strict=True):
            check_finite(f"gradients of {path!r}", part)
            totals[path] += share * np.asarray(part, np.float64)
    return totals


def mean_loss(model: keras.Model, loss: Loss) -> Callable:
    """A function (x, y) → the loss of a model, a mean over examples also if it is compiled with a sum.

    Raises: ValueError if `loss` is None and the model is not compiled, or with several losses.
    """
    if loss is None:
        loss = getattr(model, "loss", None)
        outputs = getattr(model, "outputs", None) or ()  # a subclassed model has none to tell
        if loss is None or isinstance(loss, dict | list | tuple) or len(outputs) > 1:
            raise ValueError(
                f"Model {model.name!r} is not compiled with one loss to differentiate: compile it so, or "
                f"give the criterion `loss=`, a function (y, prediction) → loss. Received: {loss!r}."
            )
    loss = keras.losses.get(loss)
    each = loss.call if isinstance(loss, keras.losses.Loss) else _of_one_rank(loss)
    return lambda x, y: tf.reduce_mean(each(y, model(x, training=False)))


def _of_one_rank(loss: Callable) -> Callable:
    """A loss that is a function, as `compile` takes it: labels (n,) and predictions (n, 1) are one rank."""

    def each(y: Any, prediction: Any) -> Any:
        if keras.tree.is_nested(y) or keras.tree.is_nested(prediction):
            return loss(y, prediction)  # several outputs: the user's own function knows what to do
        ranks = len(y.shape), len(prediction.shape)
        if ranks[0] + 1 == ranks[1] and prediction.shape[-1] == 1:
            y = tf.expand_dims(y, -1)
        elif ranks[1] + 1 == ranks[0] and y.shape[-1] == 1:
            prediction = tf.expand_dims(prediction, -1)
        return loss(y, prediction)

    return each


def check_finite(what: str, value: Any) -> None:
    """Pass arrays without NaN and infinity; otherwise say which are not, and why that may be."""
    value = np.asarray(value, np.float64)
    if bad := np.count_nonzero(~np.isfinite(value)):
        raise ValueError(
            f"The {what} must be finite. Received: {bad} of {value.size} NaN or infinite. "
            "Is there NaN in x or y, or did training diverge?"
        )


def _arrays(data: Any) -> Any:
    # A list of rows is one array; a list of arrays, which have a shape, is several inputs.
    if isinstance(data, dict) or isinstance(data, list | tuple) and hasattr(next(iter(data), None), "shape"):
        return keras.tree.map_structure(np.asarray, data)
    return np.asarray(data)


def _count(data: Any) -> int:
    lengths = [len(a) if a.ndim else 0 for a in keras.tree.flatten(data) if a is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"x and y must have the same number of examples. Received: {lengths}.")
    if not lengths[0]:
        raise ValueError("x must have at least one example. Received: none.")
    return lengths[0]
