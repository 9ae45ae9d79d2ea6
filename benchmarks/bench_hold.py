"""What holding masks costs a training step: held fit against plain fit, interleaved in one run.

python benchmarks/bench_hold.py [--rounds 9]
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from course_lib.pruning import hold, make_masks

EXAMPLES, BATCH = 4096, 32


def perceptron(held, jit_compile):
    """The course's 300-100 digits perceptron, with or without masks at 90 %."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(300, "relu"),
        keras.layers.Dense(100, "relu"),
        keras.layers.Dense(10, "softmax"),
    ]
    model = keras.Sequential([keras.Input((64,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    if held:
        hold(model, make_masks(model, 0.9))
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    x, y = rng.random((EXAMPLES, 64), np.float32), rng.integers(0, 10, EXAMPLES)
    for jit_compile in (False, True):
        models = [perceptron(held, jit_compile) for held in (False, True)]
        ratios, plain = [], []
        for _ in range(rounds + 1):
            seconds = []
            for model in models:
                start = time.perf_counter()
                model.fit(x, y, batch_size=BATCH, verbose=0)
                seconds.append(time.perf_counter() - start)
            plain.append(seconds[0])
            ratios.append(seconds[1] / seconds[0])
        low, middle, high = np.percentile(ratios[1:], [25, 50, 75])  # the first round traces
        step = np.median(plain[1:]) / (EXAMPLES // BATCH) * 1e3
        print(
            f"jit_compile={jit_compile!s:<5}  held/plain {middle:.3f} (quartiles {low:.3f}, {high:.3f})"
            f"  plain step {step:.2f} ms"
        )


if __name__ == "__main__":
    main()
