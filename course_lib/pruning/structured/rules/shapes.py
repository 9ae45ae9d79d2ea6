"""How names pass through operations that change the shape of a tensor, and through those without a rule."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..labels import Axis, Labels, Tensor


def reshape(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """Reshape and Flatten: merged axes repeat their names; one part of a split axis keeps them."""
    axes = _regrouped(labels, x, labels.shape)
    key = next((key for key in ("target_shape", "newshape") if hasattr(operation, key)), None)
    if key:
        target = getattr(operation, key)
        named = axes[len(axes) - len(target) :]
        sizes = [n if a is None or n in (-1, None) else a for a, n in zip(named, target, strict=True)]
        labels.size(operation, **{key: tuple(sizes)})
    return Tensor(labels.shape, tuple(axes), x.zero)


def _regrouped(labels: Labels, x: Tensor, after: tuple) -> list[Axis]:
    before, axes, tail = list(zip(x.shape, x.axes, strict=True)), [], list(after)
    while before and tail and before[-1][0] == tail[-1] is not None:  # equal from the right: the same axis
        axes, tail = [before.pop()[1], *axes], tail[:-1]
    head = []
    while before and tail and _same([n for n, _ in before[1:]], tail[1:]) and before[0][0] == tail[0]:
        head, before, tail = [*head, before[0][1]], before[1:], tail[1:]
    while before or tail:
        used, made = _block([n for n, _ in before], tail)
        head += _refolded(labels, before[:used], tail[:made])
        before, tail = before[used:], tail[made:]
    return head + axes


def _same(one: list, other: list) -> bool:
    """Have these shapes the same number of positions (as far as one can know)?"""
    known = [prod(n for n in sizes if n is not None) for sizes in (one, other)]
    return known[0] == known[1] and one.count(None) == other.count(None)


def _block(before: list, after: list) -> tuple[int, int]:
    """How many of the first axes before and after hold the same positions."""
    if None not in before + after:
        for made in range(1, len(after)):
            for used in range(1, len(before)):
                if prod(before[:used]) == prod(after[:made]) > 1:
                    return used, made
    return len(before), len(after)


def _refolded(labels: Labels, before: list, after: list) -> list[Axis]:
    """The labels of these new axes, from (size, labels) of the old: at most one of each keeps names."""
    named = [i for i, (_, axis) in enumerate(before) if axis is not None]
    sizes = [n for n, _ in before]
    kept = [] if None in sizes + after or not after else named[-1:]
    for i in named:
        if i not in kept:
            labels.freeze(before[i][1], "its axis is merged with others")
    if not kept:
        return [None] * len(after)
    shape = [n if i in kept else 1 for i, n in enumerate(sizes)]
    full = np.broadcast_to(before[kept[0]][1].reshape(shape), sizes).reshape(after)
    rows = [np.moveaxis(full, i, -1).reshape(-1, n) for i, n in enumerate(after)]
    # The axis that needs the fewest unions, of equals the last.
    best = min(range(len(after)), key=lambda i: (np.count_nonzero(rows[i] != rows[i][0]), -i))
    for row in rows[best][1:]:
        if not np.array_equal(row, rows[best][0]):
            labels.unite(rows[best][0], row)
    return [rows[i][0] if i == best else None for i in range(len(after))]


def transpose(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """Permute, transpose, swapaxes, moveaxis: the axes in another order."""
    order = list(range(len(x.axes)))
    if hasattr(operation, "dims"):
        order = [0, *operation.dims]
    elif hasattr(operation, "source"):
        order = _moved(len(x.axes), operation.source, operation.destination)
    elif hasattr(operation, "axis1"):
        one, other = operation.axis1, operation.axis2
        order[one], order[other] = order[other], order[one]
    else:
        order = list(operation.axes or reversed(order))
    return Tensor(labels.shape, tuple(x.axes[i] for i in order), x.zero)


def _moved(rank: int, source: list, destination: list) -> list[int]:
    moved = {to % rank: start % rank for to, start in zip(destination, source, strict=True)}
    rest = [i for i in range(rank) if i not in moved.values()]
    return [moved[i] if i in moved else rest.pop(0) for i in range(rank)]


def expand_dims(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """New axes of size 1 have no names."""
    rank, axes = len(labels.shape), list(x.axes)
    new = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
    for axis in sorted(a % rank for a in new):
        axes.insert(axis, None)
    return Tensor(labels.shape, tuple(axes), x.zero)


def squeeze(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """Axes of size 1 go."""
    given = operation.axis
    given = [given] if isinstance(given, int) else given
    rank = len(x.axes)
    gone = [i for i, n in enumerate(x.shape) if n == 1] if given is None else [a % rank for a in given]
    for axis in gone:
        labels.freeze(x.axes[axis], "its only channel is squeezed away")
    return Tensor(labels.shape, tuple(a for i, a in enumerate(x.axes) if i not in gone), x.zero)


def repeated(labels: Labels, operation: Any, x: Tensor) -> Tensor:
    """RepeatVector: (batch, channels) → (batch, n, channels)."""
    return Tensor(labels.shape, (x.axes[0], None, x.axes[1]), x.zero)


def unknown(labels: Labels, operation: Any, *args: Any, **kwargs: Any) -> list[Tensor]:
    """An operation without a rule: all that goes in and comes out stays."""
    why = f"no rule for {type(operation).__name__}"
    labels.freeze_all([args, kwargs], why)
    return [_frozen(labels, shape, why) for shape in labels.shapes]


def _frozen(labels: Labels, shape: tuple, why: str) -> Tensor:
    """Named along its last axis, so that whatever is joined with it can say why it stays."""
    axes: list[Axis] = [None] * len(shape)
    if len(shape) > 1 and shape[-1] is not None:
        axes[-1] = labels.fresh(shape[-1])
        labels.freeze(axes[-1], why)
    return Tensor(tuple(shape), tuple(axes))
