"""Fisher and OBD on the digits perceptron with 1,000 examples; Fisher against the loop one would write.

python benchmarks/bench_criteria.py [--rounds 3]
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from course_lib import data, models
from course_lib.pruning import fisher, interleaved, obd, prunable_variables

EXAMPLES = 1000


def loop_over_examples(model, x, y):
    """Σ g² with one gradient tape an example, compiled."""
    weights = [v.value for v in prunable_variables(model).values()]
    loss = keras.losses.get(model.loss)

    @tf.function
    def squares(one, label):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(label, model(one, training=False)))
        return [g**2 for g in tape.gradient(value, weights)]

    totals = [np.zeros(w.shape) for w in weights]
    for i in range(len(x)):
        for total, part in zip(totals, squares(x[i : i + 1], y[i : i + 1]), strict=True):
            total += part.numpy()
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    x, y, *_ = data.digits(flat=True)
    x, y = x[:EXAMPLES], y[:EXAMPLES]
    model = models.trained("D")
    sides = {
        "fisher": lambda: fisher(x, y)(model),
        "obd": lambda: obd(x, y)(model),
        "loop": lambda: loop_over_examples(model, x, y),
    }
    spent = interleaved(sides, rounds)
    for name in ("fisher", "obd"):
        print(f"{name}, {EXAMPLES:,} examples: {spent.median(name):.1f} s")
    print(f"  loop over examples / fisher  {spent.ratio('loop', 'fisher')}")


if __name__ == "__main__":
    main()
