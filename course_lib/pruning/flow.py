"""What flows through a model: its layers watched while they run, on data or traced on none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from .variables import prunable_variables

layers = keras.layers
Run = tuple[keras.Layer, Any, Any]

_CONV = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
# What may stand between a layer and the place where its channels are read: one channel in, the same one out.
_AFTER = (layers.BatchNormalization, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU)
_AFTER += (layers.ELU, layers.Dropout)
# The same as functions in a Functional graph, `keras.ops.relu(x)`: by the names of Keras's operations, whose
# classes are not public.
_FUNCTIONS = {"Relu", "ReLU", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "HardSilu", "Tanh"}
_FUNCTIONS |= {"Sigmoid", "HardSigmoid", "HardTanh", "LogSigmoid", "Softplus", "Softsign"}


def dense_and_conv(model: keras.Model) -> dict[str, keras.Layer]:
    """The Dense and Conv layers of a model by the path of their kernel; output units are its last axis.

    Raises: ValueError if there are none.
    """
    paths = {id(variable): path for path, variable in prunable_variables(model).items()}
    found = [layer for layer in model._flatten_layers() if isinstance(layer, (layers.Dense, *_CONV))]
    kernels = {paths[id(v)]: layer for layer in found for v in layer.weights if id(v) in paths}
    if not kernels:
        raise ValueError(
            f"This criterion scores Dense and Conv layers. Model {model.name!r} has none. "
            f"Received: {', '.join(paths.values())}."
        )
    return kernels


def activation_functions(model: keras.Model) -> list[keras.Operation]:
    """The activations that a Functional model, or one nested in it, calls as functions, not as layers.

    What a subclassed model or layer calls inside its own `call` leaves no operation to watch.
    """
    graphs = [part for part in model._flatten_layers() if hasattr(part, "operations")]
    found = {id(op): op for graph in graphs for op in graph.operations if not isinstance(op, keras.Layer)}
    return [op for op in found.values() if type(op).__name__ in _FUNCTIONS]


def dense_conv_and_after(model: keras.Model) -> list[keras.Operation]:
    """The layers that `chains` are made of: Dense, Conv, and what may stand behind them, functions too."""
    kinds = (layers.Dense, *_CONV, *_AFTER)
    return [layer for layer in model._flatten_layers() if isinstance(layer, kinds)] + activation_functions(
        model
    )


@contextmanager
def watched(watch: Collection[keras.Operation]) -> Iterator[list[Run]]:
    """A list that grows by (layer, inputs, outputs) whenever one of these layers runs.

    Watching the calls, not the graph, covers nested, shared and subclassed models alike; only activations
    called as functions are looked up in the graph.
    """
    runs: list[Run] = []
    names = [_entrance(layer) for layer in watch]
    before = [vars(layer).get(name) for layer, name in zip(watch, names, strict=True)]
    for layer, name in zip(watch, names, strict=True):  # past Keras's __setattr__, which tracks
        vars(layer)[name] = _noting(layer, getattr(layer, name), runs)
    try:
        yield runs
    finally:
        for layer, name, call in zip(watch, names, before, strict=True):
            vars(layer).pop(name) if call is None else vars(layer).update({name: call})


def traced(model: keras.Model, watch: Collection[keras.Operation], example: Any) -> tuple[list[Run], Any]:
    """The runs of these layers when TensorFlow traces a call on `example`, specs of tensors; and the graph.

    Nothing is computed and no weight or state changes; the losses that layers added in the last call are
    dropped, as any call does.
    """

    def call(inputs: Any) -> Any:
        with keras.StatelessScope(collect_losses=True):
            return model(inputs, training=False)

    with watched(watch) as runs:
        graph = tf.function(call, autograph=False).get_concrete_function(example).graph
    return runs, graph


def example_specs(model: keras.Model, x: Any = None) -> tuple[Any, int]:
    """Specs of an input to trace a model with, and its batch size: 1, unless the model insists on another.

    Like `x`, an example or more, if it is given. Raises: ValueError for sizes that the model leaves open.
    """
    graph = getattr(model, "_functional", None) or model
    if x is not None:
        tensors = keras.tree.map_structure(tf.convert_to_tensor, x)
    elif getattr(graph, "inputs", None):
        tensors = graph._inputs_struct
    else:  # what Keras noted when it built the model
        shape = model.get_build_config() or {}
        tensors = keras.tree.map_shape_structure(keras.KerasTensor, shape.get("input_shape", (None, None)))
    first = keras.tree.flatten(tensors)[0].shape[0]
    batch = first if x is None and getattr(graph, "inputs", None) and first else 1
    specs = keras.tree.map_structure(lambda t: tf.TensorSpec((batch, *t.shape[1:]), t.dtype), tensors)
    if any(None in spec.shape[1:] for spec in keras.tree.flatten(specs)):
        raise ValueError(
            f"What model {model.name!r} costs depends on the size of its input, which it does not declare. "
            "Pass an example or more, as in macs(model, x=images[:1])."
        )
    return specs, batch


def chains(runs: list[Run], starts: set[int]) -> list[list[Run]]:
    """The runs of the layers with these ids, each with those runs that take its output further, in order."""
    found, ends = [], {}  # ends: id of a tensor → the chain it is the end of
    for layer, inputs, outputs in runs:
        chain = [] if id(layer) in starts else ends.pop(id(inputs), None)
        if chain is not None:
            chain.append((layer, inputs, outputs))
            ends[id(outputs)] = chain
            found += [chain] if len(chain) == 1 else []
    return found


def _entrance(layer: keras.Operation) -> str:
    """The method that a call of a layer ends in."""
    policy = getattr(layer, "dtype_policy", None)  # activations called as functions have none
    return "call" if getattr(policy, "quantization_mode", None) is None else "quantized_call"


def _noting(layer: keras.Layer, call: Callable, runs: list[Run]) -> Callable:
    def noted(*args: Any, **kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        runs.append((layer, next(iter((*args, *kwargs.values()))), outputs))
        return outputs

    return noted
