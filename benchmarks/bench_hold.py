"""What pruning costs while training: held and gradual against plain Keras, tfmot against plain tf_keras.

python benchmarks/bench_hold.py [--rounds 20] [--models D C]   # all sides take turns in one run

Behind each median of the rounds' ratios stands the interval in which the true one lies in 95 of 100 runs.
The batches come from a tf.data pipeline that does not tune itself: one that does, as `fit` makes of arrays,
sleeps 10, 20, 40 … ms between looks at itself, and `fit` returns only when the last of these sleeps is over.
It then takes 0.3, 0.6, 1.3 or 2.6 s, whatever the model does.
"""

import argparse
import itertools
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot

from course_lib.legacy import twin
from course_lib.models import conv_digits, dense_digits
from course_lib.pruning import GradualPruning, hold, interleaved, make_masks, polynomial

STEPS, BATCH = 500, 32
MODELS = {"D": dense_digits, "C": conv_digits}
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


def again(build):
    """Keras alone, once more: what noise alone does to a ratio."""
    return plain(build)


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


def batches(shape):
    """STEPS batches of noise."""
    rng = np.random.default_rng(0)
    x = rng.random((STEPS * BATCH, *shape), np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, rng.integers(0, 10, len(x)))).batch(BATCH)
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def fit(model, callbacks, data):
    """One run of STEPS steps."""
    model.fit(data, verbose=0, callbacks=callbacks)


def update_of(model, callbacks):
    """One update of masks and weights, as `fit` makes one every 100 steps."""
    (pruning,) = callbacks
    steps = itertools.count(100, 100)  # at each the schedule asks for a little more
    return lambda: pruning.update(model, next(steps))


def median(spent, one, other):
    """The median of the ratios round by round, and where the true one lies in 95 of 100 runs."""
    ratios = np.sort(spent[one] / spent[other])
    reach = 0.98 * np.sqrt(len(ratios))  # 1.96 standard deviations of a count of heads, Binomial(n, ½)
    low, high = max(0, int(len(ratios) / 2 - reach)), min(len(ratios) - 1, int(len(ratios) / 2 + reach))
    return f"{np.median(ratios):.3f}× ({ratios[low]:.3f} to {ratios[high]:.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()
    rounds = options.rounds
    for name in options.models:
        build = MODELS[name]
        data = batches(build(0).input_shape[1:])

        def timed(*makers, build=build, data=data, **more):
            """Few sides a round, so that those compared run within seconds of each other."""
            sides = {maker.__name__: partial(fit, *maker(build), data) for maker in makers}
            return interleaved(sides | more, rounds, warm_up=1)

        spent = timed(plain, held, gradual, again, update=update_of(*gradual(build)))
        share = float(np.median(spent["update"] / spent["plain"])) * STEPS / 100
        print(f"{name}: plain step {spent.median('plain') / STEPS * 1e3:.2f} ms")
        print(f"  held / plain                {median(spent, 'held', 'plain')}")
        print(f"  gradual every 100 / held    {median(spent, 'gradual', 'held')}")
        print(f"  plain / plain: the noise    {median(spent, 'again', 'plain')}")
        print(
            f"  an update / 100 plain steps {share:.3f} ({spent.median('update') * 1e3:.1f} ms)", flush=True
        )
        spent = timed(theirs, tfmot_wrapped)
        print(f"  tfmot / tf_keras            {median(spent, 'tfmot_wrapped', 'theirs')}", flush=True)


if __name__ == "__main__":
    main()
