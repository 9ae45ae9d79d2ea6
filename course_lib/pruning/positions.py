"""At how many positions a layer applies its kernel: one rule for each kind of layer."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import keras

layers = keras.layers
Shape = tuple[int, ...]


def positions(layer: keras.Layer, inputs: Any, outputs: Any, graph: Any) -> int | None:
    """How often a run of a layer applied each entry of its kernel, over the whole batch; None: not known.

    `inputs` and `outputs` are symbolic tensors with known shapes, `graph` the one that was traced.
    """
    rule = next((rule for kinds, rule in _RULES if isinstance(layer, kinds)), None)
    first = [keras.tree.flatten(tensor)[0] for tensor in (inputs, outputs)]
    shapes = [tuple(tensor.shape) for tensor in first]
    # The body of a loop is a graph of its own, traced once however often it runs.
    seen = rule is not None and getattr(first[1], "graph", graph) is graph
    return rule(layer, *shapes) if seen and None not in (*shapes[0], *shapes[1]) else None


def _einsum(layer: keras.Layer, inputs: Shape, outputs: Shape) -> int:
    """Entries of the input along the axes that the kernel does not have: each meets the whole kernel."""
    x, kernel = layer.equation.replace(" ", "").split("->")[0].split(",")
    front, _, back = x.partition("...")
    names = [*front, *["…"] * (len(inputs) - len(front + back)), *back]
    return prod(size for name, size in zip(names, inputs, strict=True) if name not in kernel)


def _steps(layer: keras.Layer, inputs: Shape, outputs: Shape) -> int | None:
    cells = getattr(layer.cell, "cells", [layer.cell])
    known = all(isinstance(cell, layers.LSTMCell | layers.GRUCell | layers.SimpleRNNCell) for cell in cells)
    return inputs[0] * inputs[1] if known else None


def _steps_and_positions(layer: keras.Layer, inputs: Shape, outputs: Shape) -> int:
    return prod(outputs) // layer.filters * (1 if layer.return_sequences else inputs[1])


def _looked_up(layer: keras.Layer, inputs: Shape, outputs: Shape) -> int:
    # A ReversibleEmbedding is a product when it runs backwards; forwards it adds an axis.
    return 0 if len(outputs) > len(inputs) else prod(inputs[:-1])


_CONV = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.SeparableConv1D, layers.SeparableConv2D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_RECURRENT_CONV = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
# Entries of a tensor by its channels are its positions, wherever the channels are. The first that fits holds.
_RULES: list[tuple[Any, Callable[[Any, Shape, Shape], int | None]]] = [
    (_TRANSPOSED, lambda layer, inputs, outputs: prod(inputs) // layer.kernel.shape[-1]),
    (_CONV, lambda layer, inputs, outputs: prod(outputs) // layer.filters),
    (
        (layers.DepthwiseConv1D, layers.DepthwiseConv2D),
        lambda layer, inputs, outputs: prod(outputs) // prod(layer.kernel.shape[-2:]),
    ),
    (layers.Dense, lambda layer, inputs, outputs: prod(outputs) // layer.units),
    (layers.EinsumDense, _einsum),
    (layers.Embedding, _looked_up),
    (_RECURRENT_CONV, _steps_and_positions),
    (layers.RNN, _steps),
]
