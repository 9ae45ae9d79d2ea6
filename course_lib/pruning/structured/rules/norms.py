"""How names pass through normalisations and scales: their weights have one entry a channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import Axis, Labels, Tensor


def per_channel(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """A layer that multiplies each channel with a weight of its own (LayerScale)."""
    for variable in layer.weights:
        labels.weight(variable, [x.axes[-1]])
    if x.axes[-1] is not None:
        labels.size(layer, projection_dim=x.axes[-1])
    return x.dead_as(True)


def prelu(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """PReLU: alpha has the shape of an example, with 1 along shared axes."""
    sizes = zip(x.axes[1:], layer.alpha.shape, strict=True)
    labels.weight(layer.alpha, [a if a is None or len(a) == n else None for a, n in sizes])
    return x


def batch_norm(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """BatchNormalization: γ, β and the moving statistics, one entry a channel. Masked γ and β give zero."""
    for variable in layer.weights:
        labels.weight(variable, [x.axes[layer.axis]])
    return x.dead_as(layer.scale or x.zero)


def layer_norm(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """LayerNormalization: can be cut, but mean and variance are then taken over fewer channels."""
    axes = _normalised(layer, x)
    for variable in layer.weights:
        labels.weight(variable, axes)
    if any(axis is not None for axis in axes):
        labels.inexact.append(f"{layer.name}: mean and variance are taken over the channels that are left")
    return x.dead_as(bool(layer.weights) or x.zero)


def rms_norm(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """RMSNormalization: Σ x² of channels that are zero is the same, only their number n is another.

    So ε · n / n' for ε and √(n / n') as a factor of the scale make it exact.
    """
    axes = _normalised(layer, x)
    labels.weight(layer.scale, axes)
    named = [axis for axis in axes if axis is not None]
    if named and not (x.zero and len(named) == 1):
        labels.inexact.append(f"{layer.name}: the mean square is taken over the channels that are left")
    elif named:
        (axis,), epsilon = named, layer.epsilon or 1e-7
        labels.size(layer, epsilon=lambda alive: float(epsilon * len(axis) / alive[axis].sum()))
        labels.factors[id(layer.scale)] = lambda alive: np.sqrt(len(axis) / alive[axis].sum())
    return x.dead_as(True)


def group_norm(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """GroupNormalization: whole groups go, so that the statistics of the others stay."""
    axis = x.axes[layer.axis]
    for variable in layer.weights:
        labels.weight(variable, [axis])
    if axis is not None:
        places = axis.reshape(layer.groups, -1)
        labels.whole(places)
        labels.size(layer, groups=places[:, 0])
    rest = [i for i in range(1, len(x.axes)) if i != layer.axis % len(x.axes)]
    for other in rest:
        labels.freeze(x.axes[other], "the statistics run along this axis")
    return x.dead_as(layer.scale or x.zero)


def fixed(labels: Labels, layer: Any, x: Tensor) -> Tensor:
    """Normalization: its statistics are constants of the data."""
    labels.freeze_all(x, "its statistics are constants", but=[0])
    return x.dead_as(False)


def _normalised(layer: Any, x: Tensor) -> list[Axis]:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return [x.axes[axis] for axis in axes]
