"""Which class a model says, and how sure an accuracy is."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..examples import batches, check_finite
from ..variables import check_model

Classifier = Callable[[Any], np.ndarray]


def predicted(model: keras.Model, x: Any, threshold: float | None = None, size: int = 256) -> np.ndarray:
    """The class (n, ...) that a model gives each example: the largest of its outputs (n, ..., classes).

    Logits and probabilities alike. A model with one output (n, 1) says 1 above `threshold`, else 0; None is
    0 where its loss says `from_logits=True` or any output is outside [0, 1], else 0.5.
    Raises: ValueError for several outputs, and for outputs that are not finite.
    """
    return classifier(model, threshold, size)(x)


def classifier(model: keras.Model, threshold: float | None = None, size: int = 256) -> Classifier:
    """The function x → classes behind `predicted`, compiled once, for many calls."""
    check_model(model)
    call = tf.function(lambda xs: model(xs, training=False), autograph=False, reduce_retracing=True)

    def classes(x: Any) -> np.ndarray:
        outputs = _outputs(model.name, [call(xs) for xs, _, _ in batches(x, None, size)])
        if outputs.shape[-1] > 1:
            return outputs.argmax(axis=-1)
        logits = getattr(getattr(model, "loss", None), "from_logits", False)
        zero = 0.0 if logits or outputs.min() < 0 or outputs.max() > 1 else 0.5
        return (outputs[..., 0] > (zero if threshold is None else threshold)).astype(int)

    return classes


def _outputs(name: str, parts: list) -> np.ndarray:
    if any(keras.tree.is_nested(part) or len(part.shape) < 2 for part in parts):
        raise ValueError(
            "To judge classes, a model must have one output of shape (n, ..., classes). "
            f"Received: {keras.tree.map_structure(np.shape, parts[0])} from {name!r}."
        )
    outputs = np.concatenate([np.asarray(part, np.float32) for part in parts])
    check_finite(f"outputs of {name!r}", outputs)
    return outputs


def labels(y: Any, like: np.ndarray) -> np.ndarray:
    """Labels as classes of the shape of predictions: whole numbers (n, ...) or (n, ..., 1), or one-hot.

    Raises: ValueError for other shapes and for labels that are no whole numbers.
    """
    y = np.asarray(y)
    if y.ndim == like.ndim + 1 and y.shape[:-1] == like.shape:
        y = y.argmax(axis=-1) if y.shape[-1] > 1 else y[..., 0]
    if y.shape != like.shape or y.dtype.kind not in "iubf" or (y != np.round(y)).any():
        raise ValueError(
            f"The labels must be whole numbers of shape {like.shape}, or one-hot with one axis more. "
            f"Received: {y.dtype} of shape {y.shape}."
        )
    return y.astype(int)


def standard_error(right: int, count: int) -> float:
    """Of an accuracy right / count: √(p (1 − p) / count), p = (right + 1) / (count + 2), which is never 0.

    The plain share would claim certainty whenever all, or none, of a few examples are right (Laplace's rule).
    """
    p = (right + 1) / (count + 2)
    return sqrt(p * (1 - p) / count)


def paired_error(before: np.ndarray, after: np.ndarray) -> float:
    """The standard error of the change in accuracy on the same examples; `before` and `after` are bool (n,).

    Only examples on which the models differ count, so it is smaller than that of two separate accuracies.
    """
    change = after.astype(float) - before
    lost, gained, count = (change < 0).sum() + 0.5, (change > 0).sum() + 0.5, len(change) + 1
    return sqrt(lost + gained - (gained - lost) ** 2 / count) / count
