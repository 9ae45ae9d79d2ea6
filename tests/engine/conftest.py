"""Tiny models and data: large enough to prune, small enough to train in a second."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from hypothesis import settings

# A deadline is a wall-clock assertion, and a shared machine breaks it.
settings.register_profile("engine", deadline=None)
settings.load_profile("engine")

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture
def data():
    """96 examples of 8 numbers in 3 classes: 12 batches of 8."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(96, 8)).astype("float32"), rng.integers(0, 3, 96)


@pytest.fixture
def net():
    """A function that builds (and compiles) a perceptron of 8-16-3, with 176 prunable weights, seeded."""

    def build(optimizer="adam", **compile_args):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(name="net")
        model.add(keras.Input((8,)))
        model.add(keras.layers.Dense(16, activation="relu", name="first"))
        model.add(keras.layers.Dropout(0.0, name="none"))
        model.add(keras.layers.Dense(3, activation="softmax", name="last"))
        model.compile(optimizer, LOSS, **compile_args)
        return model

    return build
