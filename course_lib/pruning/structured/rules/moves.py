"""How names pass through operations that put tensors together or apart, or work along space."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import Labels, Tensor
from .pointwise import joined_axis
from .weights import channel_axis


def concatenate(labels: Labels, operation: Any, tensors: Any) -> Tensor:
    """Concatenate: names one after the other along its axis; along the others, equal places are united."""
    rank = len(labels.shape)
    along = operation.axis % rank
    parts = [t if isinstance(t, Tensor) else _unnamed(t) for t in tensors]
    axes = [None if i == along else joined_axis(labels, parts, i) for i in range(rank)]
    if any(t.axes[along] is not None for t in parts):
        axes[along] = np.concatenate([_names(labels, t, along) for t in parts])
    return Tensor(labels.shape, tuple(axes), all(t.zero for t in parts))


def _names(labels: Labels, tensor: Tensor, axis: int) -> np.ndarray:
    if tensor.axes[axis] is not None:
        return tensor.axes[axis]
    names = labels.fresh(tensor.shape[axis])
    labels.freeze(names, "concatenated positions that are no channels")
    return names


def _unnamed(array: Any) -> Tensor:
    shape = np.shape(array)
    return Tensor(shape, (None,) * len(shape), not np.any(array))


def stack(labels: Labels, operation: Any, tensors: Any) -> Tensor:
    """Stack: a new axis without names; along the others, equal places are united."""
    parts = [t if isinstance(t, Tensor) else _unnamed(t) for t in tensors]
    axes = [joined_axis(labels, parts, i) for i in range(len(parts[0].axes))]
    axes.insert(operation.axis % len(labels.shape), None)
    return Tensor(labels.shape, tuple(axes), all(t.zero for t in parts))


def split(labels: Labels, operation: Any, x: Tensor) -> list[Tensor]:
    """Split: each part has its share of the names, and one of them must survive."""
    axis, cuts = operation.axis, operation.indices_or_sections
    names = x.axes[axis]
    if names is None:
        return [x] * (cuts if isinstance(cuts, int) else len(cuts) + 1)
    parts = [labels.part(part) for part in np.split(names, cuts if isinstance(cuts, int) else list(cuts))]
    labels.size(
        operation,
        indices_or_sections=lambda alive: tuple(np.cumsum([alive[p].sum() for p in parts])[:-1].tolist()),
    )
    return [x.named(axis, part) for part in parts]


def padded(labels: Labels, operation: Any, x: Tensor, constant_values: Any = None) -> Tensor:
    """pad: axes that get nothing keep their names."""
    pairs = list(operation.pad_width) * (len(x.axes) if len(operation.pad_width) == 1 else 1)
    for names, pair in zip(x.axes, pairs, strict=True):
        if any(pair):
            labels.freeze(names, "channels are added to them")
    axes = tuple(None if any(pair) else names for names, pair in zip(x.axes, pairs, strict=True))
    return Tensor(labels.shape, axes, x.zero and not constant_values)


def spatial(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """Pooling, padding, cropping, resizing: channel by channel, along space."""
    axis = channel_axis(operation, x)
    labels.freeze_all(x, "it works along this axis", but=[0, axis])
    axes = [None] * len(labels.shape)
    # Global pooling leaves (batch, channels), whichever axis they were on.
    axes[0], axes[min(axis, len(axes) - 1)] = x.axes[0], x.axes[axis]
    return Tensor(labels.shape, tuple(axes), x.zero and not getattr(operation, "fill_value", 0))


def reduced(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """Mean, max, and so on: along axes without names. A sum may run over channels that are zero."""
    rank = len(x.axes)
    axis = operation.axis if operation.axis is not None else range(rank)
    gone = [a % rank for a in ([axis] if isinstance(axis, int) else axis)]
    for a in gone:
        if not (x.zero and type(operation).__name__ == "Sum"):
            labels.freeze(x.axes[a], "it counts all channels")
    kept = [None if i in gone else a for i, a in enumerate(x.axes)]
    if not operation.keepdims:
        kept = [a for i, a in enumerate(kept) if i not in gone]
    return Tensor(labels.shape, tuple(kept), x.zero and type(operation).__name__ != "Logsumexp")
