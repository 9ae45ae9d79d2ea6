"""Models with channel gates: put them in, and count what they save."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from .channel_gate import ChannelGate
from .flow import dense_and_conv
from .macs import Macs, macs
from .variables import check_model

layers = keras.layers

# What hands the zeros of a channel on as they are.
_PASSING = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.PReLU, layers.Dropout)
_PASSING += (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D, layers.AveragePooling1D)
_PASSING += (layers.AveragePooling2D, layers.AveragePooling3D, layers.GlobalAveragePooling1D)
_PASSING += (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D)
_PASSING += (layers.Flatten, layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)


def gated(model: keras.Model, names: Iterable[str], keep: float) -> keras.Model:
    """A copy of a model with a ChannelGate behind each of these Dense or Conv layers, to be fine-tuned.

    A gate reads what its layer reads. Where the layer's output goes to a BatchNormalization only, the gate
    comes behind that, else the shift would fill the zeros. Weights are copied, predictors are new.
    Raises: ValueError for models that are not Functional or Sequential, and for names of other layers.
    """
    check_model(model)
    graph = getattr(model, "_functional", None) or model
    names = [names] if isinstance(names, str) else list(names)
    if not hasattr(graph, "_nodes_by_depth"):
        raise ValueError(f"gated needs a Functional or Sequential model. Received: {model.name!r}.")
    known = [layer.name for layer in dense_and_conv(model).values() if layer in graph.layers]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"Gates go behind {', '.join(known)}. Received: {', '.join(map(str, unknown))}.")
    ends = {_end(graph, name): name for name in names}
    gates = {name: ChannelGate(keep, name=f"{name}_gate") for name in names}
    sources: dict[str, Any] = {}

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if layer.name in gates:
            sources[layer.name] = args[0]
        outputs = layer(*args, **kwargs)
        name = ends.get(layer.name)
        return outputs if name is None else gates[name]([sources[name], outputs])

    copy = keras.models.clone_model(graph, call_function=call)
    for layer in (layer for layer in graph.layers if layer.weights):
        copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def gated_macs(model: keras.Model) -> Macs:
    """The multiply-accumulates of one example by weight, `macs(model)`, where gated channels cost nothing.

    A kernel before a gate counts by the share of its outputs that is kept; one behind it by the share of its
    inputs, as far as the zeros get (through activations with f(0) = 0, pooling, flattening, dropout). The
    predictors count in full. For Dense and Conv layers called once; all others count in full.
    """
    counts, graph = macs(model), getattr(model, "_functional", None) or model
    for path, layer in dense_and_conv(model).items():
        calls = _calls(graph, layer)
        if path in counts and len(calls) == 1:
            kept = _share_before(calls[0].input_tensors[0]) * _share_behind(graph, calls[0])
            counts[path] = round(counts[path] * kept)
    return counts


def _calls(graph: keras.Model, layer: keras.Layer) -> list[Any]:
    """The nodes of a graph that call a layer. (`layer.output` may belong to another graph.)"""
    return [node for depth in graph._nodes_by_depth.values() for node in depth if node.operation is layer]


def _behind(graph: keras.Model, node: Any) -> list[Any]:
    """The nodes of a graph that take in what a node gives."""
    given = {id(tensor) for tensor in node.outputs}
    nodes = [node for depth in graph._nodes_by_depth.values() for node in depth]
    return [node for node in nodes if any(id(tensor) in given for tensor in node.input_tensors)]


def _end(graph: keras.Model, name: str) -> str:
    """The layer behind which the gate of a layer comes: its BatchNormalization, if that alone follows."""
    calls = _calls(graph, graph.get_layer(name))
    behind = [node.operation for call in calls for node in _behind(graph, call)]
    return behind[0].name if len(behind) == 1 and isinstance(behind[0], layers.BatchNormalization) else name


def _share_behind(graph: keras.Model, call: Any) -> float:
    """The share of its channels that the gate behind a layer's call keeps, 1 without."""
    behind = _behind(graph, call)
    if len(behind) == 1 and isinstance(behind[0].operation, layers.BatchNormalization):
        behind = _behind(graph, behind[0])
    gate = behind[0].operation if len(behind) == 1 else None
    return gate.k / gate.channels if isinstance(gate, ChannelGate) else 1.0


def _share_before(tensor: Any) -> float:
    """The share of a tensor's channels that a gate further up keeps, 1 without."""
    operation, index = tensor._keras_history[:2]
    if isinstance(operation, ChannelGate):
        return operation.k / operation.channels
    activation = getattr(operation, "activation", None)
    fills = callable(activation) and float(activation(keras.ops.zeros((1, 1)))[0, 0]) != 0
    if not isinstance(operation, _PASSING) or fills:
        return 1.0
    return _share_before(operation._inbound_nodes[index].input_tensors[0])
