"""Where the time goes: the layers of two models by kind, each layer called alone.

A kind whose arithmetic intensity (multiply-accumulates a byte moved) is low waits for memory: its time
follows the bytes, which halve with the channels, and not the products, which fall to a quarter.
"""

from collections.abc import Callable
from functools import partial
from math import prod

import keras
import numpy as np
import rows
import tensorflow as tf

from course_lib.pruning import interleaved, macs

kl = keras.layers
OTHER = "normalise, activate, add, pad, pool"


def kind(layer: keras.Layer) -> str:
    """What a layer is to the processor."""
    if isinstance(layer, kl.DepthwiseConv2D):
        return "depthwise convolution"
    if isinstance(layer, kl.Conv2D):
        size = "×".join(map(str, layer.kernel_size))
        return f"first convolution, {size}" if layer.input.shape[-1] == 3 else f"{size} convolution"
    return "dense" if isinstance(layer, kl.Dense) else OTHER


def moved(layer: keras.Layer, batch: int) -> int:
    """Bytes a layer reads and writes at least: inputs, weights, outputs, in float32."""
    tensors = keras.tree.flatten([layer.input, layer.output])
    return 4 * (sum(batch * prod(t.shape[1:]) for t in tensors) + sum(prod(v.shape) for v in layer.weights))


def calls(model: keras.Model, batch: int) -> dict[str, list[Callable]]:
    """{kind: its layers, ready to be called on random inputs}; layers of one input shape share it."""
    made, found = {}, {}

    def example(tensor: keras.KerasTensor) -> tf.Tensor:
        shape = (batch, *tensor.shape[1:])
        return made.setdefault(shape, tf.random.normal(shape))

    for layer in model.layers:
        if not isinstance(layer, kl.InputLayer):
            inputs = keras.tree.map_structure(example, layer.input)
            run = tf.function(partial(layer, **_inference(layer)), autograph=False)
            found.setdefault(kind(layer), []).append(partial(run, inputs))
    return found


def _inference(layer: keras.Layer) -> dict:
    return {"training": False} if isinstance(layer, kl.BatchNormalization) else {}


def one_after_another(some: list[Callable]) -> Callable:
    """All of them in turn."""

    def run() -> None:
        for call in some:
            call()  # on a processor the result is there when it returns; `.numpy()` would copy all of it

    return run


def totals(model: keras.Model, batch: int) -> dict[str, np.ndarray]:
    """{kind: [multiply-accumulates, bytes moved]} of a batch."""
    found: dict[str, np.ndarray] = {}
    counts = {path.rpartition("/")[0]: number for path, number in macs(model).items()}
    for layer in model.layers:
        if not isinstance(layer, kl.InputLayer):
            one = np.array([batch * counts.get(layer.name, 0), moved(layer, batch)], float)
            found[kind(layer)] = found.get(kind(layer), 0) + one
    assert sum(n for n, _ in found.values()) == batch * macs(model).total
    return found


def by_kind(pair: tuple[keras.Model, keras.Model], batch: int, rounds: int) -> str:
    """The second table: for each kind products, bytes and time of the half model over those of the whole."""
    both = [calls(model, batch) for model in pair]
    sides = {f"{name} {i}": one_after_another(of[name]) for i, of in enumerate(both) for name in of}
    spent, (whole, half) = interleaved(sides, rounds), (totals(model, batch) for model in pair)
    everything = sum(spent.median(f"{name} 0") for name in whole)
    lines = []
    for name, (products, bytes_) in whole.items():
        lines.append([
            name,
            f"{products / bytes_:.1f}",
            f"{spent.median(f'{name} 0') / everything:.0%}",
            f"{half[name][0] / products:.2f}" if products else "–",
            f"{half[name][1] / bytes_:.2f}",
            f"{spent.ratio(f'{name} 1', f'{name} 0').median:.2f}",
        ])  # fmt: skip
    head = ["", "products a byte", "share of the time", "products ratio", "bytes ratio", "time ratio"]
    alone = f"By kind of layer, each layer alone, batch {batch}, Keras; all of the whole model take "
    return f"{alone}{everything * 1e3:.0f} ms:\n\n{rows.table(head, lines)}"
