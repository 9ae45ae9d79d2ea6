"""How names pass through attention with heads, and through layers that wrap another."""

from __future__ import annotations

from typing import Any

from ..labels import Labels, Tensor
from .shapes import unknown
from .weights import own


def multi_head(
    labels: Labels, layer: Any, query: Tensor, value: Tensor, key: Any = None, **kwargs: Any
) -> Any:
    """MultiHeadAttention: whole heads and the width; kernels (in, heads, size) and (heads, size, out)."""
    key = value if key is None else key
    ranks = [len(t.axes) for t in (query, value, key)]
    if (
        layer._attention_axes != (1,)
        or ranks != [3] * 3
        or (layer._output_shape and len(layer._output_shape) > 1)
    ):
        return unknown(labels, layer, query, value, key, **kwargs)
    labels.freeze_all([kwargs], "a mask of attention")
    labels.freeze_all([query, value, key], "attention runs along this axis", but=[0, -1])
    heads, out = labels.fresh(layer.num_heads), labels.fresh(labels.shape[-1])
    inner = [(layer.query_dense, query), (layer.key_dense, key), (layer.value_dense, value)]
    if getattr(layer, "_use_gate", False):
        inner.append((layer._gate_dense, query))
    for projection, x in inner:
        labels.weight(own(projection, "kernel"), [x.axes[-1], heads, None], makes=1)
        labels.weight(own(projection, "bias"), [heads, None])
    labels.weight(own(layer.output_dense, "kernel"), [heads, None, out], makes=2)
    labels.weight(own(layer.output_dense, "bias"), [out])
    labels.size(layer, num_heads=heads, output_shape=(out,))
    found = [Tensor(labels.shape, (None, None, out), zero=True)]
    return found + [Tensor(tuple(s), (None, heads, None, None)) for s in labels.shapes[1:]]


def grouped_query(
    labels: Labels, layer: Any, query: Tensor, value: Tensor, key: Any = None, **kwargs: Any
) -> Any:
    """GroupQueryAttention: a head of key and value goes with all heads of the query that share it.

    What comes out is as wide as the query, and Keras wants the value as wide too: they have the same names.
    """
    key = value if key is None else key
    labels.freeze_all([kwargs], "a mask of attention")
    labels.freeze_all([query, value, key], "attention runs along this axis", but=[0, -1])
    shared = labels.fresh(layer.num_key_value_heads)
    heads, out = shared.repeat(layer.num_repeats), labels.fresh(labels.shape[-1])
    labels.unite(labels.unite(query.axes[-1], value.axes[-1]), out)
    inner = [(layer._query_dense, query, heads), (layer._key_dense, key, shared)]
    inner += [(layer._value_dense, value, shared)]
    if getattr(layer, "use_gate", False):
        inner.append((layer._gate_dense, query, heads))
    for projection, x, names in inner:
        labels.weight(own(projection, "kernel"), [x.axes[-1], names, None], makes=1)
        labels.weight(own(projection, "bias"), [names, None])
    labels.weight(own(layer._output_dense, "kernel"), [heads, None, out], makes=2)
    labels.weight(own(layer._output_dense, "bias"), [out])
    labels.size(layer, num_query_heads=heads, num_key_value_heads=shared)
    found = [Tensor(labels.shape, (None, None, out), zero=True)]
    return found + [Tensor(tuple(s), (None, heads, None, None)) for s in labels.shapes[1:]]


def spectral(labels: Labels, layer: Any, x: Tensor, *_: Any, **__: Any) -> Any:
    """SpectralNormalization: what the layer inside does; the vector u has the last axis of its kernel."""
    y = labels.apply(layer.layer, labels.shapes, x)
    kernel = labels.weights.get(id(layer.kernel))
    if kernel is not None:
        labels.weight(layer.vector_u, [None, kernel.axes[-1]])
    return y


def time_distributed(labels: Labels, layer: Any, x: Tensor, *_: Any, **__: Any) -> Any:
    """TimeDistributed: what the layer inside does, at each place of axis 1."""
    labels.freeze(x.axes[1], "a layer is repeated along this axis")
    shapes = labels.shapes
    inside = Tensor((x.shape[0], *x.shape[2:]), (x.axes[0], *x.axes[2:]), x.zero)
    (y,) = labels.apply(layer.layer, [(s[0], *s[2:]) for s in shapes], inside)
    return Tensor(tuple(shapes[0]), (y.axes[0], None, *y.axes[1:]), y.zero)
