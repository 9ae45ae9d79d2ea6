"""A model built anew: the same graph with smaller sizes in its layers, or with fewer layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any

import keras
import numpy as np

from .labels import Labels, length
from .trace import graph_of, walk


@dataclass
class Rebuild:
    """Called on a model, it returns a new one of the same type, names and settings, untrained.

    Only channels whose labels are alive, bool (labels.count,), are left. `dropped` says of operations that
    are left out which of their inputs goes on in their place, {id of an operation: number}; `calls` how one
    is called, if otherwise, {id: function of the new operation and its arguments}. `twins` has {id of an old
    operation: (old, new)} afterwards.
    """

    labels: Labels = field(default_factory=Labels)
    alive: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    dropped: dict[int, int] = field(default_factory=dict)
    calls: dict[int, Callable] = field(default_factory=dict)
    twins: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def __call__(self, model: keras.Model) -> keras.Model:
        """The new model, compiled as the old one, if that is."""
        kinds = {c for layer in model._flatten_layers() for c in type(layer).__mro__}
        with keras.saving.custom_object_scope({c.__name__: c for c in kinds if _not_keras(c)}):
            new = self._twin(model)
            for old_layer, layer in reversed(self.twins.values()):  # outer ones first: they set inner ones
                _same_trainable(old_layer, layer)
            if getattr(model, "compiled", False):
                _compile(new, model)
        return new

    def _twin(self, operation: Any) -> Any:
        """The new operation for an old one: one for each, so that what was shared stays shared."""
        if id(operation) not in self.twins:
            if graph_of(operation) is not None:
                new = self._model(operation)
            elif isinstance(operation, keras.Layer):
                new = _from_config(operation, self._sizes(operation), self._wrapped(operation))
            else:
                new = _copied(operation, self._sizes(operation))
            self.twins[id(operation)] = operation, new
        return self.twins[id(operation)][1]

    def _model(self, model: Any) -> keras.Model:
        graph = graph_of(model)
        inputs = {id(t): self._twin(t._keras_history.operation).output for t in graph.inputs}
        in_line = isinstance(model, keras.Sequential)
        if in_line and not any(id(layer) in self.calls for layer in model.layers):
            entry = [self._twin(t._keras_history.operation) for t in graph.inputs]
            layers = [self._twin(layer) for layer in model.layers if id(layer) not in self.dropped]
            return keras.Sequential([*entry, *layers], name=model.name)
        outputs = walk(graph, [inputs[id(t)] for t in graph.inputs], self._call)
        structure = keras.tree.map_structure(lambda t: inputs[id(t)], graph._inputs_struct)
        results = keras.tree.pack_sequence_as(graph._outputs_struct, outputs)
        # A class of the user's may have a constructor that wants something else.
        plain = type(model).__module__.startswith("keras.") or "__init__" not in vars(type(model))
        return (type(model) if plain and not in_line else keras.Model)(structure, results, name=model.name)

    def _call(self, node: Any, args: tuple, kwargs: dict) -> list:
        operation = node.operation
        if id(operation) in self.dropped:
            flat = [t for t in keras.tree.flatten([args, kwargs]) if isinstance(t, keras.KerasTensor)]
            return [flat[self.dropped[id(operation)]]]
        if id(operation) in self.labels.keys:  # x[key] has its key among the arguments
            args = (args[0], self.labels.keys[id(operation)](self.alive))
        twin = self._twin(operation)
        call = self.calls.get(id(operation))
        return keras.tree.flatten(call(twin, *args, **kwargs) if call else twin(*args, **kwargs))

    def _sizes(self, operation: Any) -> dict:
        return {k: length(s, self.alive) for k, s in self.labels.sizes.get(id(operation), {}).items()}

    def _wrapped(self, layer: keras.Layer) -> dict:
        """The layers that a wrapper or an RNN holds, as arguments of their constructors."""
        found = {"layer": "layer", "forward_layer": "layer", "backward_layer": "backward_layer"}
        found |= {name: name for name in ("cell", "cells") if name in layer.get_config()}
        held = {key: getattr(layer, name) for name, key in found.items() if hasattr(layer, name)}
        return {key: keras.tree.map_structure(self._twin, part) for key, part in held.items()}


def _from_config(layer: keras.Layer, sizes: dict, inner: dict) -> keras.Layer:
    if isinstance(layer, keras.layers.Lambda):  # its configuration holds bytes instead of the function
        same = dict(mask=layer.mask, arguments=layer.arguments, name=layer.name, dtype=layer.dtype_policy)
        return type(layer)(layer.function, output_shape=layer._output_shape, **same)
    config = layer.get_config() | sizes
    # Functions as they are: of a user's own the name would not do.
    config |= {key: f for key in config if isfunction(f := getattr(layer, key, None))}
    if inner:
        return type(layer)(**(config | inner))
    return type(layer).from_config(config)


def _copied(operation: Any, sizes: dict) -> Any:
    """An operation of `keras.ops`: few can be made from a configuration, all can be copied."""
    twin = copy.copy(operation)
    twin._inbound_nodes, twin._outbound_nodes = [], []
    for key, value in sizes.items():
        setattr(twin, key, value)
    config = getattr(twin, "_auto_config", None)
    if config is not None and sizes:
        twin._auto_config = type(config)(**(config.config | sizes))
    return twin


def _same_trainable(old: Any, new: Any) -> None:
    if isinstance(old, keras.Layer):
        # A model's may have lost some, so only what is inside one layer is alike.
        inside = (
            [(old, new)] if graph_of(old) else zip(old._flatten_layers(), new._flatten_layers(), strict=True)
        )
        for old_layer, layer in inside:
            if layer.trainable != old_layer.trainable:
                layer.trainable = old_layer.trainable


def _compile(new: keras.Model, old: keras.Model) -> None:
    losses = [f for f in keras.tree.flatten(old.loss) if isfunction(f)]
    with keras.saving.custom_object_scope({f.__name__: f for f in losses}):
        new.compile_from_config(old.get_compile_config())


def _not_keras(kind: type) -> bool:
    return kind is not object and not kind.__module__.startswith("keras.")
