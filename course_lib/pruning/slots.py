"""What an optimizer remembers of single weights: momentum, squared gradients, averages."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

# Lists of an optimizer that are no memory of single weights: its variables all together.
_LISTS = ("_variables", "_trainable_variables")


def forget(optimizer: keras.Optimizer, variable: keras.Variable, where: np.ndarray) -> None:
    """Reset what an optimizer remembers of the weights of a variable that are true in the bool array `where`.

    To what an optimizer starts with: 0, and for Adagrad and Ftrl their initial accumulator. Covers every
    memory that has one entry a weight, of any Keras optimizer, also inside LossScaleOptimizer and
    MultiOptimizer. Adafactor remembers rows and columns, not weights: those stay.
    """
    for slot, start in _slots(optimizer, variable):
        slot.assign(keras.ops.where(where, keras.ops.cast(start, slot.dtype), slot))


def _slots(optimizer: keras.Optimizer, variable: keras.Variable) -> Iterator[tuple[keras.Variable, float]]:
    """The variables of an optimizer shaped as this one and kept for it, with the value they start with."""
    for inner in [getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", ())]:
        if inner is not None:
            yield from _slots(inner, variable)
    # Every Keras optimizer keeps its memory in lists that run parallel to its trainable variables.
    indices = optimizer._trainable_variables_indices if optimizer.built else {}
    index = indices.get(optimizer._var_key(variable))
    for name, values in vars(optimizer).items() if index is not None else ():
        if isinstance(values, list) and name not in _LISTS and index < len(values):
            slot = values[index]
            if isinstance(slot, keras.Variable) and tuple(slot.shape) == tuple(variable.shape):
                yield slot, getattr(optimizer, "initial_accumulator_value", 0) * (name == "_accumulators")
