"""A model built anew with fewer channels: the same graph, smaller sizes in its layers' configurations."""

from __future__ import annotations

import copy
from inspect import isfunction
from typing import Any

import keras
import numpy as np

from .labels import Labels, length
from .trace import graph_of, walk


def rebuilt(model: keras.Model, labels: Labels, alive: np.ndarray) -> keras.Model:
    """A new model of the same type, names and settings in which only living channels are left; untrained.

    `alive` is bool (labels.count,). Compiled as the old one, if that is.
    """
    own = {c.__name__: c for layer in model._flatten_layers() for c in type(layer).__mro__ if _not_keras(c)}
    with keras.saving.custom_object_scope(own):
        new = _model(model, labels, alive, {})
        for old_layer, layer in zip(model._flatten_layers(), new._flatten_layers(), strict=True):
            if layer.trainable != old_layer.trainable:  # outer ones first: their setting reaches inner ones
                layer.trainable = old_layer.trainable
        _compile(new, model)
    return new


def _model(model: keras.Model, labels: Labels, alive: np.ndarray, twins: dict) -> keras.Model:
    graph = graph_of(model)
    entries = {id(t): t._keras_history.operation for t in graph.inputs}
    inputs = {key: _twin(entry, labels, alive, twins).output for key, entry in entries.items()}
    if isinstance(model, keras.Sequential):
        first = [] if not inputs else [next(iter(inputs.values()))._keras_history.operation]
        return keras.Sequential(
            [*first, *(_twin(x, labels, alive, twins) for x in model.layers)], name=model.name
        )

    def call(node: Any, args: tuple, kwargs: dict) -> list:
        size = labels.keys.get(id(node.operation))
        if size is not None:  # x[key] has its key among the arguments
            args = (args[0], size(alive))
        return keras.tree.flatten(_twin(node.operation, labels, alive, twins)(*args, **kwargs))

    outputs = walk(graph, [inputs[id(t)] for t in graph.inputs], call)
    structure = keras.tree.map_structure(lambda t: inputs[id(t)], graph._inputs_struct)
    results = keras.tree.pack_sequence_as(graph._outputs_struct, outputs)
    try:
        return type(model)(structure, results, name=model.name)
    except TypeError:  # a class of the user's whose constructor wants something else
        return keras.Model(structure, results, name=model.name)


def _twin(operation: Any, labels: Labels, alive: np.ndarray, twins: dict) -> Any:
    """The new operation for an old one: one for each, so that what was shared stays shared."""
    if id(operation) not in twins:
        sizes = {k: length(size, alive) for k, size in labels.sizes.get(id(operation), {}).items()}
        if graph_of(operation) is not None:
            twins[id(operation)] = _model(operation, labels, alive, twins)
        elif isinstance(operation, keras.Layer):
            inner = _wrapped(operation, labels, alive, twins)
            twins[id(operation)] = _from_config(operation, sizes, inner)
        else:
            twins[id(operation)] = _copied(operation, sizes)
    return twins[id(operation)]


def _wrapped(layer: keras.Layer, labels: Labels, alive: np.ndarray, twins: dict) -> dict:
    """The layers that TimeDistributed and Bidirectional hold, as arguments of their constructors."""
    found = {"layer": "layer", "forward_layer": "layer", "backward_layer": "backward_layer"}
    inner = {key: getattr(layer, name) for name, key in found.items() if hasattr(layer, name)}
    return {key: _twin(each, labels, alive, twins) for key, each in inner.items()}


def _from_config(layer: keras.Layer, sizes: dict, inner: dict) -> keras.Layer:
    config = layer.get_config() | sizes
    # Functions as they are: of a user's own the name would not do.
    config |= {key: f for key in config if isfunction(f := getattr(layer, key, None))}
    if inner:
        return type(layer)(**(config | inner))
    if isinstance(layer, keras.layers.Lambda):
        return type(layer).from_config(config, safe_mode=False)  # its code runs in the old model, too
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


def _compile(new: keras.Model, old: keras.Model) -> None:
    if not getattr(old, "compiled", False):
        return
    parts = [old.loss, *(getattr(old, "_compile_metrics", None) and [] or [])]
    known = {p.__name__: p for p in keras.tree.flatten(parts) if callable(p) and hasattr(p, "__name__")}
    with keras.saving.custom_object_scope(known):
        new.compile_from_config(old.get_compile_config())


def _not_keras(kind: type) -> bool:
    return kind is not object and not kind.__module__.startswith("keras.")
