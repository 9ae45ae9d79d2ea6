"""Small models of many kinds, for the tests of exports."""

import keras
import numpy as np

layers = keras.layers


def perceptron(sizes=(12, 32, 16, 3)):
    """Dense layers with a softmax, random biases too."""
    keras.utils.set_random_seed(0)
    inner = [layers.Dense(n, "relu", name=f"d{i}") for i, n in enumerate(sizes[1:-1])]
    model = keras.Sequential([keras.Input(sizes[:1]), *inner, layers.Dense(sizes[-1], "softmax", name="out")])
    return stirred(model)


def branches():
    """Nested, shared, two outputs; most layers of the runtime."""
    keras.utils.set_random_seed(1)
    x = keras.Input((9, 8, 3))
    inner = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            layers.Conv2D(4, 3, 2, "same"),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
        ],
        name="inner",
    )
    scaled = layers.Rescaling([0.5, 1.0, 2.0], offset=-0.1)(x)
    h = inner(scaled) + inner(layers.Activation("tanh")(layers.Dropout(0.5)(x)))
    h = layers.Concatenate()([h, layers.AveragePooling2D(3, 1, padding="same")(h)])
    h = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="leaky_relu")(h)
    h = layers.MaxPooling2D(2, padding="same")(layers.ZeroPadding2D(((1, 0), (0, 2)))(h))
    h = layers.Conv2D(5, (2, 3), dilation_rate=(1, 2), padding="same", activation="silu")(h)
    gate = layers.Dense(5, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(h))
    h = layers.Multiply()([h, gate])
    flat = layers.Reshape((-1, 5))(h)
    outs = [layers.GlobalMaxPooling2D()(h), layers.Dense(3, "softmax")(layers.Flatten()(flat))]
    return stirred(keras.Model(x, outs, name="branches"))


def two_inputs():
    """Inputs whose names sort the other way round, twelve outputs of different widths, some in a dict."""
    keras.utils.set_random_seed(2)
    b, a = keras.Input((6,), name="zeta"), keras.Input((6,), name="alpha")
    wide = {f"w{n}": layers.Dense(n)(b) for n in range(2, 13)}
    return stirred(keras.Model([b, a], {**wide, "a": layers.Dense(2)(a)}, name="two"))


def words():
    """Embedding and LSTM: integers in, a loop inside."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [keras.Input((7,)), layers.Embedding(20, 8), layers.LSTM(6), layers.Dense(2)], name="words"
    )


class Subclassed(keras.Model):
    """A model without a graph, whose class Keras does not know."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(4)

    def call(self, x):
        return self.inner(x)


def stirred(model):
    """Every weight random: zero biases and unit scales hide mistakes."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        value = rng.normal(size=variable.shape) / np.sqrt(max(1, np.prod(variable.shape[:-1])))
        variable.assign(np.abs(value) + 0.5 if "variance" in variable.name else value)
    return model
