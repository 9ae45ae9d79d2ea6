"""Networks with several exits: how to build one, what each exit costs, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from .macs import macs
from .variables import check_model, prunable_variables

layers = keras.layers


def add_exits(
    model: keras.Model, after: Iterable[str], head: Callable[[Any], Any] | None = None
) -> keras.Model:
    """A copy of a classifier with an exit behind each of these layers; outputs: the exits, then the old end.

    `head(features) → probabilities` builds an exit on a symbolic tensor; by default one layer of as many
    softmax units as the model has (right behind large images that is a large one: pool first). Trunk weights
    are copied, the heads are new. Train all k outputs together (BranchyNet, Teerapittayanon et al. 2016,
    arXiv:1709.01686): `exits.compile("adam", [loss] * k)`, then `exits.fit(x, [y] * k)`.
    Raises: ValueError for models that are not Functional or Sequential with one output, for unknown layers.
    """
    check_model(model)
    if len(getattr(model, "outputs", None) or ()) != 1:
        raise ValueError(
            f"add_exits needs a Functional or Sequential model with one output. Received: {model.name!r}."
        )
    if not (names := [after] if isinstance(after, str) else list(after)):
        raise ValueError("`after` must name at least one layer. Received: none.")
    trunk = keras.models.clone_model(model)
    trunk.set_weights(model.get_weights())
    head = head or _softmax_head(model.outputs[0].shape[-1])
    features = [trunk.get_layer(name).output for name in names]
    exits = [
        _exit(f"exit_{name}", head, tensor)(tensor) for name, tensor in zip(names, features, strict=True)
    ]
    inputs = (getattr(trunk, "_functional", None) or trunk).input  # a Sequential has none itself
    return keras.Model(inputs, [*exits, trunk.outputs[0]], name=f"{model.name}_with_exits")


def exit_costs(model: keras.Model, masks: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
    """Multiply-accumulates of one example up to each exit, the heads on the way included: (exits,).

    `masks` as in `macs`: masked weights cost nothing.
    """
    costs = []
    for part in (keras.Model(model.inputs, model.outputs[: i + 1]) for i in range(len(model.outputs))):
        here = prunable_variables(part)
        costs.append(macs(part, {p: m for p, m in (masks or {}).items() if p in here}).total)
    return np.array(costs)


def top_probability(probabilities: np.ndarray) -> np.ndarray:
    """The probability of the likeliest class: (n, classes) → (n,)."""
    return probabilities.max(axis=-1)


def certainty(probabilities: np.ndarray) -> np.ndarray:
    """1 − entropy / log(classes), BranchyNet's entropy turned so that larger = surer: (n, classes) → (n,)."""
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return 1 + (probabilities * logs).sum(axis=-1) / np.log(probabilities.shape[-1])


def distributions(outputs: Any) -> np.ndarray:
    """Outputs as probabilities of classes, (n, classes); one unit, (n, 1), decides between two.

    Raises: ValueError for anything but probabilities.
    """
    p = np.asarray(outputs, np.float64)
    p = np.concatenate([1 - p, p], axis=-1) if p.shape[-1] == 1 else p
    if p.ndim != 2 or not (p.min() >= 0 and np.allclose(p.sum(axis=-1), 1, atol=1e-2)):
        raise ValueError(
            "Every exit must give probabilities (n, classes), as of a softmax, that say how sure it is. "
            f"Received: shape {p.shape}, values from {p.min():g} to {p.max():g}."
        )
    return p


def _exit(name: str, head: Callable[[Any], Any], features: Any) -> keras.Model:
    # A model of its own, so that no layer of a head has the name of one in the trunk or in another head.
    inputs = keras.Input(features.shape[1:], dtype=features.dtype)
    return keras.Model(inputs, head(inputs), name=name)


def _softmax_head(units: int) -> Callable[[Any], Any]:
    def head(features: Any) -> Any:
        if len(features.shape) > 2:
            features = layers.Flatten()(features)
        activation = "softmax" if units > 1 else "sigmoid"
        return layers.Dense(units, activation=activation)(features)

    return head
