"""How names pass through operations that pick positions, turn them round, or mix them along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import Labels, Tensor
from .shapes import unknown


def sliced(labels: Labels, operation: Any, x: Tensor, key: Any) -> Any:
    """x[key]: a run of channels keeps its names; channels that are picked otherwise are frozen."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(not isinstance(k, slice | int | type(None) | type(...)) for k in keys):
        return unknown(labels, operation, x)
    missing = len(x.axes) - sum(k is not None and k is not ... for k in keys)
    place = keys.index(...) if ... in keys else len(keys)
    keys[place : place + 1] = [slice(None)] * missing
    old, axes, runs = iter(x.axes), [], []
    for k in keys:
        names = None if k is None else next(old)
        run = names is not None and isinstance(k, slice) and k.step in (None, 1)
        if not run:
            labels.freeze(names, "channels are picked by their number")
        part = names if k == slice(None) else labels.part(names[k]) if run else None
        axes += [] if isinstance(k, int) else [part]
        runs.append((names, k) if run and part is not names else (None, k))
    if any(names is not None for names, _ in runs):
        labels.keys[id(operation)] = lambda alive: tuple(_moved(names, k, alive) for names, k in runs)
    return Tensor(labels.shape, tuple(axes), x.zero)


def _moved(names: np.ndarray | None, key: Any, alive: np.ndarray) -> Any:
    """Where a run of channels begins and ends when only the living are left."""
    if names is None:
        return key
    start, stop, _ = key.indices(len(names))
    return slice(*(int(np.count_nonzero(alive[names[:end]])) for end in (start, stop)))


def taken(labels: Labels, operation: Any, x: Tensor, indices: Any) -> Any:
    """take(x, indices): channels in another order, as a shuffle, or some of them."""
    if isinstance(indices, Tensor) or np.ndim(indices) != 1 or operation.axis is None:
        return unknown(labels, operation, x, indices)
    axis, picked = operation.axis % len(x.axes), np.asarray(indices, int)
    names = x.axes[axis]
    if names is None:
        return Tensor(labels.shape, x.axes, x.zero)
    whole = np.array_equal(np.unique(picked % len(names)), np.arange(len(names)))
    part = names[picked] if whole else labels.part(names[picked])

    def key(alive: np.ndarray) -> list[int]:
        place = np.cumsum(alive[names]) - 1
        return place[picked][alive[part]].tolist()

    labels.keys[id(operation)] = key
    return x.named(axis, part)


def flipped(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """flip: names are turned round with their channels."""
    axis = range(len(x.axes)) if operation.axis is None else operation.axis
    for a in [axis] if isinstance(axis, int) else axis:
        x = x if x.axes[a] is None else x.named(a, x.axes[a][::-1])
    return x


def along(labels: Labels, operation: Any, x: Tensor) -> Any:
    """cumsum, sort, roll: every position of an axis has to do with all of it, so it stays."""
    if operation.axis is None or len(labels.shape) != len(x.axes):
        return unknown(labels, operation, x)
    for axis in [operation.axis] if isinstance(operation.axis, int) else operation.axis:
        labels.freeze(x.axes[axis], "positions along this axis are put together")
    return x


def hidden(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Masking: a step is left out if all its channels say a number, here 0 as removed ones do."""
    if layer.mask_value != 0 or not x.zero:
        labels.freeze(x.axes[-1], "a step is left out by what all channels say")
    return x
