"""A model's call, compiled for a batch of one size, as it is timed and as it is handed to another process."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..timing import Timings, interleaved


def batch_of(x: Any, size: int) -> Any:
    """Examples cut, or repeated in their order, to a batch of `size`; doubles become floats, as in `fit`."""
    if size < 1:
        raise ValueError(f"A batch has at least one example. Received: size={size}.")

    def sized(array: Any) -> np.ndarray:
        array = np.asarray(array)
        if not array.ndim or not len(array):
            raise ValueError(f"x must have at least one example. Received: shape {array.shape}.")
        rows = np.resize(np.arange(len(array)), size)
        return array[rows].astype(keras.config.floatx() if array.dtype == np.float64 else array.dtype)

    whole = isinstance(x, list) and not hasattr(next(iter(x), None), "shape")  # rows, not several inputs
    return sized(x) if whole else keras.tree.map_structure(sized, x)


def flat_call(model: keras.Model, batch: Any) -> tuple[Callable, list[tf.Tensor]]:
    """The model's call as a function of its inputs one by one, to be compiled, and these inputs."""

    def call(*inputs: tf.Tensor) -> Any:
        return model(keras.tree.pack_sequence_as(batch, inputs), training=False)

    return call, [tf.convert_to_tensor(part) for part in keras.tree.flatten(batch)]


def compiled(model: keras.Model, batch: Any) -> Callable[[], list]:
    """A function without arguments that answers this batch, compiled for its shape, and waits for the answer.

    Raises: ValueError for inputs that the model refuses.
    """
    call, inputs = flat_call(model, batch)
    specs = [tf.TensorSpec(t.shape, t.dtype) for t in inputs]
    try:
        graph = tf.function(call, autograph=False).get_concrete_function(*specs)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        shapes = ", ".join(str(tuple(t.shape)) for t in inputs)
        raise ValueError(
            f"Model {model.name!r} does not take such a batch. Received: {shapes}. Keras says: {said(error)}"
        ) from error
    return lambda: [t.numpy() for t in tf.nest.flatten(graph(*inputs))]


def said(error: Exception) -> str:
    """What an exception says, in one line and without the colours that Keras puts in."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", str(error)).split())


def timed(sides: dict[str, Callable], rounds: int) -> Timings:
    """The sides in turns; where a call is shorter than two milliseconds, several are timed together."""
    fastest = min(_seconds(side) for side in sides.values())
    return interleaved(sides, rounds, warm_up=3, calls=min(50, ceil(2e-3 / fastest)))


def _seconds(side: Callable) -> float:
    side()
    start = perf_counter()
    side()
    return max(perf_counter() - start, 1e-6)
