"""What each layer of a model costs: weights, multiply-accumulates, and the bytes that go in and out."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import keras
import numpy as np

from ..flow import Run, example_specs, traced
from ..positions import positions
from ..variables import named_variables, skipped


class LayerCost(NamedTuple):
    """The cost of one layer for one example; a layer that is called several times has the sum of its calls.

    `dtype` are the numbers it computes with, "int8" for layers quantized so.
    `shape` is that of its (last) output without the batch axis, None if it never ran or is not known;
    `macs` counts zeros, `nonzero_macs` leaves them out, and both are None where they are not known (see
    `macs`); bytes are those of the weights and of the tensors that the layer reads and writes.
    """

    path: str
    kind: str
    dtype: str
    parameters: int
    nonzero: int
    weight_bytes: int
    macs: int | None
    nonzero_macs: int | None
    shape: tuple[int, ...] | None
    channels: int | None
    input_bytes: int
    output_bytes: int


def layer_costs(model: keras.Model, x: Any = None) -> list[LayerCost]:
    """The costs of all layers that have weights or compute something, in the order in which they run.

    Layers that never run come last. Sizes come from a traced call, on inputs like `x` where the model leaves
    them open. Nested models and wrappers are their inner layers, a recurrent layer stands for its cells; a
    weight that several layers share is the first one's. What runs outside of layers (`keras.ops`) has no row.
    Raises: ValueError as `macs` does.
    """
    layers = list({id(layer): (path, layer) for path, layer in reversed([*_layers(model)])}.values())[::-1]
    specs, batch = example_specs(model, x)
    found, graph = traced(model, [layer for _, layer in layers], specs)
    calls: dict[int, list[Run]] = {}
    for run in found:
        calls.setdefault(id(run[0]), []).append(run)
    when = {key: place for place, key in enumerate(calls)}
    layers.sort(key=lambda pair: when.get(id(pair[1]), len(when)))
    paths, spared, rows = {id(v): p for p, v in named_variables(model).items()}, skipped(model), []
    for path, layer in layers:
        runs = calls.get(id(layer), [])
        mine = [(paths.pop(id(v)), np.asarray(v)) for v in own_weights(layer) if id(v) in paths]
        kernels = [value for name, value in mine if name not in spared or _quantized(layer, value)]
        counts = _weights([value for _, value in mine]), _macs(layer, kernels, runs, graph, batch)
        rows.append(
            LayerCost(
                path, type(layer).__name__, _dtype(layer), *counts[0], *counts[1], *_flow(layer, runs, batch)
            )
        )
    return [row for row in rows if row.parameters or row.output_bytes]


def _weights(values: list[np.ndarray]) -> tuple[int, int, int]:
    return sum(v.size for v in values), sum(map(_nonzero, values)), sum(v.nbytes for v in values)


def _macs(layer: keras.Layer, kernels: list[np.ndarray], runs: list[Run], graph: Any, batch: int) -> tuple:
    """With zeros and without; None twice if it is not known how often the layer applies its kernels."""
    times = [positions(layer, inputs, outputs, graph) for _, inputs, outputs in runs] if kernels else []
    if None in times:
        return None, None
    return sum(k.size for k in kernels) * sum(times) // batch, sum(map(_nonzero, kernels)) * sum(
        times
    ) // batch


def _dtype(layer: keras.Layer) -> str:
    return "int8" if getattr(layer, "quantization_mode", None) == "int8" else layer.compute_dtype


def _quantized(layer: keras.Layer, value: np.ndarray) -> bool:
    # Pruning leaves such kernels alone, but they multiply; those of int4 are packed, two in a number.
    return _dtype(layer) == "int8" and value.dtype == np.int8 and value.ndim > 1


def _nonzero(value: np.ndarray) -> int:
    return int(np.count_nonzero(value))


def _flow(layer: keras.Layer, runs: list[Run], batch: int) -> tuple:
    last = keras.tree.flatten([run[2] for run in runs[-1:]])
    shape = tuple(last[0].shape[1:]) if last and last[0].shape.rank else None
    bytes = [sum(tensor_bytes(t) for t in keras.tree.flatten([r[i] for r in runs])) // batch for i in (1, 2)]
    first = getattr(layer, "data_format", None) == "channels_first"
    return shape, shape[0 if first else -1] if shape else None, *bytes


def tensor_bytes(tensor: Any) -> int:
    """Bytes of a symbolic tensor; 0 where its size is not known or it is no array."""
    shape = getattr(tensor, "shape", None)
    if shape is None or shape.rank is None or None in tuple(shape) or not tensor.dtype.size:
        return 0
    return prod(shape) * tensor.dtype.size


def own_weights(layer: keras.Layer) -> list[keras.Variable]:
    """The weights of a layer that none of its inner layers has; a recurrent layer has those of its cells."""
    inner = [] if isinstance(layer, keras.layers.RNN) else layer._flatten_layers(include_self=False)
    theirs = {id(v) for other in inner for v in other.weights}
    return [v for v in layer.weights if id(v) not in theirs]


def _layers(layer: keras.Layer, prefix: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """(path, layer) of every layer that has no inner layers, or weights of its own."""
    inner = [] if isinstance(layer, keras.layers.RNN) else layer._flatten_layers(False, False)
    for part in inner:
        yield from _layers(part, f"{prefix}{part.name}/")
    alone = prefix and not inner and not isinstance(layer, keras.layers.InputLayer)
    if alone or own_weights(layer):
        yield prefix[:-1] or layer.name, layer
