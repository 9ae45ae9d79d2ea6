"""How names pass through operations on each channel alone, or on equal places of several tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ..labels import Axis, Labels, Tensor

_PROBE = np.linspace(-1.5, 1.5, 8, dtype="float32")[None]
_OTHER = np.where(np.arange(8) == 7, 3, _PROBE).astype("float32")


def passes(labels: Labels, operation: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """The same channels come out that went in, and 0 stays 0: Dropout, casts, ReLU."""
    return x


def applied(labels: Labels, operation: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """One channel in, the same one out, by any function: sigmoid, exp, clip."""
    if np.ndim(getattr(operation, "scale", 0)) or np.ndim(getattr(operation, "offset", 0)):
        labels.freeze(x.axes[-1], "its scale and offset are constants of each channel")
        return x.dead_as(False)
    return x.dead_as(x.zero and keeps_zero(operation))


def activation(labels: Labels, layer: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Activation(f)."""
    return activated(labels, x, -1, layer.activation)


def activated(labels: Labels, x: Tensor, axis: int, function: Callable | None) -> Tensor:
    """After an activation. One that mixes channels (softmax) freezes them."""
    if isinstance(function, keras.Layer) and (function.weights or not function.built):
        labels.freeze(x.axes[axis], "its activation has weights")
        return x.dead_as(False)
    if not pointwise(function):
        labels.freeze(x.axes[axis], f"{getattr(function, '__name__', 'its activation')} mixes channels")
        return x.dead_as(False)
    return x.dead_as(x.zero and keeps_zero(function))


def pointwise(function: Callable | None) -> bool:
    """Does each output of an activation depend on its own input only? Tried with numbers."""
    if function is None:
        return True
    try:
        before, after = np.asarray(function(_PROBE)), np.asarray(function(_OTHER))
    except Exception:  # a function we cannot even call is one we know nothing of
        return False
    return before.shape == _PROBE.shape and np.array_equal(before[:, :7], after[:, :7])


def keeps_zero(function: Callable | None) -> bool:
    """Is f(0) = 0? True of ReLU, GELU, tanh; not of sigmoid and softplus."""
    return function is None or not np.any(np.asarray(function(np.zeros((1, 1), "float32"))))


def softmax(labels: Labels, operation: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Softmax: a removed channel would still count in the sum."""
    axes = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
    for axis in axes:
        labels.freeze(x.axes[axis], "the softmax over the channels counts all of them")
    return x.dead_as(False)


def unit_norm(labels: Labels, operation: Any, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Scaling by a norm over channels: exact if removed channels are zero."""
    for axis in operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]:
        if not x.zero:
            labels.freeze(x.axes[axis], "the norm counts channels that are not zero")
    return x


def joined(labels: Labels, operation: Any, *tensors: Any, **_: Any) -> Tensor:
    """Add, Subtract, Average, Maximum, Minimum: channels at equal places are one channel from here on."""
    return _joined(labels, tensors, all)


def scaled(labels: Labels, operation: Any, *tensors: Any, **_: Any) -> Tensor:
    """Multiply (squeeze-and-excite), and division: zero times anything is zero."""
    return _joined(labels, tensors, any)


def divided(labels: Labels, operation: Any, one: Any, other: Any) -> Tensor:
    """Division: only a zero above the line stays zero."""
    y = _joined(labels, (one, other), any)
    return y.dead_as(getattr(one, "zero", False) and _constant(other))


def chosen(labels: Labels, operation: Any, *tensors: Any, **_: Any) -> Tensor:
    """Where, power, comparisons: joined places, and nothing is known of zeros."""
    return _joined(labels, tensors, all).dead_as(False)


def _joined(labels: Labels, tensors: tuple, zero: Callable) -> Tensor:
    named = [t for t in keras.tree.flatten(list(tensors)) if isinstance(t, Tensor)]
    others = [np.asarray(t) for t in keras.tree.flatten(list(tensors)) if not isinstance(t, Tensor)]
    named += [Tensor(o.shape, (None,) * o.ndim, not o.any()) for o in others if o.dtype != object]
    return Tensor(labels.shape, broadcast(labels, named), zero(t.zero for t in named))


def broadcast(labels: Labels, tensors: list[Tensor]) -> tuple[Axis, ...]:
    """The labels of what several tensors are joined to, their last axes aligned."""
    rank = max(len(t.axes) for t in tensors)
    long_enough = {back: [t for t in tensors if len(t.axes) >= back] for back in range(rank, 0, -1)}
    return tuple(joined_axis(labels, some, -back) for back, some in long_enough.items())


def joined_axis(labels: Labels, tensors: list[Tensor], axis: int) -> Axis:
    """The labels of one axis of a sum; tensors of size 1 there are spread over it."""
    long = [t for t in tensors if t.shape[axis] != 1] or tensors
    found = long[0].axes[axis]
    for tensor in long[1:]:
        found = labels.unite(found, tensor.axes[axis])
    return found


def _constant(x: Any) -> bool:
    return not isinstance(x, Tensor)
