"""Accuracy as a function of the model, fast enough for a search."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..examples import batches, check_finite
from .trials import Evaluate


def accuracy_on(x: Any, y: Any, size: int = 1024) -> Evaluate:
    """A function model → share of the examples `x` put into their class `y`, fast to call again and again.

    `y`: whole numbers (n, ...) or one-hot rows shaped as the outputs (n, ..., classes). The model's call is
    compiled once, for batches of `size`; new weights need no second compilation.
    Raises, when called: ValueError for no examples, lengths that differ, NaN, and outputs of another shape.
    """
    compiled: dict[weakref.ref, Callable] = {}

    def evaluate(model: keras.Model) -> float:
        ref = weakref.ref(model)
        if ref not in compiled:
            for part in keras.tree.flatten([xs for xs, _, _ in batches(x, y, size)]):
                if np.asarray(part).dtype.kind == "f":  # some layers make a number of NaN: see it before
                    check_finite("examples", part)
            compiled.clear()  # one model at a time, and none kept alive
            compiled[ref] = tf.function(lambda xs: ref()(xs, training=False), autograph=False)
        return sum(share * _right(compiled[ref](xs), ys) for xs, ys, share in batches(x, y, size))

    return evaluate


def _right(outputs: Any, y: Any) -> float:
    """The share of outputs (n, ..., classes) whose largest entry is that of `y`."""
    if (
        y is None
        or len(keras.tree.flatten([outputs, y])) != 2
        or len(outputs.shape) < 2
        or outputs.shape[-1] < 2
    ):
        raise ValueError(
            "accuracy_on needs labels and a model with one output of two or more classes; for others write a "
            f"function of your own, evaluate(model). Received: {keras.tree.map_structure(np.shape, outputs)}."
        )
    check_finite("outputs of the model", outputs)
    guess, y = np.asarray(outputs).argmax(axis=-1), np.asarray(y)
    y = y.argmax(axis=-1) if y.shape == outputs.shape else y
    if y.size != guess.size:
        raise ValueError(
            f"The labels must be of shape {guess.shape}, or one-hot of shape {tuple(outputs.shape)}. "
            f"Received: {y.shape}."
        )
    return float(np.mean(guess == y.reshape(guess.shape)))
