"""Convolutions become grouped ones: channels are shuffled so that what is important stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from ..criteria import Criterion, magnitude
from ..masks import Masks
from ..prune import checked_scores
from ..variables import named_variables, prunable_variables
from .blocks import blocks, blocks_of
from .rebuild import Rebuild
from .rules.weights import channel_axis, own
from .trace import graph_of, traced_graph

_CONV = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


def group_masks(
    model: keras.Model,
    groups: Mapping[str, int],
    criterion: Criterion = magnitude(),  # noqa: B008 (a pure function: one for all calls is fine)
) -> Masks:
    """Masks that leave of convolutions what grouped ones have: a group of outputs hears one of inputs.

    `groups` says into how many, {name of a Conv layer: number}; 1 / number of its weights stay. Which
    channels are a group is chosen so that much importance stays, the sum of scores (Zhao & Luk 2019): by
    turns the best inputs for the groups of outputs and the other way round, from the order as it is and from
    groups of alike outputs. `hold` them while you fine-tune, then call `grouped`.
    Raises: ValueError for what is no ungrouped convolution, or a number that does not divide its channels.
    """
    kernels = _kernels(model)
    masks, number_of = Masks(), {}
    for name, number in groups.items():
        paths = [path for path in prunable_variables(model, [name]) if path in kernels]
        if not paths:
            raise ValueError(f"Only Conv layers without groups can be grouped. Received: {name!r}.")
        number_of |= dict.fromkeys(paths, number)
    scores = checked_scores(criterion(model), {path: kernels[path].kernel for path in number_of})
    for path, number in number_of.items():
        into, out = scores[path].shape[-2:]
        if not (isinstance(number, int) and number > 1 and into % number == out % number == 0):
            raise ValueError(
                f"The number of groups of {path!r} must be above 1 and divide its {into} inputs and {out} "
                f"outputs. Received: {number!r}."
            )
        table = scores[path].reshape(-1, into, out).sum(axis=0, dtype=np.float64)
        rows, columns = blocks(table, number)
        masks[path] = np.broadcast_to(rows[:, None] == columns, scores[path].shape).copy()
    return masks


def grouped(model: keras.Model, masks: Mapping[str, np.ndarray]) -> keras.Model:
    """A new model with grouped convolutions where masks leave blocks; it computes what the masked one does.

    Before each of them its inputs are put together by groups, and behind it its outputs in their old order
    (`keras.ops.take`: the channel shuffle). Other masks are applied as they are. A Sequential model becomes a
    Functional one. The given model stays as it is; `shrink` may follow.
    Raises: ValueError if no mask is one of groups, for masks of another model, and as `Channels` does.
    """
    masks = Masks(masks)
    masks.variables(model)
    traced_graph(model)
    kernels = _kernels(model)
    found = {path: blocks_of(mask) for path, mask in masks.items() if path in kernels}
    found = {path: both for path, both in found.items() if both is not None}
    if not found:
        raise ValueError(
            f"No mask makes a convolution a grouped one. Received: {masks!r}. Make them with "
            "group_masks(model, {name of a Conv layer: number of groups})."
        )
    rebuild = Rebuild()
    for path, (rows, columns) in found.items():
        rebuild.labels.size(kernels[path], groups=int(rows.max()) + 1)
        rebuild.calls[id(kernels[path])] = _shuffled(rows, columns)
    new = rebuild(model)
    places = {id(kernels[path]): both for path, both in found.items()}
    path_of = {id(v): path for path, v in named_variables(model).items()}
    for old, twin in rebuild.twins.values():
        if isinstance(old, keras.Layer) and graph_of(old) is None:
            for weight, copied in zip(old.weights, twin.weights, strict=True):
                mask = masks.get(path_of[id(weight)])
                value = np.asarray(weight) if mask is None else np.asarray(weight) * mask
                copied.assign(_packed(value, *places[id(old)]) if id(old) in places else value)
    return new


def _kernels(model: keras.Model) -> dict[str, Any]:
    """{path of a kernel: its Conv layer}, of those without groups."""
    found = (layer for layer in model._flatten_layers() if isinstance(layer, _CONV) and layer.groups == 1)
    layers = {id(own(layer, "kernel")): layer for layer in found}
    return {path: layers[id(v)] for path, v in named_variables(model).items() if id(v) in layers}


def _shuffled(rows: np.ndarray, columns: np.ndarray) -> Callable:
    """How a grouped layer is called on channels in the order that they had before."""
    into, back = np.argsort(rows, kind="stable"), np.argsort(np.argsort(columns, kind="stable"))

    def call(layer: Any, x: Any) -> Any:
        axis = channel_axis(layer, x)
        return _taken(layer(_taken(x, into, axis)), back, axis)

    return call


def _taken(x: Any, order: np.ndarray, axis: int) -> Any:
    if np.array_equal(order, np.arange(len(order))):
        return x
    return keras.ops.take(x, order.tolist(), axis=axis)


def _packed(value: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A kernel (…, in, out) as a grouped one (…, in / groups, out), or a bias, by groups."""
    out = np.argsort(columns, kind="stable")
    if value.ndim == 1:
        return value[out]
    into = np.argsort(rows, kind="stable").reshape(rows.max() + 1, -1)
    parts = np.split(value[..., out], len(into), axis=-1)
    return np.concatenate([p[..., row, :] for p, row in zip(parts, into, strict=True)], axis=-1)
