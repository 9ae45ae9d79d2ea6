"""What pruning costs while training: held and gradual against plain Keras, tfmot against plain tf_keras.

python benchmarks/bench_hold.py [--rounds 15]   # all sides take turns in one run
"""

import argparse
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow_model_optimization as tfmot
from pairs import interleaved, ratio
from twins import twin

from course_lib.models import conv_digits, dense_digits
from course_lib.pruning import GradualPruning, hold, make_masks, polynomial

STEPS, BATCH = 500, 32
LOSS = "sparse_categorical_crossentropy"


def plain(build):
    """Keras alone."""
    return build(0), []


def held(build):
    """Masks at 90 % held throughout."""
    model = build(0)
    hold(model, make_masks(model, 0.9))
    return model, []


def gradual(build):
    """A schedule without end, so that every run has its 5 updates."""
    return build(0), [GradualPruning(polynomial(0.9, end=10**6, initial=0.89), every=100)]


def theirs(build):
    """The same layers in tf_keras."""
    model = twin(build(0))
    model.compile("adam", LOSS, metrics=["accuracy"])
    return model, []


def tfmot_wrapped(build):
    """tfmot at a constant 90 %, with its default frequency of 100 steps."""
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.9, begin_step=0, frequency=100)
    model = tfmot.sparsity.keras.prune_low_magnitude(theirs(build)[0], schedule)
    model.compile("adam", LOSS, metrics=["accuracy"])
    return model, [tfmot.sparsity.keras.UpdatePruningStep()]


def fit(model, callbacks, x, y):
    """One run of STEPS steps."""
    model.fit(x, y, batch_size=BATCH, verbose=0, callbacks=callbacks)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    makers = [plain, held, gradual, theirs, tfmot_wrapped]
    for name, build in {"D": dense_digits, "C": conv_digits}.items():
        x = rng.random((STEPS * BATCH, *build(0).input_shape[1:]), np.float32)
        y = rng.integers(0, 10, len(x))
        made = {maker.__name__: maker(build) for maker in makers}
        sides = {side: partial(fit, model, callbacks, x, y) for side, (model, callbacks) in made.items()}
        spent = interleaved(sides, rounds)
        print(f"{name}: plain step {np.median(spent['plain']) / STEPS * 1e3:.2f} ms")
        print(f"  held / plain                {ratio(spent['held'], spent['plain'])}")
        print(f"  gradual every 100 / held    {ratio(spent['gradual'], spent['held'])}")
        print(f"  tfmot / tf_keras            {ratio(spent['tfmot_wrapped'], spent['theirs'])}")


if __name__ == "__main__":
    main()
