"""Our exact mask of one tensor against tfmot's mask update and against one np.abs, interleaved in one run.

python benchmarks/bench_masks.py [--large]   # --large adds 25 million weights (tfmot takes seconds for each)
"""

import argparse
import os
import time
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl

from course_lib.pruning import layerwise

SPARSITY = 0.9


def tfmot_update(weights):
    """The compiled mask update that a wrapped layer runs during training."""
    weight, mask, threshold = tf.Variable(weights), tf.Variable(np.ones_like(weights)), tf.Variable(0.0)
    schedule = tfmot.sparsity.keras.ConstantSparsity(SPARSITY, 0)
    pruning = pruning_impl.Pruning(lambda: 0, [(weight, mask, threshold)], schedule, (1, 1), "AVG")
    update = tf.function(pruning.conditional_mask_update)
    update()
    return lambda: (update(), mask.numpy())


def ours(weights):
    """make_masks for one tensor: magnitude, then the exact count."""
    return layerwise({"w": np.abs(weights)}, SPARSITY)


def medians(sides, rounds):
    """Median seconds of each side; a round runs every side once, so that a busy machine slows all alike."""
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(spent)) for name, spent in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="25 million weights as well")
    sizes = [(1_000_000, 15)] + ([(25_000_000, 3)] if parser.parse_args().large else [])
    rng = np.random.default_rng(0)
    for size, rounds in sizes:
        dense = rng.normal(size=(1000, size // 1000)).astype("float32")
        for name, weights in {"dense": dense, "80 % zeros": dense * (rng.random(dense.shape) > 0.8)}.items():
            sides = {
                "ours": partial(ours, weights),
                "tfmot": tfmot_update(weights),
                "abs": partial(np.abs, weights),
            }
            spent = medians(sides, rounds)
            print(
                f"{size:>10,} {name:<10}  ours {spent['ours'] * 1e3:7.2f} ms  tfmot/ours "
                f"{spent['tfmot'] / spent['ours']:6.1f}  ours/np.abs {spent['ours'] / spent['abs']:5.1f}"
            )


if __name__ == "__main__":
    main()
