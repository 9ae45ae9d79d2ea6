"""Follow the names of channels through the graph of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

import keras

from ..variables import check_model
from .labels import Labels, Tensor
from .rules import Rule, rule_for


def trace(model: keras.Model, rules: Mapping[type, Rule] | None = None) -> Labels:
    """Apply the rule of every operation of a model, in order; inputs and outputs are frozen.

    `rules` are the user's own, {class of a layer: rule}. Raises: TypeError or ValueError for what is no built
    Functional or Sequential model.
    """
    graph = traced_graph(model)
    labels = Labels()
    labels.apply = partial(_apply, labels, rules)
    inputs = [_input(labels, t) for t in graph.inputs]
    for x in inputs:
        labels.freeze_all(x, "the model's input")
    outputs = _run(labels, graph, inputs)
    labels.operation = None
    labels.freeze_all(outputs, "the model's output")
    return labels


def traced_graph(model: keras.Model) -> Any:
    """The graph of a built model; a sentence for what has none. Raises: TypeError or ValueError."""
    check_model(model)
    graph = graph_of(model)
    if graph is None:
        raise ValueError(
            "This follows the graph of operations of a Functional or Sequential model. "
            f"Received: {model.name!r} ({type(model).__name__}), which has none, because its call is Python "
            "code. Write it with keras.Input and keras.Model(inputs, outputs)."
        )
    return graph


def graph_of(model: Any) -> Any:
    """The graph of operations of a Functional or built Sequential model; None for anything else."""
    graph = getattr(model, "_functional", None) or model
    own_call = any("call" in vars(c) for c in type(model).__mro__ if not c.__module__.startswith("keras."))
    return graph if hasattr(graph, "_nodes_by_depth") and not own_call else None


def walk(graph: Any, inputs: list, call: Callable) -> list:
    """Run a graph on values of any kind: `call(node, args, kwargs) → a list of outputs` for each node."""
    values = {id(t): v for t, v in zip(graph.inputs, inputs, strict=True)}

    def value(leaf: Any) -> Any:
        return values.get(id(leaf)) if isinstance(leaf, keras.KerasTensor) else leaf

    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                args, kwargs = keras.tree.map_structure(value, (node.arguments.args, node.arguments.kwargs))
                outputs = call(node, args, kwargs)
                values |= {id(t): v for t, v in zip(node.outputs, outputs, strict=True)}
    return [values[id(t)] for t in graph.outputs]


def _input(labels: Labels, tensor: Any) -> Tensor:
    axes = [None] * len(tensor.shape)
    if len(axes) > 1 and tensor.shape[-1] is not None:
        axes[-1] = labels.fresh(tensor.shape[-1])
    return Tensor(tuple(tensor.shape), tuple(axes))


def _run(labels: Labels, graph: Any, inputs: list) -> list[Tensor]:
    def call(node: Any, args: tuple, kwargs: dict) -> list[Tensor]:
        return labels.apply(node.operation, [tuple(t.shape) for t in node.outputs], *args, **kwargs)

    return walk(graph, inputs, call)


def _apply(
    labels: Labels, rules: Any, operation: Any, shapes: list, *args: Any, **kwargs: Any
) -> list[Tensor]:
    graph = graph_of(operation)
    if not args:  # the first was given by its name: layer(inputs=x)
        args = (kwargs.pop(next(iter(signature(operation.call).parameters))),)
    if graph is not None:
        inputs = _flat_inputs(graph, args[0])
        for tensor, x in zip(graph.inputs, inputs, strict=True):
            sizes = tuple(n if a is None else a for n, a in zip(x.shape, x.axes, strict=True))
            labels.size(tensor._keras_history.operation, batch_shape=(tensor.shape[0], *sizes[1:]))
        return _run(labels, graph, inputs)
    labels.operation, labels.shapes = operation, shapes
    labels.freeze_all(kwargs.pop("mask", None), "a mask")
    kwargs.pop("training", None)
    outputs = keras.tree.flatten(rule_for(operation, rules)(labels, operation, *args, **kwargs))
    for tensor, shape in zip(outputs, shapes, strict=True):
        _check(operation, tensor, shape)
    return outputs


def _flat_inputs(graph: Any, inputs: Any) -> list:
    if isinstance(inputs, dict) and not isinstance(graph._inputs_struct, dict):
        return [inputs[t.name] for t in graph.inputs]
    return keras.tree.flatten(inputs)


def _check(operation: Any, tensor: Tensor, shape: tuple) -> None:
    """A rule that miscounts would cut the wrong weights."""
    lengths = [None if labels is None else len(labels) for labels in tensor.axes]
    if len(lengths) != len(shape) or any(n not in (None, m) for n, m in zip(lengths, shape, strict=True)):
        raise ValueError(
            f"The rule for {type(operation).__name__} must name the axes of a tensor of shape {shape}. "
            f"Received: labels of lengths {lengths}, for {operation.name!r}."
        )
