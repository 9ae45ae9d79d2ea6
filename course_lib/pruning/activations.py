"""Criteria from what flows through a model: functions model → {variable path: scores}, larger = keep.

They score the kernels of Dense and Conv layers, whose inputs and outputs have a fixed meaning, and leave out
what else is prunable: then name the layers to prune in `make_masks(..., within=[...])`. They take examples
`x` (n, ...), run the model as in inference, and leave it as it was. They raise ValueError for a model without
such layers, no examples, and activations that are not finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .criteria import Criterion
from .examples import batches, check_finite
from .flow import chains, dense_and_conv, dense_conv_and_after, watched
from .select import Arrays
from .variables import prunable_variables


def wanda(x: Any) -> Criterion:
    """Scores |w| · ‖x_j‖₂, x_j the input that w multiplies, over all examples and positions.

    Sun et al. 2023, arXiv:2306.11695, who compare within one output unit. In a Conv layer, x_j is what one
    entry (position in the patch, channel) of the kernel meets, padding included as zeros.
    """

    def score(model: keras.Model) -> Arrays:
        sums, weights = _summed(model, x, _squares), prunable_variables(model)
        return {path: np.abs(np.asarray(weights[path])) * np.sqrt(s) for path, s in sums.items()}

    return score


def mean_activation(x: Any) -> Criterion:
    """Scores the mean |activation| of the output unit, for every weight of the unit (Molchanov et al. 2017).

    arXiv:1611.06440. It is read behind the BatchNormalization and the activation (a layer, or a function in a
    Functional model) that follow, if any, but before an addition: there the unit's own part ends.
    """
    return _of_units(x, np.abs)


def apoz(x: Any) -> Criterion:
    """Scores 1 − APoZ of the output unit, the share of its activations that are not zero (Hu et al. 2016).

    arXiv:1607.03250. For every weight of the unit; read where `mean_activation` is. Without a ReLU there are
    no zeros, and all units score 1. So do those of a residual branch whose ReLU comes after the addition:
    name the other layers `within`, or take another criterion for these.
    """
    return _of_units(x, lambda outputs: outputs != 0)


def _summed(model: keras.Model, x: Any, part: Callable) -> Arrays:
    """{path: the sum over batches and calls of `part(layer, inputs, read)`}, `read` the end of its chain."""
    paths, sums = {id(layer): path for path, layer in dense_and_conv(model).items()}, {}
    for xs, _, _ in batches(x):
        with watched(dense_conv_and_after(model)) as runs:
            model(xs, training=False)
        # Inside a function that TensorFlow compiles (a loop, say) there are no numbers to see.
        runs = [run for run in runs if not tf.is_symbolic_tensor(run[2])]
        for chain in chains(runs, set(paths)):
            layer, inputs, outputs = chain[0]
            path = paths[id(layer)]
            check_finite(f"outputs of {path!r}", outputs)
            sums[path] = sums.get(path, 0) + part(
                layer, *(_positions(layer, t) for t in (inputs, chain[-1][2]))
            )
    if not sums:
        raise ValueError(
            "No Dense or Conv layer ran where its numbers can be seen, outside compiled functions. "
            f"Received: {', '.join(paths.values())}."
        )
    return sums


def _positions(layer: keras.Layer, tensor: Any) -> np.ndarray:
    """A tensor as a float array with channels last."""
    array = np.asarray(tensor, np.float64)
    return np.moveaxis(array, 1, -1) if getattr(layer, "data_format", None) == "channels_first" else array


def _of_units(x: Any, measure: Callable) -> Criterion:
    def part(layer: keras.Layer, inputs: np.ndarray, read: np.ndarray) -> np.ndarray:
        values = measure(read.reshape(-1, read.shape[-1]))
        return np.stack([values.sum(axis=0), np.full(values.shape[1], len(values))])

    def score(model: keras.Model) -> Arrays:
        sums, weights = _summed(model, x, part), prunable_variables(model)
        return {p: np.broadcast_to(total / count, weights[p].shape) for p, (total, count) in sums.items()}

    return score


def _squares(layer: keras.Layer, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Σ x² over examples and positions for every weight; broadcasts to the shape of the kernel."""
    if isinstance(layer, keras.layers.Dense):
        return np.square(inputs.reshape(-1, inputs.shape[-1])).sum(axis=0)[:, None]
    entries = _patch_sums(layer, np.square(inputs).sum(axis=0), outputs.shape[1:-1])
    grouped = entries.reshape(*layer.kernel_size, layer.groups, -1)
    return np.repeat(np.moveaxis(grouped, -2, -1), layer.filters // layer.groups, axis=-1)


def _patch_sums(layer: keras.Layer, image: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """The sum of an image over the `steps` positions each entry of a kernel visits: (*kernel, channels)."""
    sums = np.empty((*layer.kernel_size, image.shape[-1]))
    stretch = list(zip(layer.kernel_size, layer.dilation_rate, steps, layer.strides, strict=True))
    spans = [(o - 1) * s + (k - 1) * d + 1 for k, d, o, s in stretch]
    missing = [max(span - n, 0) for span, n in zip(spans, image.shape, strict=False)]
    # TensorFlow's "same" pads the odd one behind; "causal" pads only in front, "valid" misses nothing.
    front = missing if layer.padding == "causal" else [m // 2 for m in missing]
    image = np.pad(image, [*((f, m - f) for f, m in zip(front, missing, strict=True)), (0, 0)])
    for entry in np.ndindex(*layer.kernel_size):
        visits = [
            slice(e * d, e * d + (o - 1) * s + 1, s) for e, (_, d, o, s) in zip(entry, stretch, strict=True)
        ]
        sums[entry] = image[tuple(visits)].sum(axis=tuple(range(len(steps))))
    return sums
