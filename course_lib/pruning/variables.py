"""The variables of a model by name, and which of them pruning is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

import keras
import numpy as np
import tensorflow as tf

Variables = dict[str, keras.Variable]

# Arrays of two or more axes may be no weight matrices: PReLU's alpha, the γ and β of a LayerNormalization
# over several axes, LoRA's factors, the 2-D biases of attention (query, key, value) and of a GRU.
_SPARED = {"bias": "bias", "lora_": "LoRA", "alpha": "slope of an activation"}
# Of weights without a name Keras counts, in the order in which models were made: in a clone on and on.
_NUMBERED = re.compile(r"^variable_\d+$")
_SPARED |= dict.fromkeys(("gamma", "beta", "scale", "mean", "variance"), "normalisation or scale")


def check_model(model: keras.Model) -> None:
    """Pass a built Keras 3 model; otherwise say in one sentence what it is and what to do.

    Raises: TypeError for a tf_keras (Keras 2) model or no model at all, ValueError for one not built yet.
    """
    if any(base.__module__.split(".")[0] == "tf_keras" for base in type(model).__mro__):
        raise TypeError(
            "This is a tf_keras (Keras 2) model, which the course's engine cannot prune. Rebuild it with "
            "`import keras`, or prune it with tfmot (lesson 04)."
        )
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model. Received: {model!r} ({type(model).__name__}).")
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights yet. Give it a keras.Input, call "
            "model.build(input_shape), or pass one batch through it first."
        )


def trained_part(model: keras.Model) -> keras.Model:
    """The model whose weights pruning is about: the student of a `keras.distillation.Distiller`, else itself.

    So a Distiller stands for its student wherever the engine asks for variables: `make_masks`, `hold` and
    `GradualPruning` see the student's weights under the student's own paths, and never the teacher's.
    """
    return model.student if isinstance(model, keras.distillation.Distiller) else model


def named_variables(model: keras.Model) -> Variables:
    """Every weight of a model once, {path: variable}, in the order of `model.weights`.

    A path is made of the names of the layers on the way from the model to the weight, "block/conv/kernel". It
    is not `variable.path`, which depends on where a layer was built: that of a trained model, of its clone
    and of the file loaded again may all differ, and in nested models one of them may name several weights.
    Shared layers come once, by the first way to them. Where two weights have one path, the second and later
    are called "path#2", "path#3", in that order. Of a Distiller, the weights of its student.
    """
    return {path: variable for path, (variable, _) in _placed(model).items()}


def _placed(model: keras.Model) -> dict[str, tuple[keras.Variable, keras.Layer]]:
    """`named_variables`, each with the innermost layer that has it."""
    model = trained_part(model)
    check_model(model)
    homes, placed, times = _homes(model), {}, {}
    for variable in model.weights:
        path, owner = homes[id(variable)]
        times[path] = times.get(path, 0) + 1
        placed[path if times[path] == 1 else f"{path}#{times[path]}"] = variable, owner
    return placed


def read(variable: keras.Variable) -> np.ndarray:
    """A copy of a variable's value, in a quarter of the time that np.asarray(variable) takes."""
    if (handle := _handle(variable)) is None:
        return np.array(variable)
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=variable.value.dtype).numpy()


def write(variable: keras.Variable, value: np.ndarray) -> None:
    """Give a variable a value of its own type and shape, in a third of the time that `assign` takes."""
    if (handle := _handle(variable)) is None:
        variable.assign(value)
    else:
        # A copy: TensorFlow takes over the memory of an array that happens to be aligned.
        tf.raw_ops.AssignVariableOp(resource=handle, value=value.copy())


def _handle(variable: keras.Variable) -> tf.Tensor | None:
    """Where TensorFlow keeps the one value of a variable: for a small model all is a matter of calls."""
    value = variable.value
    spread = not isinstance(value, tf.Variable) or isinstance(value, tf.distribute.DistributedValues)
    return None if spread else value.handle


