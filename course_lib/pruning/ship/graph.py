"""The graph of a model as plain data, for the runtime that knows no Keras."""

from __future__ import annotations

from typing import Any

import keras

from ..variables import named_variables, trained_part
from .graph_rules import rule_of


def graph_of(model: keras.Model) -> dict[str, list]:
    """A model's steps in order, {"inputs", "outputs", "steps"}, as `runtime.numpy_runtime` takes them.

    Dense, Conv2D, DepthwiseConv2D, pooling, BatchNormalization, ReLU and Softmax, Flatten, Reshape, padding,
    Rescaling, Add, Multiply and Concatenate, nested models too; dropout and noise do nothing.
    Raises: ValueError for other layers, naming them, and for models without a graph.
    """
    model = trained_part(model)
    graph = _graph(model)
    if graph is None:
        raise ValueError(
            f"Only Functional and Sequential models have a graph to export. Received: {model.name!r} "
            f"({type(model).__name__})."
        )
    paths = {id(variable): path for path, variable in named_variables(model).items()}
    walk = Walk(paths)
    inputs = [walk.name() for _ in graph.inputs]
    outputs = walk.through(graph, inputs)
    if walk.unknown:
        raise ValueError(
            f"The NumPy runtime has no rule for {', '.join(sorted(set(walk.unknown)))}. Export model "
            f"{model.name!r} with save_litert, or pack its weights alone (runnable=False)."
        )
    return {"inputs": inputs, "outputs": outputs, "steps": walk.steps}


class Walk:
    """The steps so far; values are called "0", "1"… in the order they are made."""

    def __init__(self, paths: dict[int, str]) -> None:
        self.paths, self.steps, self.unknown, self._count = paths, [], [], 0
        self.shape: tuple = ()  # of the output that the rule at work is to make

    def name(self) -> str:
        """A fresh name for a value."""
        self._count += 1
        return str(self._count - 1)

    def step(self, op: str, *sources: str, weights: dict | None = None, **how: Any) -> str:
        """Write one step down; the name of what it makes."""
        own = {n: self.paths[id(v)] for n, v in (weights or {}).items() if v is not None}
        self.steps.append({"op": op, "from": list(sources), "to": self.name(), "weights": own, "with": how})
        return self.steps[-1]["to"]

    def through(self, graph: Any, inputs: list[str]) -> list[str]:
        """Write a whole graph down, from the deepest node on; the names of its outputs."""
        known = {id(t): name for t, name in zip(graph.inputs, inputs, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if not node.is_input:
                    made = self.one(node, known)
                    known |= {id(t): name for t, name in zip(node.outputs, made, strict=True)}
        return [known[id(t)] for t in graph.outputs]

    def one(self, node: Any, known: dict[int, str]) -> list[str]:
        """Write one call of a layer, an operation or a nested model down; the names of its outputs."""
        operation, inner = node.operation, _graph(node.operation)
        tensors = node.arguments.keras_tensors
        sources = [known[id(t)] for t in tensors]
        if inner is not None:
            order = node.arguments.args[0]
            if isinstance(order, dict) and not isinstance(inner._inputs_struct, dict):
                sources = [known[id(order[t.name])] for t in inner.inputs]
            return self.through(inner, sources)
        self.shape = node.outputs[0].shape
        rule = rule_of(operation) if _only_tensors(node) else None
        made = rule(self, operation, *sources) if rule else None
        if made is None:
            self.unknown.append(f"{operation.name!r} ({type(operation).__name__})")
            return [self.name() for _ in node.outputs]
        return [made]


def _graph(model: Any) -> Any:
    """The graph of a Functional or Sequential model; None for a layer, or a model with its own call."""
    graph = getattr(model, "_functional", None) or model
    own_call = any("call" in vars(c) for c in type(model).__mro__ if not c.__module__.startswith("keras."))
    return graph if hasattr(graph, "_nodes_by_depth") and not own_call else None


def _only_tensors(node: Any) -> bool:
    """Not `x + 1.0`, whose 1.0 is an argument that no rule looks at."""
    leaves = keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
    layer = isinstance(node.operation, keras.layers.Layer)
    return layer or all(isinstance(leaf, keras.KerasTensor) for leaf in leaves)
