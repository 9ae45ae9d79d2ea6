"""What pruning costs while training: held and gradual against plain Keras, tfmot against plain tf_keras.

python benchmarks/bench_hold.py [--rounds 20]   # all sides take turns in one run
"""

import argparse
import itertools
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow_model_optimization as tfmot
from twins import twin

from course_lib.models import conv_digits, dense_digits
from course_lib.pruning import GradualPruning, hold, interleaved, make_masks, polynomial

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


def update_of(model, callbacks):
    """One update of masks and weights, as `fit` makes one every 100 steps."""
    (pruning,) = callbacks
    steps = itertools.count(100, 100)  # at each the schedule asks for a little more
    return lambda: pruning.update(model, next(steps))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    makers = [plain, held, gradual, theirs, tfmot_wrapped]
    for name, build in {"D": dense_digits, "C": conv_digits}.items():
        x = rng.random((STEPS * BATCH, *build(0).input_shape[1:]), np.float32)
        y = rng.integers(0, 10, len(x))
        made = {maker.__name__: maker(build) for maker in makers}
        sides = {side: partial(fit, model, callbacks, x, y) for side, (model, callbacks) in made.items()}
        sides["update"] = update_of(*gradual(build))
        spent = interleaved(sides, rounds, warm_up=1)
        share = float(np.median(spent["update"] / spent["plain"])) * STEPS / 100
        print(f"{name}: plain step {spent.median('plain') / STEPS * 1e3:.2f} ms")
        print(f"  held / plain                {spent.ratio('held', 'plain')}")
        print(f"  gradual every 100 / held    {spent.ratio('gradual', 'held')}")
        print(f"  an update / 100 plain steps {share:.3f} ({spent.median('update') * 1e3:.1f} ms)")
        print(f"  tfmot / tf_keras            {spent.ratio('tfmot_wrapped', 'theirs')}")


if __name__ == "__main__":
    main()
