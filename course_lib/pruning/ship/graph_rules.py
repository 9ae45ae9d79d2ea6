"""What each layer is for the runtime: a rule writes the layer's steps, or None where it cannot.

`rule(walk, layer, *sources) → the name of the value made`; `walk.shape` is the shape it must have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

_ACTIVATIONS = "relu softmax sigmoid tanh silu elu softplus".split()
_IDLE = "Dropout SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization Identity"


def rule_of(operation: Any) -> Callable | None:
    """The rule of a layer or operation of Keras's own; a subclass may compute anything, and has none."""
    if not type(operation).__module__.startswith("keras.src."):
        return None
    return _RULES.get(type(operation).__name__)


def _activated(walk: Any, made: str, function: Callable) -> str | None:
    name = keras.activations.serialize(function)
    if name == "linear":
        return made
    if name == "relu6":
        return walk.step("relu", made, max_value=6.0)
    if name == "leaky_relu":
        return walk.step("relu", made, negative_slope=0.2)
    return walk.step(name, made) if name in _ACTIVATIONS else None


def _plain(layer: Any) -> bool:
    return not (getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False))


def _dense(walk: Any, layer: Any, x: str) -> str | None:
    if not _plain(layer):
        return None
    made = walk.step("dense", x, weights={"kernel": layer.kernel, "bias": layer.bias})
    return _activated(walk, made, layer.activation)


def _convolution(op: str) -> Callable:
    def rule(walk: Any, layer: Any, x: str) -> str | None:
        grouped = op == "conv" and layer.groups != 1
        if grouped or layer.data_format != "channels_last" or not _plain(layer):
            return None
        weights = {"kernel": layer.kernel, "bias": layer.bias}
        how = {"strides": layer.strides, "padding": layer.padding, "dilation": layer.dilation_rate}
        return _activated(walk, walk.step(op, x, weights=weights, **how), layer.activation)

    return rule


def _pool(op: str) -> Callable:
    def rule(walk: Any, layer: Any, x: str) -> str | None:
        if layer.data_format != "channels_last":
            return None
        return walk.step(op, x, size=layer.pool_size, strides=layer.strides, padding=layer.padding)

    return rule


def _overall(op: str) -> Callable:
    def rule(walk: Any, layer: Any, x: str) -> str | None:
        return walk.step(op, x, keepdims=layer.keepdims) if layer.data_format == "channels_last" else None

    return rule


def _norm(walk: Any, layer: Any, x: str) -> str | None:
    if layer.axis not in (-1, len(walk.shape) - 1):
        return None
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return walk.step(
        "normalize", x, weights={n: getattr(layer, n, None) for n in names}, epsilon=layer.epsilon
    )


def _relu(walk: Any, layer: Any, x: str) -> str:
    names = ("max_value", "negative_slope", "threshold")
    how = {n: getattr(layer, n) for n in names}
    return walk.step("relu", x, **{n: None if v is None else float(v) for n, v in how.items()})


def _softmax(walk: Any, layer: Any, x: str) -> str | None:
    return walk.step("softmax", x, axis=layer.axis) if isinstance(layer.axis, int) else None


def _reshape(walk: Any, layer: Any, x: str) -> str | None:
    shape = [-1 if n is None else n for n in walk.shape[1:]]
    channels_first = getattr(layer, "data_format", "channels_last") != "channels_last"
    return None if channels_first or shape.count(-1) > 1 else walk.step("reshape", x, shape=shape)


def _pad(walk: Any, layer: Any, x: str) -> str | None:
    if layer.data_format != "channels_last":
        return None
    return walk.step("pad", x, widths=[[0, 0], *map(list, layer.padding), [0, 0]])


def _rescale(walk: Any, layer: Any, x: str) -> str:
    scale, offset = (keras.ops.convert_to_numpy(v).tolist() for v in (layer.scale, layer.offset))
    return walk.step("rescale", x, scale=scale, offset=offset)


def _alike(op: str) -> Callable:
    return lambda walk, layer, *xs: walk.step(op, *xs)


_RULES = {
    **dict.fromkeys([*_IDLE.split(), "InputLayer"], lambda walk, layer, x: x),
    "Dense": _dense,
    "Conv2D": _convolution("conv"),
    "DepthwiseConv2D": _convolution("depthwise"),
    "MaxPooling2D": _pool("max"),
    "AveragePooling2D": _pool("average"),
    "GlobalAveragePooling2D": _overall("mean"),
    "GlobalMaxPooling2D": _overall("top"),
    "BatchNormalization": _norm,
    "Activation": lambda walk, layer, x: _activated(walk, x, layer.activation),
    "ReLU": _relu,
    "LeakyReLU": lambda walk, layer, x: walk.step("relu", x, negative_slope=float(layer.negative_slope)),
    "Softmax": _softmax,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "ZeroPadding2D": _pad,
    "Rescaling": _rescale,
    "Add": _alike("add"),
    "Multiply": _alike("multiply"),
    "Concatenate": lambda walk, layer, *xs: walk.step("join", *xs, axis=layer.axis),
}
