"""Models whose derivatives fit on a line, for the tests of criteria."""

import keras
import numpy as np

from course_lib.pruning import prunable_variables

layers = keras.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 4)), RNG.integers(0, 3, 24)


def softmax_net(optimizer="sgd", loss="sparse_categorical_crossentropy", dtype="float64"):
    """One Dense layer of 4 × 3 with softmax: all derivatives fit on a line."""
    keras.utils.set_random_seed(1)
    dense = layers.Dense(3, activation="softmax", name="d", dtype=dtype)
    inputs = keras.Input((4,), dtype=dtype if dtype == "float64" else "float32")
    model = keras.Sequential([inputs, dense], name="one")
    model.compile(optimizer, loss)
    return model


def small_net(hidden=6):
    """Two layers, 8-6-3, trained a little."""
    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(128, 8)).astype("float32"), rng.integers(0, 3, 128)
    x[:, 0] += 2 * (y == 1)
    x[:, 1] += 2 * (y == 2)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(hidden, "tanh", name="first"), layers.Dense(3, "softmax")]
    )
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=12, verbose=0)
    return model, x, y


def kernel(model):
    return np.asarray(next(iter(prunable_variables(model).values())), np.float64)


def errors(model, x, y):
    """The derivative of each example's loss by its logits: p − one-hot."""
    return np.asarray(model(x)) - np.eye(3)[y]


def gradient_by_hand(model):
    return X.T @ errors(model, X, Y) / len(X)


def half_square(y, prediction):
    return keras.ops.sum((prediction - y) ** 2, axis=-1) / 2


def linear(weights):
    dense = layers.Dense(weights.shape[1], use_bias=False, name="d", dtype="float64")
    model = keras.Sequential([keras.Input((weights.shape[0],), dtype="float64"), dense])
    model.set_weights([weights])
    return model