def prunable_variables(model: keras.Model, within: Iterable[str | keras.Layer] | None = None) -> Variables:
    """The weights worth pruning, {path: variable}: kernels and embeddings, also those of custom layers.

    That is: real numbers with two or more axes that are neither bias nor normalisation nor state. Frozen
    layers count too. `within` limits the result to the weights of these layers, given by name or as layers (a
    nested model stands for all its layers; a name used twice stands for both).
    Raises: ValueError if nothing is left to prune or `within` names no layer of this model.
    """
    model = trained_part(model)
    placed = _placed(model)
    found = {path: v for path, (v, owner) in placed.items() if not _why_not(v, owner)}
    if not found:
        spared = skipped(model)
        listed = "; ".join(f"{path!r}: {reason}" for path, reason in spared.items()) or "it has none"
        raise ValueError(
            f"Model {model.name!r} has nothing to prune: none of its weights is a kernel or an embedding "
            f"(two or more axes, not a bias, not a normalisation). Its weights: {listed}."
        )
    if within is None:
        return found
    chosen = {id(v) for layer in layers_named(model, within, found) for v in layer.weights}
    return {path: v for path, v in found.items() if id(v) in chosen}


def skipped(model: keras.Model) -> dict[str, str]:
    """Every weight of a model that pruning leaves alone, {path: why}, in the order of `named_variables`.

    Why, in a few words: quantized or integer, bias, normalisation or scale, LoRA, fewer than two axes, state
    that is not trained (a frozen layer's weights are not state). Layers without weights are not listed.
    """
    reasons = {path: _why_not(v, owner) for path, (v, owner) in _placed(model).items()}
    return {path: reason for path, reason in reasons.items() if reason}


def layers_named(
    model: keras.Model, names: Iterable[str | keras.Layer], among: Variables
) -> list[keras.Layer]:
    """The layers of a model by name (or themselves), each of which must have a variable in `among`."""
    wanted = [names] if isinstance(names, str | keras.Layer) else list(names)
    if not wanted:
        raise ValueError("`within` must name at least one layer; leave it out to prune all. Received: none.")
    usable = {id(v) for v in among.values()}
    chosen = []
    for name in wanted:
        found = [layer for layer in _layers(model) if layer is name or layer.name == name]
        if not found:
            raise ValueError(unknown_layer(model, name))
        if not any(id(v) in usable for layer in found for v in layer.weights):
            raise ValueError(f"Layer {found[0].name!r} has no weights to prune: leave it out of `within`.")
        chosen += found
    return chosen


def _layers(model: keras.Model) -> list[keras.Layer]:
    # `model.layers` stops at MultiHeadAttention, Bidirectional and the like; this goes on into them.
    return model._flatten_layers()


def _homes(layer: keras.Layer, prefix: str = "", homes: dict | None = None) -> dict:
    """{id of a weight: (its path, the layer it belongs to)}, the innermost layer that has it."""
    homes = {} if homes is None else homes
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        _homes(inner, f"{prefix}{inner.name}/", homes)
    for variable in layer.weights:  # after the inner layers, which know their own weights better
        homes.setdefault(id(variable), (prefix + _NUMBERED.sub("variable", variable.name), layer))
    return homes


def _why_not(variable: keras.Variable, owner: keras.Layer) -> str:
    """Why a weight is not worth pruning, or cannot be; empty if it is and can."""
    if "float" not in variable.dtype:
        quantized = getattr(owner, "quantization_mode", None)
        return (
            f"quantized to {quantized}: prune before" if quantized else f"{variable.dtype}, not real numbers"
        )
    for word, reason in _SPARED.items():
        if word in variable.name:
            return reason
    if len(variable.shape) < 2:
        return "fewer than two axes"
    if owner.trainable and not variable.trainable:
        lora = getattr(owner, "lora_enabled", False)
        return "frozen by LoRA: merge it by saving and loading" if lora else "state, not trained"
    return ""


def unknown_layer(model: keras.Model, name: object) -> str:
    """The sentence for a name that no layer of a model has."""
    names = [layer.name for layer in _layers(model)[1:]]
    received = getattr(name, "name", name)
    close = get_close_matches(str(received), names, n=1) if received not in names else []
    hint = f" Did you mean {close[0]!r}?" if close else f" Its layers: {', '.join(names)}."
    return f"Model {model.name!r} has no such layer. Received: {received!r}.{hint}"
