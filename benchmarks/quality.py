"""Accuracy after gradual pruning: ours, layer-wise and global, against tfmot.

python benchmarks/quality.py [--seeds 5] [--write docs/quality.md]

For each seed a network is trained; each arm starts from its weights and prunes it along the same cubic
schedule, with updates as often, a fresh Adam and the same batches in the same order. Takes half an hour.
"""

import argparse
import itertools
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras

from course_lib import data, models
from course_lib.legacy import twin
from course_lib.pruning import GradualPruning, globally, layerwise, polynomial, sparsity

SPARSITIES = (0.8, 0.9, 0.95, 0.98)
LOSS = "sparse_categorical_crossentropy"
DENSE_EPOCHS, EPOCHS, EVERY, BATCH = 10, 12, 20, 32
layers = keras.layers


class Setting(NamedTuple):
    """A network and its data."""

    name: str
    build: object
    split: object


def lenet(seed):
    """LeNet-300-100 for flat MNIST images."""
    keras.utils.set_random_seed(seed)
    return models.compiled(
        keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(300, activation="relu", name="hidden_1"),
                layers.Dense(100, activation="relu", name="hidden_2"),
                layers.Dense(10, activation="softmax", name="digits"),
            ]
        )
    )


SETTINGS = (
    Setting("digits, D (300-100)", models.dense_digits, partial(data.digits, flat=True)),
    Setting("digits, C (two convolutions)", models.conv_digits, data.digits),
    Setting("MNIST-5k, LeNet-300-100", lenet, partial(data.mnist5k, flat=True)),
)


def ordered(x, y, epochs, seed):
    """All batches of a training in one fixed order, for arms that must see the same."""
    rng, usable = np.random.default_rng(seed), len(x) // BATCH * BATCH
    order = np.concatenate([rng.permutation(len(x))[:usable] for _ in range(epochs)])
    return x[order], y[order]


def last_update(stream):
    """Two thirds into the training, and on the grid of updates: off it, tfmot would not reach the target."""
    return len(stream[0]) // BATCH * 2 // 3 // EVERY * EVERY


def prune_ours(scope, weights, build, stream, target):
    """Our GradualPruning; returns the model."""
    model = build(0)
    model.set_weights(weights)
    pruning = GradualPruning(polynomial(target, end=last_update(stream)), every=EVERY, scope=scope)
    model.fit(*stream, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[pruning])
    return model


def prune_theirs(weights, build, stream, target):
    """tfmot's prune_low_magnitude, stripped."""
    dense = build(0)
    dense.set_weights(weights)
    end = (
        len(stream[0]) // BATCH * 2 // 3 // EVERY * EVERY
    )  # off the grid, tfmot would never reach the target
    decay = tfmot.sparsity.keras.PolynomialDecay(0.0, target, begin_step=0, end_step=end, frequency=EVERY)
    model = tfmot.sparsity.keras.prune_low_magnitude(twin(dense), decay)
    model.compile(tf_keras.optimizers.Adam(1e-3), LOSS)
    callbacks = [tfmot.sparsity.keras.UpdatePruningStep()]
    model.fit(*stream, batch_size=BATCH, shuffle=False, verbose=0, callbacks=callbacks)
    dense.set_weights(tfmot.sparsity.keras.strip_pruning(model).get_weights())
    return dense


ARMS = {
    "tfmot": prune_theirs,
    "ours, layer-wise": partial(prune_ours, layerwise),
    "ours, global": partial(prune_ours, globally),
}


def one_seed(setting, seed):
    """{(arm, sparsity): (accuracy, sparsity reached)} for one seed, and the dense accuracy."""
    x, y, x_test, y_test = setting.split(seed=seed)
    model = setting.build(seed)
    model.fit(*ordered(x, y, DENSE_EPOCHS, seed), batch_size=BATCH, shuffle=False, verbose=0)
    weights, stream = model.get_weights(), ordered(x, y, EPOCHS, seed + 1000)
    found = {("dense", 0.0): (models.accuracy(model, x_test, y_test), sparsity(model))}
    for (name, arm), target in itertools.product(ARMS.items(), SPARSITIES):
        pruned = arm(weights, setting.build, stream, target)
        found[name, target] = (models.accuracy(pruned, x_test, y_test), sparsity(pruned))
        assert abs(found[name, target][1] - target) < 2e-3, (name, target, found[name, target])
        print(f"{setting.name}, seed {seed}, {name}, {target:.0%}: {found[name, target][0]:.4f}", flush=True)
        keras.utils.clear_session(free_memory=False)
    return found


def shown(accuracies):
    """Mean ± standard error in percent."""
    values = 100 * np.array(accuracies)
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def tables(settings, seeds):
    """The Markdown text of all tables."""
    lines = []
    for setting in settings:
        runs = [one_seed(setting, seed) for seed in range(seeds)]
        dense = shown([run["dense", 0.0][0] for run in runs])
        lines += [f"\n## {setting.name}, {seeds} seeds\n", f"Dense: {dense} % correct.\n"]
        lines += [
            "| | " + " | ".join(f"{s:.0%}" for s in SPARSITIES) + " |",
            "|---|" + "---|" * len(SPARSITIES),
        ]
        for name in ARMS:
            cells = [shown([run[name, s][0] for run in runs]) for s in SPARSITIES]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        for name in list(ARMS)[1:]:
            gaps = [shown([run[name, s][0] - run["tfmot", s][0] for run in runs]) for s in SPARSITIES]
            lines.append(f"| *{name} − tfmot, paired* | " + " | ".join(gaps) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="settings whose name holds this text")
    parser.add_argument("--write", type=Path, help="put the tables into this file, below its mark")
    arguments = parser.parse_args()
    text = tables([s for s in SETTINGS if arguments.only in s.name], arguments.seeds)
    print(text)
    if arguments.write:
        mark = "<!-- tables -->\n"
        head = arguments.write.read_text("utf-8").split(mark)[0]
        arguments.write.write_text(head + mark + text + "\n", "utf-8")


if __name__ == "__main__":
    main()
