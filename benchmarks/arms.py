"""The arms of benchmarks/structured.py: filters chosen by a criterion, cut, fine-tuned; and the controls."""

import os
from functools import partial
from pathlib import Path

import keras
import numpy as np

from course_lib import data, models
from course_lib.pruning import (
    Channels,
    apoz,
    bn_scale,
    globally,
    layerwise,
    macs,
    magnitude,
    make_masks,
    mean_activation,
    random,
    shrink,
    taylor,
)

CRITERIA = {
    "L2": lambda x, y, seed: magnitude(2),
    "mean activation": lambda x, y, seed: mean_activation(x),
    "APoZ": lambda x, y, seed: apoz(x),
    "Taylor": lambda x, y, seed: taylor(x, y),
    "BN scale": lambda x, y, seed: bn_scale(),
    "random": lambda x, y, seed: random(seed),
}
KEPT, SCRATCH, DENSE = "L2, optimizer's memory kept", "from scratch", "dense"
SCOPES = {"layerwise": layerwise, "globally": globally}
_workers: dict = {}


def worker(model: keras.Model) -> keras.Model:
    """A compiled model of the same shape and weights, one for all arms: tracing costs more than training."""
    shape = model.input_shape, tuple(tuple(v.shape) for v in model.weights)
    if shape not in _workers:
        twin = keras.models.clone_model(model)
        twin.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", jit_compile=False)
        twin.optimizer.build(twin.trainable_variables)
        _workers[shape] = twin, [np.asarray(v).copy() for v in twin.optimizer.variables]
    twin, fresh = _workers[shape]
    twin.set_weights(model.get_weights())
    for variable, value in zip(twin.optimizer.variables, fresh, strict=True):
        variable.assign(value)
    return twin


def train(model: keras.Model, split: data.Split, epochs: int, batch: int, seed: int) -> float:
    """Train on batches whose order the seed decides; the accuracy on the test images."""
    rng, count = np.random.default_rng(seed), len(split.x_train)
    order = np.concatenate([rng.permutation(count)[: count // batch * batch] for _ in range(epochs)])
    model.fit(split.x_train[order], split.y_train[order], batch_size=batch, shuffle=False, verbose=0)
    return models.accuracy(model, split.x_test, split.y_test)


def dense(setting, split: data.Split, seed: int, folder: Path) -> keras.Model:
    """The trained network, with its optimizer; from the folder if an earlier run trained it."""
    path = folder / f"{setting.key}, seed {seed}.keras"
    if not path.exists():
        model = worker(setting.build(seed))
        train(model, split, setting.dense_epochs, setting.batch, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save(part := path.with_suffix(".part.keras"))
        os.replace(part, path)
    return keras.saving.load_model(path)


def renewed(model: keras.Model, split: data.Split) -> float:
    """Accuracy with the moving statistics of up to 1,024 training images, no weight being trained."""
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before, momentum = model.get_weights(), [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(split.x_train[:1024], training=True)
    found = models.accuracy(model, split.x_test, split.y_test)
    model.set_weights(before)
    for norm, value in zip(norms, momentum, strict=True):
        norm.momentum = value
    return found


def cut(model: keras.Model, arm: str, scope: str, sparsity: float, split: data.Split, seed: int):
    """The smaller network that the arm makes of the trained one."""
    criterion = CRITERIA.get(arm, CRITERIA["L2"])(split.x_train[:1024], split.y_train[:1024], seed)
    # Only filters: the Dense layers have no BatchNormalization, and their neurons are another question.
    filters = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    masks = make_masks(model, sparsity, criterion, Channels(model), SCOPES[scope], within=filters)
    return shrink(model, masks, optimizer_state=arm == KEPT)


def measured(setting, model, split, seed: int, scope: str, arm: str, sparsity: float) -> dict:
    """One row: accuracies right after cutting, with renewed statistics, and after fine-tuning."""
    fit = partial(train, split=split, batch=setting.batch)
    if arm == DENSE:
        start = models.accuracy(model, split.x_test, split.y_test)
        return {"cut": start, "tuned": fit(worker(model), epochs=setting.epochs, seed=seed + 1000)}
    small = cut(model, arm, scope, sparsity, split, seed)
    left = {"parameters": small.count_params() / model.count_params()}
    left["macs"] = macs(small).total / macs(model).total
    if arm == SCRATCH:
        keras.utils.set_random_seed(seed)
        new = worker(keras.models.clone_model(small))  # a clone has new weights
        short = fit(new, epochs=setting.epochs, seed=seed + 1000)
        return left | {"short": short, "tuned": fit(new, epochs=setting.dense_epochs, seed=seed + 2000)}
    left |= {"cut": models.accuracy(small, split.x_test, split.y_test), "renewed": renewed(small, split)}
    twin = worker(small)
    if arm == KEPT:
        for variable, value in zip(twin.optimizer.variables, small.optimizer.variables, strict=True):
            variable.assign(value)
    return left | {"tuned": fit(twin, epochs=setting.epochs, seed=seed + 1000)}
