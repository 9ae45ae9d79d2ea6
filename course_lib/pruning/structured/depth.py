"""Depth pruning: take whole residual blocks and shape-preserving layers out of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from ..examples import batches
from ..variables import check_model, unknown_layer
from .rebuild import Rebuild
from .trace import graph_of, traced_graph


def drop_layers(model: keras.Model, names: Iterable[str]) -> keras.Model:
    """A new model without these layers: what went into each of them comes out of it; weights are kept.

    A layer with one input must leave its shape as it is. To drop a residual block, name its Add: the shortcut
    goes on, and all layers of the branch that nothing else needs are gone. The given model stays as it is.
    Raises: ValueError for a name that is not in the graph, a layer that changes the shape, or an Add neither
    of whose inputs is made from the other (both are branches).
    """
    check_model(model)
    wanted = [names] if isinstance(names, str) else list(names)
    operations = {op.name: op for op in _operations(traced_graph(model))}
    for name in wanted:
        if name not in operations:
            raise ValueError(unknown_layer(model, name))
    dropped = {id(operations[name]): _way_through(operations[name]) for name in wanted}
    rebuild = Rebuild(dropped=dropped)
    new = rebuild(model)
    for old, twin in rebuild.twins.values():
        if isinstance(old, keras.Layer) and graph_of(old) is None:
            for weight, copied in zip(old.weights, twin.weights, strict=True):
                copied.assign(weight)
    return new


def block_importance(model: keras.Model, x: Any) -> dict[str, float]:
    """How much each residual block changes what goes through: {name of its Add: importance in [0, 2]}.

    1 − the mean cosine of the angle between the shortcut and the sum, over examples `x`, at the places of all
    axes but the last (Men et al. 2024, arXiv:2403.03853). The least important are the first to drop.
    Raises: ValueError if no block can be dropped, or as `batches` does.
    """
    adds = [
        op for op in traced_graph(model).operations if len(_inputs(op)) == 2 and _shortcut(op) is not None
    ]
    if not adds:
        raise ValueError(f"Model {model.name!r} has no residual block. Received: {type(model).__name__}.")
    ends = [[_inputs(op)[_shortcut(op)], op.output] for op in adds]
    watching = keras.Model(model.input, ends)
    cosines = np.zeros(len(adds))
    for part, _, share in batches(x):
        for i, (before, after) in enumerate(watching(part, training=False)):
            cosines[i] += share * float(keras.ops.mean(_cosine(before, after)))
    return {op.name: 1 - float(c) for op, c in zip(adds, cosines, strict=True)}


def _cosine(one: Any, other: Any) -> Any:
    one, other = (keras.ops.normalize(keras.ops.cast(t, "float32"), axis=-1) for t in (one, other))
    return keras.ops.sum(one * other, axis=-1)


def _operations(graph: Any) -> list:
    inner = [graph_of(op) for op in graph.operations if graph_of(op) is not None]
    return [*graph.operations, *(found for part in inner for found in _operations(part))]


def _inputs(operation: Any) -> list:
    return operation._inbound_nodes[-1].input_tensors if operation._inbound_nodes else []


def _way_through(operation: Any) -> int:
    """Which input goes on in place of the output."""
    inputs = _inputs(operation)
    place = 0 if len(inputs) == 1 else _shortcut(operation)
    shapes = [tuple(t.shape) for t in inputs]
    if place is None or shapes[place] != tuple(operation.output.shape):
        raise ValueError(
            f"Layer {operation.name!r} cannot be dropped: nothing that goes in has the shape "
            f"{tuple(operation.output.shape)} of what comes out and leads past it. Received: inputs of "
            f"{', '.join(map(str, shapes)) or 'no shape'}. To drop a residual block, name its Add."
        )
    return place


def _shortcut(operation: Any) -> int | None:
    """Of two added tensors, the one that the other is made from."""
    if len(_inputs(operation)) != 2 or type(operation).__name__ != "Add":
        return None
    one, other = _inputs(operation)
    if not all(isinstance(t, keras.KerasTensor) for t in (one, other)):
        return None
    return 0 if _made_from(other, one) else 1 if _made_from(one, other) else None


def _made_from(tensor: Any, source: Any) -> bool:
    seen, left = set(), [tensor]
    while left:
        here = left.pop()
        if here is source:
            return True
        if id(here) not in seen:
            seen.add(id(here))
            history = here._keras_history
            left += history.operation._inbound_nodes[history.node_index].input_tensors
    return False
