"""Every model of keras.applications: shrunk equals masked? How small, how fast, how much memory?

Random weights, small images; random channels, the same share of each group; normalisation statistics near
those of the images, off by up to a fourth. In float64, as deep random models magnify rounding errors by many
powers of ten. "Hears": how far the outputs for two images differ; an error is small only beside that. Memory:
the most there was at a time while shrinking, the old model and the new one included, in sizes of the old one
(on Linux). One row a model and share; ends with an error if one is wrong. `make surgery-all`.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from course_lib.pruning import Channels, layerwise, make_masks, random, raw_bytes, shrink

NAMES = sorted(n for n in dir(keras.applications) if n[0].isupper())
LARGE = ("Inception", "Xception", "NASNetLarge")  # these refuse images of 64 × 64
HEAD = (
    "| model | parameters | removed | left | error | hears | trace | shrink | memory |\n|---"
    + "|--:" * 8
    + "|"
)


def build(name: str, size: int | None = None, **options: object) -> keras.Model:
    """A model with weights that leave no bias and no γ at a special value."""
    size = size or (96 if name.startswith(LARGE) else 64)
    make = getattr(keras.applications, name)
    # ConvNeXt, inexact anyway, has grouped convolutions, which take minutes in float64.
    keras.config.set_dtype_policy("float32" if name.startswith("ConvNeXt") else "float64")
    # Logits: behind a softmax that is sure of itself, anything would be equal.
    model = make(weights=None, input_shape=(size, size, 3), classifier_activation=None, **options)
    keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(0)
    for v in model.weights:
        if len(v.shape) == 1 and "float" in v.dtype and "moving" not in v.name:
            v.assign(rng.uniform(0.5, 1.5, v.shape) if v.name == "gamma" else rng.normal(0, 0.1, v.shape))
    return model


def calibrate(model: keras.Model, x: np.ndarray) -> None:
    """Moving statistics near those of these images: else deep random models are deaf, or chaotic."""
    norms = [n for n in model._flatten_layers() if isinstance(n, keras.layers.BatchNormalization)]
    momentum = [n.momentum for n in norms]
    for n in norms:
        n.momentum = 0.0
    model(x, training=True)
    rng = np.random.default_rng(2)
    for n, before in zip(norms, momentum, strict=True):
        n.momentum = before
        n.moving_variance.assign(n.moving_variance * rng.uniform(0.8, 1.25, n.moving_variance.shape))


def examine(model: keras.Model, share: float) -> dict:
    """Mask, calibrate, shrink, compare; the model gets its weights back.

    {left: share of the parameters, error: relative, hears: how far the outputs for two images differ,
    trace and shrink: seconds, memory: the most while shrinking, in sizes of the model, exact: is it meant}
    """
    start = time.perf_counter()
    channels = Channels(model)
    traced = time.perf_counter() - start
    masks, kept = make_masks(model, share, random(0), channels, layerwise), model.get_weights()
    x = np.random.default_rng(1).uniform(0, 255, (8, *model.input_shape[1:]))
    masks.apply(model)
    calibrate(model, x)
    masks.apply(model)
    before, start = forget_peak(), time.perf_counter()
    small = shrink(model, masks)
    shrunk, peak = time.perf_counter() - start, resident("VmHWM")
    expected, found = (np.asarray(m(x[:2], training=False), np.float64) for m in (model, small))
    model.set_weights(kept)
    assert small.input_shape == model.input_shape and small.output_shape == model.output_shape
    scale = np.abs(expected).max()
    return {
        "left": small.count_params() / model.count_params(),
        "error": np.abs(found - expected).max() / scale,
        "hears": np.abs(expected[0] - expected[1]).max() / scale,
        "trace": traced,
        "shrink": shrunk,
        "memory": 1 + (peak - before) / raw_bytes(model),
        "exact": not channels.labels.inexact,
    }


def resident(what: str) -> float:
    """Bytes of this process in memory: now (VmRSS), or the most since `forget_peak` (VmHWM)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(what)), np.nan)


def forget_peak() -> float:
    """Begin anew with the most; returns what there is now."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def right(seen: dict, share: float) -> bool:
    """As it should be?"""
    equal = seen["error"] < min(1e-5, 1e-3 * seen["hears"])
    return (equal or not seen["exact"]) and (seen["left"] <= 0.55 or share < 0.5)


def rows(names: list[str], shares: list[float]) -> Iterator[tuple[str, bool]]:
    """One line of the table at a time, and whether it is as it should be."""
    for name in names:
        model = build(name)
        for share in shares:
            seen = examine(model, share)
            remark = "" if seen["exact"] else " (LayerNorm)"
            yield (
                (
                    f"| {name} | {model.count_params():,} | {share:.0%} | {seen['left']:.2f}× "
                    f"| {seen['error']:.0e}{remark} | {seen['hears']:.0e} | {seen['trace']:.1f} s "
                    f"| {seen['shrink']:.1f} s | {seen['memory']:.1f}× |"
                ),
                right(seen, share),
            )
        del model
        keras.backend.clear_session()
        gc.collect()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 0.5, 0.7])
    args = parser.parse_args()
    print(HEAD, flush=True)
    wrong = []
    for line, fine in rows(args.names, args.shares):
        print(line, flush=True)
        wrong += [] if fine else [line]
    if wrong:
        sys.exit("Not as they should be:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
