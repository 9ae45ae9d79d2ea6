"""Our exact mask of one tensor against tfmot's mask update and against one np.abs, interleaved in one run.

python benchmarks/bench_masks.py [--small]   # without 25 million weights, where tfmot takes seconds
"""

import argparse
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl

from course_lib.pruning import interleaved, layerwise

SPARSITY = 0.9


def tfmot_update(weights):
    """The compiled mask update that a wrapped layer runs during training."""
    weight, mask, threshold = tf.Variable(weights), tf.Variable(np.ones_like(weights)), tf.Variable(0.0)
    schedule = tfmot.sparsity.keras.ConstantSparsity(SPARSITY, 0)
    pruning = pruning_impl.Pruning(lambda: 0, [(weight, mask, threshold)], schedule, (1, 1), "AVG")
    update = tf.function(pruning.conditional_mask_update)
    return lambda: (update(), mask.numpy())


def ours(weights):
    """make_masks for one tensor: magnitude, then the exact count."""
    return layerwise({"w": np.abs(weights)}, SPARSITY)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one million weights only")
    sizes = [(1_000_000, 25)] + ([] if parser.parse_args().small else [(25_000_000, 3)])
    rng = np.random.default_rng(0)
    for size, rounds in sizes:
        dense = rng.normal(size=(1000, size // 1000)).astype("float32")
        for name, weights in {"dense": dense, "80 % zeros": dense * (rng.random(dense.shape) > 0.8)}.items():
            sides = {
                "ours": partial(ours, weights),
                "tfmot": tfmot_update(weights),
                "abs": partial(np.abs, weights),
            }
            spent = interleaved(sides, rounds)
            print(f"{size:,} weights, {name}: ours {spent.median('ours') * 1e3:.2f} ms")
            print(f"  tfmot / ours   {spent.ratio('tfmot', 'ours')}")
            print(f"  ours / np.abs  {spent.ratio('ours', 'abs')}")


if __name__ == "__main__":
    main()
