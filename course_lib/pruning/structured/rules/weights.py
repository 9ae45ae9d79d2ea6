"""How names pass through layers with kernels: these make channels (and use others)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import Axis, Labels, Tensor
from .pointwise import activated


def channel_axis(layer: Any, x: Tensor) -> int:
    """The axis of the channels: 1 for channels_first, else the last."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else len(x.shape) - 1


def own(layer: Any, name: str) -> Any:
    """The weight of a layer that is called so, or None. (`layer.kernel` may be computed, as with LoRA.)"""
    return next((v for v in layer.weights if v.name == name), None)


def dense(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Dense: kernel (in, out), bias (out). Other named axes pass through."""
    out = labels.fresh(layer.units)
    labels.weight(own(layer, "kernel"), [x.axes[-1], out], makes=1)
    labels.weight(layer.bias, [out])
    labels.repeat(own(layer, "kernel"), x.axes[:-1], x.shape[:-1])
    labels.size(layer, units=out)
    y = x.named(-1, out, zero=_stays_zero(x, x.axes[:-1], layer.bias))
    return activated(labels, y, -1, layer.activation)


def _stays_zero(x: Tensor, others: Any, bias: Any) -> bool:
    # Along the other axes a channel that was zero is the bias from here on.
    return all(axis is None for axis in others) or (x.zero and bias is None)


def einsum_dense(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """EinsumDense: a letter is an axis. Of the axes made here only the last has names."""
    of_x, of_kernel, of_y = _letters(layer.equation, len(x.axes))
    named = dict(zip(of_x, x.axes, strict=True))
    made = [letter for letter in of_kernel if letter not in named][-1:]
    for letter in made:
        named[letter] = labels.fresh(own(layer, "kernel").shape[of_kernel.index(letter)])
    axes, after = ([named.get(letter) for letter in part] for part in (of_kernel, of_y))
    labels.weight(own(layer, "kernel"), axes, makes=of_kernel.index(made[0]) if made else None)
    rest = [i for i, letter in enumerate(of_x) if letter not in of_kernel]
    labels.repeat(own(layer, "kernel"), [x.axes[i] for i in rest], [x.shape[i] for i in rest])
    if layer.bias is not None:
        labels.weight(layer.bias, _broadcast(after, layer.bias.shape))
    sizes = zip(layer.partial_output_shape[::-1], after[::-1], strict=False)
    labels.size(layer, output_shape=tuple(n if a is None or n is None else a for n, a in sizes)[::-1])
    zero = _stays_zero(x, [named.get(c) for c in of_y if c not in made], layer.bias)
    return activated(labels, Tensor(labels.shape, tuple(after), zero), -1, layer.activation)


def _letters(equation: str, rank: int) -> tuple[str, str, str]:
    left, after = equation.replace(" ", "").split("->")
    of_x, of_kernel = left.split(",")
    # Letters that no equation has stand for the axes that "..." leaves unnamed.
    rest = "".join(chr(0x3B1 + i) for i in range(rank - len(of_x.replace("...", ""))))
    return of_x.replace("...", rest), of_kernel, after.replace("...", rest)


def _broadcast(axes: list[Axis], shape: tuple) -> list[Axis]:
    """The labels of a weight that is broadcast against the last of these axes."""
    last = axes[len(axes) - len(shape) :]
    return [a if a is None or len(a) == n else None for a, n in zip(last, shape, strict=True)]


def embedding(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Embedding: table (words, out)."""
    labels.freeze_all(x, "these are indices")
    before = labels.weights.get(id(own(layer, "embeddings")))
    out = before.axes[1] if before else labels.fresh(layer.output_dim)
    labels.weight(own(layer, "embeddings"), [None, out], makes=1)
    labels.size(layer, output_dim=out)
    return Tensor(labels.shape, (*[None] * (len(labels.shape) - 1), out), zero=True)


def reversible(labels: Labels, layer: Any, x: Tensor, reverse: bool = False) -> Tensor:
    """ReversibleEmbedding: words in; in reverse, scores of all words out, by the same table or another."""
    if not reverse:
        return embedding(labels, layer, x)
    before = labels.weights.get(id(own(layer, "embeddings")))
    out = before.axes[1] if before else labels.fresh(layer.output_dim)
    labels.weight(own(layer, "embeddings"), [None, out], makes=1)
    labels.weight(own(layer, "reverse_embeddings"), [out, None])
    labels.unite(out, x.axes[-1])
    labels.size(layer, output_dim=out)
    return Tensor(labels.shape, (*x.axes[:-1], None), x.zero)


def conv(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Conv1D, 2D, 3D: kernel (…, in / groups, out). Every group loses the same places."""
    into, out = _convolved(labels, layer, x), labels.fresh(layer.filters)
    if layer.groups > 1 and into is not None:
        into = _grouped(labels, layer, into, out)
    labels.weight(own(layer, "kernel"), [*[None] * layer.rank, into, out], makes=layer.rank + 1)
    return _filtered(labels, layer, x, out)


def conv_transpose(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Conv1DTranspose, 2D, 3D: kernel (…, out, in)."""
    into, out = _convolved(labels, layer, x), labels.fresh(layer.filters)
    labels.weight(own(layer, "kernel"), [*[None] * layer.rank, out, into], makes=layer.rank)
    return _filtered(labels, layer, x, out)


def separable(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """SeparableConv1D, 2D: a depthwise convolution, then one of 1 × 1."""
    into, out = _convolved(labels, layer, x), labels.fresh(layer.filters)
    labels.weight(own(layer, "depthwise_kernel"), [*[None] * layer.rank, into, None], makes=layer.rank)
    between = None if into is None else into.repeat(layer.depth_multiplier)
    labels.weight(own(layer, "pointwise_kernel"), [*[None] * layer.rank, between, out], makes=layer.rank + 1)
    return _filtered(labels, layer, x, out)


def depthwise(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """DepthwiseConv1D, 2D: kernel (…, channels, multiplier): a channel makes `multiplier` ones."""
    into = _convolved(labels, layer, x)
    labels.weight(own(layer, "kernel"), [*[None] * layer.rank, into, None], makes=layer.rank)
    return _filtered(labels, layer, x, None if into is None else into.repeat(layer.depth_multiplier))


def _convolved(labels: Labels, layer: Any, x: Tensor) -> Axis:
    axis = channel_axis(layer, x)
    labels.freeze_all(x, "a convolution runs along this axis", but=[0, axis])
    return x.axes[axis]


def _filtered(labels: Labels, layer: Any, x: Tensor, out: Axis) -> Tensor:
    labels.weight(layer.bias, [out])
    if hasattr(layer, "filters"):  # a depthwise convolution has as many as it is given
        labels.size(layer, filters=out)
    axes, axis = [None] * len(labels.shape), channel_axis(layer, x)
    axes[0], axes[axis] = x.axes[0], out
    return activated(labels, Tensor(labels.shape, tuple(axes), zero=True), axis, layer.activation)


def _grouped(labels: Labels, layer: Any, into: np.ndarray, out: np.ndarray) -> Axis:
    ins, outs = into.reshape(layer.groups, -1), out.reshape(layer.groups, -1)
    if ins.shape[1] == 1:  # one channel a group, as in a depthwise convolution: whole groups go
        for place in outs.T:
            labels.unite(ins[:, 0], place)
        labels.size(layer, groups=into)
        return None
    labels.alike(ins)
    labels.alike(outs)
    labels.grouped[id(own(layer, "kernel"))] = ins
    return ins[0]
