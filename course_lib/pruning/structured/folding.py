"""What a removed channel would still say: a constant, which the next layer's bias can say in its place.

A channel whose kernel is masked, but not its bias, β or consumers, carries a constant, say f(bias), through
the masked model. Found by running it: all makers being zero, nothing of the input can be in it, so random
inputs show whether it is the same number everywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from ..masks import Masks
from ..select import Arrays
from ..variables import named_variables
from .channels import Channels, sliced
from .rules.weights import own
from .trace import graph_of

kl = keras.layers
_FOLDING = (kl.Dense, kl.Conv1D, kl.Conv2D, kl.Conv3D)


def leftovers(channels: Channels, values: Arrays, alive: np.ndarray) -> list[str]:
    """The weights that are not zero in all slices of removed channels, given {path: masked value}."""
    found = []
    for path, weight in channels.weights.items():
        # Without γ and β a variance is of no consequence; and training moves it.
        if "variance" not in path and np.any(values[path], where=~sliced(weight, alive)):
            found.append(path)
    return found


def folded(
    model: keras.Model, masks: Masks, channels: Channels, values: Arrays, alive: np.ndarray
) -> tuple[Arrays, Any, list]:
    """({path of a bias: its new value}, inputs, outputs of the masked model for them)."""
    layers = {
        id(own(layer, "kernel")): layer for layer in model._flatten_layers() if isinstance(layer, _FOLDING)
    }
    users = {path: layers.get(id(w.variable)) for path, w in channels.weights.items()}
    users = {path: layer for path, layer in users.items() if layer is not None and layer.use_bias}
    x = _probe(model)
    with _masked(model, masks), _inputs_of(users.values()) as seen:
        expected = keras.tree.flatten(model(x, training=False))
    biases, paths = {}, {id(v): path for path, v in named_variables(model).items()}
    for path, layer in users.items():
        weight = channels.weights[path]
        said = _constants(seen[id(layer)], weight.axes[-2], alive)
        if said is not None and (not said.any() or getattr(layer, "padding", "valid") == "valid"):
            kernel = values[path].reshape(-1, *values[path].shape[-2:]).sum(axis=0)
            bias = paths[id(layer.bias)]
            biases[bias] = values[bias] + said @ kernel
    return biases, x, expected


def warn_unless_equal(small: keras.Model, x: Any, expected: list, left: list[str]) -> None:
    """Say so if the small model computes something else than the masked one."""
    found = keras.tree.flatten(small(x, training=False))
    for one, other in zip(found, expected, strict=True):
        one, other = (np.asarray(t, np.float64) for t in (one, other))
        error = np.abs(one - other).max() / max(np.abs(other).max(), 1e-6)
        if not error < 1e-3:
            warnings.warn(
                f"The smaller model is not exactly the masked one (relative difference {error:.1g} on random "
                "inputs): removed channels are not zero there, and what they add fits into no bias. "
                f"Received: masks that leave slices of {', '.join(left[:3])}. Masks made with "
                "granularity=Channels(model) cover them.",
                stacklevel=3,
            )
            return


def _constants(inputs: list, labels: np.ndarray | None, alive: np.ndarray) -> np.ndarray | None:
    """What each input channel says if it is removed (else 0), (channels,); None if that is no constant."""
    if labels is None or not inputs:
        return None
    dead = ~alive[labels]
    said = np.concatenate([np.asarray(x, np.float64).reshape(-1, len(labels)) for x in inputs]) * dead
    return said[0] if np.allclose(said, said[0], rtol=1e-5, atol=1e-6) else None


@contextmanager
def _masked(model: keras.Model, masks: Masks) -> Iterator[None]:
    kept = {id(v): (v, np.array(keras.ops.convert_to_numpy(v))) for v in masks.variables(model).values()}
    try:
        masks.apply(model)
        yield
    finally:
        for variable, value in kept.values():
            variable.assign(value)


@contextmanager
def _inputs_of(layers: Any) -> Iterator[dict[int, list]]:
    """{id of a layer: what it was called on, each time}."""
    layers = list(layers)
    seen: dict[int, list] = {id(layer): [] for layer in layers}

    def noting(layer: Any, call: Any) -> Any:
        def noted(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            seen[id(layer)].append(inputs)
            return call(inputs, *args, **kwargs)

        return noted

    for layer in layers:
        vars(layer)["call"] = noting(layer, layer.call)  # past Keras's __setattr__, which tracks
    try:
        yield seen
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def _probe(model: keras.Model) -> Any:
    rng, struct = np.random.default_rng(0), graph_of(model)._inputs_struct

    def one(tensor: Any) -> np.ndarray:
        shape = (2, *(8 if n is None else n for n in tensor.shape[1:]))
        return (
            rng.normal(size=shape).astype("float32") if "float" in tensor.dtype else rng.integers(0, 2, shape)
        )

    return keras.tree.map_structure(one, struct)
