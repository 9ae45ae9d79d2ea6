"""Criteria for whole output units: every weight of a filter has the filter's score, larger = keep.

They score the kernels of Dense and Conv layers and leave out what else is prunable; see `activations.py`.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from .criteria import Criterion
from .flow import Run, chains, dense_and_conv, dense_conv_and_after, traced
from .select import Arrays
from .variables import prunable_variables


def bn_scale() -> Criterion:
    """Scores |γ| of the BatchNormalization that follows the layer: Network Slimming (Liu et al. 2017).

    arXiv:1708.06519. An activation or Dropout may stand in between; a shared layer has the largest of its
    |γ|. Layers with no BatchNormalization (with scale) behind them get no scores.
    Raises: ValueError if that is so for all layers, or the model is neither Functional nor Sequential.
    """

    def score(model: keras.Model) -> Arrays:
        found, kernels = {}, dense_and_conv(model)
        paths, weights = {id(layer): path for path, layer in kernels.items()}, prunable_variables(model)
        for chain in chains(_symbolic_runs(model), set(paths)):
            path, sizes = paths[id(chain[0][0])], _gamma_sizes(chain)
            if sizes is not None:
                found[path] = np.maximum(found.get(path, 0), np.broadcast_to(sizes, weights[path].shape))
        if not found:
            raise ValueError(
                "bn_scale needs a BatchNormalization (with scale) that follows a Dense or Conv layer. "
                f"Received: model {model.name!r}, where none follows {', '.join(kernels)}."
            )
        return {path: found[path] for path in kernels if path in found}

    return score


def geometric_median() -> Criterion:
    """Scores Σ_k ‖F − F_k‖₂, the distances of a filter F to the other filters of its layer (He et al. 2019).

    FPGM, arXiv:1811.00250: a filter near the geometric median can be replaced by the others, however large
    its weights are.
    """

    def score(model: keras.Model) -> Arrays:
        weights = prunable_variables(model)
        kernels = {path: np.asarray(weights[path], np.float64) for path in dense_and_conv(model)}
        return {path: np.broadcast_to(_distances(w), w.shape) for path, w in kernels.items()}

    return score


def _symbolic_runs(model: keras.Model) -> list[Run]:
    """The runs of a model's layers on no data: TensorFlow traces the call."""
    graph = getattr(model, "_functional", None) or model
    if not getattr(graph, "inputs", None):
        raise ValueError(
            "bn_scale follows the graph of a Functional or Sequential model. "
            f"Received: {model.name!r} ({type(model).__name__})."
        )
    example = keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), graph._inputs_struct)
    return traced(model, dense_conv_and_after(model), example)[0]


def _gamma_sizes(chain: list[Run]) -> np.ndarray | None:
    norms = [layer for layer, _, _ in chain if isinstance(layer, keras.layers.BatchNormalization)]
    return np.abs(np.asarray(norms[0].gamma)) if norms and norms[0].scale else None


def _distances(kernel: np.ndarray) -> np.ndarray:
    """For each filter (last axis) the sum of its Euclidean distances to all of them."""
    filters = kernel.reshape(-1, kernel.shape[-1]).T
    return np.array([np.sqrt(np.square(filters - f).sum(axis=1)).sum() for f in filters])
