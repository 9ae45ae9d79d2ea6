"""Every model of keras.applications: shrunk equals masked? How small, how fast, how much memory?

Random weights and randomised BatchNormalization statistics, small images; random channels, the same share of
every group. Writes one row a model and share; ends with an error if one is wrong. `make surgery-all`.
"""

import argparse
import gc
import resource
import sys
import time

import keras
import numpy as np

from course_lib.pruning import Channels, layerwise, make_masks, random, shrink

NAMES = sorted(n for n in dir(keras.applications) if n[0].isupper())
LARGE = ("Inception", "Xception", "NASNetLarge")  # these refuse images of 64 × 64
HEAD = "| model | parameters | removed | left | error | trace | shrink | memory |\n|---" + "|--:" * 7 + "|"


def build(name: str) -> keras.Model:
    """A model with weights that leave no statistic and no bias at a special value."""
    size = 96 if name.startswith(LARGE) else 64
    make = getattr(keras.applications, name)
    # Logits: behind a softmax that is sure of itself, anything would be equal.
    model = make(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    rng = np.random.default_rng(0)
    for v in model.weights:
        shape = tuple(v.shape)
        if "variance" in v.name or v.name == "gamma":
            v.assign(rng.uniform(0.5, 1.5, shape))
        elif len(shape) == 1 and "float" in v.dtype:
            v.assign(rng.normal(0, 0.1, shape))
    return model


def examine(model: keras.Model, share: float) -> tuple[float, float, float, float, bool]:
    """(share of parameters left, relative error, seconds to trace, to shrink, is it meant to be exact)"""
    start = time.perf_counter()
    channels = Channels(model)
    traced = time.perf_counter() - start
    masks = make_masks(model, share, random(0), channels, layerwise)
    start = time.perf_counter()
    small = shrink(model, masks)
    shrunk = time.perf_counter() - start
    kept = model.get_weights()
    x = np.random.default_rng(1).uniform(0, 255, (2, *model.input_shape[1:])).astype("float32")
    masks.apply(model)
    expected, found = (np.asarray(m(x, training=False), np.float64) for m in (model, small))
    model.set_weights(kept)
    assert small.input_shape == model.input_shape and small.output_shape == model.output_shape
    error = np.abs(found - expected).max() / np.abs(expected).max()
    left = small.count_params() / model.count_params()
    return left, error, traced, shrunk, not channels.labels.inexact


def rows(names: list[str], shares: list[float]):
    """One line of the table at a time, and whether it is as it should be."""
    for name in names:
        model = build(name)
        for share in shares:
            left, error, traced, shrunk, exact = examine(model, share)
            right = (error < 1e-5 or not exact) and (left <= 0.55 or share < 0.5)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            shown = f"{error:.0e}" if exact else f"{error:.0e} (LayerNorm)"
            yield (
                (
                    f"| {name} | {model.count_params():,} | {share:.0%} | {left:.2f}× | {shown} "
                    f"| {traced:.1f} s | {shrunk:.1f} s | {peak:.1f} GB |"
                ),
                right,
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
    for line, right in rows(args.names or NAMES, args.shares):
        print(line, flush=True)
        wrong += [] if right else [line]
    if wrong:
        sys.exit("Not as they should be:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
