"""Multiply-accumulates of a model, by weight: how often a weight is used times how many are kept."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import keras
import numpy as np

from .flow import example_specs, traced
from .masks import Masks
from .positions import positions
from .variables import prunable_variables


class Macs(dict[str, int]):
    """{path of a weight: multiply-accumulates of one example}; `total` is their sum.

    `unknown` lists the paths that could not be counted and are missing here: then `total` is too small.
    """

    def __init__(self, counts: Mapping[str, int], unknown: tuple[str, ...] = ()) -> None:
        super().__init__(counts)
        self.unknown = unknown

    @property
    def total(self) -> int:
        """The sum over all weights."""
        return sum(self.values())


def macs(model: keras.Model, masks: Mapping[str, np.ndarray] | None = None, x: Any = None) -> Macs:
    """The multiply-accumulates of one example, (kept entries) × (uses per example) for every kernel.

    An entry is used once at each position its layer is applied to: output positions of a convolution (those
    over padding too), input positions of a transposed one, time steps of an LSTM, GRU or SimpleRNN; the calls
    of a shared layer add up. Embeddings are looked up, 0. `masks` may cover some paths, the others count
    whole; None counts zeros too (`Masks.from_zeros(model)` leaves them out). Sizes come from a traced call,
    on inputs like `x` (an example or more) where the model declares none.

    Not counted: biases, normalisation, activations, pooling, and products without weights (attention's QKᵀ
    and AV). Layers without a rule and layers inside a compiled loop are listed in `unknown`. A paper's
    "FLOPs" may be these, or twice as many.
    Raises: ValueError for sizes that are unknown without `x`, and for the masks of another model.
    """
    kept = {path: prod(v.shape) for path, v in prunable_variables(model).items()}
    if masks is not None:
        Masks(masks).variables(model)
        kept |= {path: int(np.count_nonzero(masks[path])) for path in kept if path in masks}
    used = uses(model, x)
    return Macs({p: kept[p] * used[p] for p in kept if p in used}, tuple(p for p in kept if p not in used))


def uses(model: keras.Model, x: Any = None) -> dict[str, int]:
    """How often one example uses each entry of a kernel, {path: int}, without paths where that is unknown.

    `macs` is this times the kept entries. Raises: ValueError as `macs` does.
    """
    paths, owners = _owned(model)
    example, batch = example_specs(model, x)
    runs, graph = traced(model, owners, example)
    counts: dict[str, int | None] = {}
    for layer, inputs, outputs in runs:
        number = positions(layer, inputs, outputs, graph)
        for path in paths[id(layer)]:
            before = counts.get(path, 0)
            counts[path] = None if None in (number, before) else before + number
    return {path: number // batch for path, number in counts.items() if number is not None}


def _owned(model: keras.Model) -> tuple[dict[int, list[str]], list[keras.Layer]]:
    """{id of a layer: paths of the kernels it multiplies by}, and these layers: the innermost that have one.

    A recurrent layer answers for its cells, which run in a loop.
    """
    names = {id(v): path for path, v in prunable_variables(model).items()}
    claims: dict[int, keras.Layer] = {}
    for layer in sorted(model._flatten_layers(), key=lambda layer: isinstance(layer, keras.layers.RNN)):
        inner = layer._flatten_layers(include_self=False) if not isinstance(layer, keras.layers.RNN) else ()
        theirs = {id(v) for other in inner for v in other.weights}
        claims |= {id(v): layer for v in layer.weights if id(v) in names and id(v) not in theirs}
    paths: dict[int, list[str]] = {}
    for weight, layer in claims.items():
        paths.setdefault(id(layer), []).append(names[weight])
    return paths, list({id(layer): layer for layer in claims.values()}.values())
