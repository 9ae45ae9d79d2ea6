"""How names pass through products that sum over an axis of two tensors: matmul, Dot, einsum, attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import Axis, Labels, Tensor
from .pointwise import broadcast
from .shapes import unknown


def matmul(labels: Labels, operation: Any, one: Any, other: Any) -> Any:
    """(…, n, k) · (…, k, m): channels along k live or die together."""
    one, other = _tensor(one), _tensor(other)
    if min(len(one.axes), len(other.axes)) < 2:
        return unknown(labels, operation, one, other)
    summed(labels, one, other, -1, -2)
    batch = [Tensor(t.shape[:-2], t.axes[:-2]) for t in (one, other)]
    return Tensor(
        labels.shape, (*broadcast(labels, batch), one.axes[-2], other.axes[-1]), one.zero and other.zero
    )


def dot(labels: Labels, layer: Any, tensors: Any) -> Tensor:
    """Dot: the sum over one axis of each; without names on it, or with zeros where channels are removed."""
    one, other = tensors
    axes = layer.axes if isinstance(layer.axes, list | tuple) else [layer.axes] * 2
    first, second = axes[0] % len(one.axes), axes[1] % len(other.axes)
    summed(labels, one, other, first, second)
    rest = [a for i, a in enumerate(one.axes) if i not in (0, first)]
    rest += [a for i, a in enumerate(other.axes) if i not in (0, second)]
    axes = [None, *rest] if rest else [None, None]  # a lone number is given an axis
    return Tensor(labels.shape, tuple(axes), one.zero and other.zero)


def einsum(labels: Labels, operation: Any, *tensors: Any, **_: Any) -> Any:
    """einsum: a letter is an axis; letters that are not in the result are summed over."""
    equation = operation.subscripts.replace(" ", "")
    if "->" not in equation or "." in equation or len(tensors) > 2:
        return unknown(labels, operation, *tensors)
    left, after = equation.split("->")
    tensors, parts = [_tensor(t) for t in tensors], left.split(",")
    named: dict[str, Axis] = {}
    for letter in dict.fromkeys(left.replace(",", "")):
        found = [(t, t.axes[p.index(letter)]) for t, p in zip(tensors, parts, strict=True) if letter in p]
        named[letter] = found[0][1]
        if len(found) == 2:
            named[letter] = labels.unite(found[0][1], found[1][1])
        if letter not in after and not any(t.zero and axis is not None for t, axis in found):
            labels.freeze(named[letter], "it is summed over, and removed channels are not zero")
    return Tensor(labels.shape, tuple(named[c] for c in after), all(t.zero for t in tensors))


def attention(labels: Labels, layer: Any, tensors: Any, *_: Any, **__: Any) -> Any:
    """Attention of (query, value) or (query, value, key): channels of query and key are summed over."""
    query, value, key = (*tensors, tensors[1])[:3]
    if getattr(layer, "score_mode", "dot") != "dot" or len(labels.shapes) > 1:
        return unknown(labels, layer, tensors)
    summed(labels, query, key, -1, -1)
    labels.freeze_all([query, value, key], "attention runs along this axis", but=[0, -1])
    return Tensor(labels.shape, (None, *query.axes[1:-1], value.axes[-1]), value.zero)


def additive_attention(labels: Labels, layer: Any, tensors: Any, *_: Any, **__: Any) -> Any:
    """AdditiveAttention: Σ scale · tanh(query + key) over channels; a masked scale says nothing."""
    query, value, key = (*tensors, tensors[1])[:3]
    if len(labels.shapes) > 1:
        return unknown(labels, layer, tensors)
    both = labels.unite(query.axes[-1], key.axes[-1])
    labels.weight(layer.scale, [both])
    if layer.scale is None and not (query.zero and key.zero):
        labels.freeze(both, "it is summed over, and removed channels are not zero")
    labels.freeze_all([query, value, key], "attention runs along this axis", but=[0, -1])
    return Tensor(labels.shape, (None, *query.axes[1:-1], value.axes[-1]), value.zero)


def summed(labels: Labels, one: Tensor, other: Tensor, first: int, second: int) -> None:
    """Products of these axes are summed: exact if one side of each product is zero."""
    both = labels.unite(one.axes[first], other.axes[second])
    if not (one.zero or other.zero):
        labels.freeze(both, "it is summed over, and removed channels are not zero")


def _tensor(value: Any) -> Tensor:
    """An array among the arguments is a tensor without names."""
    if isinstance(value, Tensor):
        return value
    return Tensor(np.shape(value), (None,) * np.ndim(value), zero=True)
