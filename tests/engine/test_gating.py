"""Models with gates: in the right place, and their cost counted channel by channel."""

import keras
import numpy as np
import pytest

from course_lib.pruning import ChannelGate, gated, gated_macs, macs

layers = keras.layers


def cnn(norm=False, activation="relu"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(name="cnn")
    model.add(keras.Input((6, 6, 2)))
    model.add(layers.Conv2D(8, 3, padding="same", activation=None if norm else activation, name="one"))
    if norm:
        model.add(layers.BatchNormalization(beta_initializer="ones", name="norm"))
        model.add(layers.Activation(activation, name="act"))
    model.add(layers.MaxPooling2D(name="pool"))
    model.add(layers.Conv2D(4, 3, padding="same", activation="relu", name="two"))
    model.add(layers.Flatten(name="flat"))
    model.add(layers.Dense(3, activation="softmax", name="last"))
    return model


X = np.random.default_rng(0).normal(size=(9, 6, 6, 2)).astype("float32")


def numpy_cost(model):
    """Σ over examples of the channels that are really non-zero, layer by layer, on average."""
    flow = keras.Model(model.inputs[0], [layer.output for layer in model.layers])
    outputs = dict(zip([layer.name for layer in model.layers], flow(X), strict=True))

    def alive(name):
        a = np.asarray(outputs[name])
        return (np.abs(a).reshape(len(a), -1, a.shape[-1]).max(axis=1) > 0).sum(axis=-1)

    one, two = alive("one_gate"), alive("two_gate")
    total = 36 * 9 * 2 * one + 9 * 9 * one * two + 9 * two * 3 + 2 * 8 + 8 * 4
    return total.mean()


def test_the_expected_cost_is_what_counting_the_living_channels_gives():
    # Not ReLU, which might zero a channel that the gate has kept.
    model = gated(cnn(norm=True, activation="gelu"), ["one", "two"], 0.5)
    model.get_layer("two").activation = keras.activations.gelu
    assert gated_macs(model).total == pytest.approx(numpy_cost(model))


def test_zeros_that_an_activation_fills_save_nothing_behind_it():
    free = gated_macs(gated(cnn(norm=True, activation="sigmoid"), ["one"], 0.25))
    full = macs(gated(cnn(norm=True, activation="sigmoid"), ["one"], 0.25))
    assert free["one/kernel"] == full["one/kernel"] / 4
    assert free["two/kernel"] == full["two/kernel"]


def test_the_gate_comes_behind_a_batch_normalization_and_reads_what_the_layer_reads():
    model = gated(cnn(norm=True), ["one"], 0.5)
    gate = model.get_layer("one_gate")
    source, features = gate.input
    assert source is model.inputs[0] and features._keras_history.operation.name == "norm"
    flow = keras.Model(model.inputs[0], gate.output)
    assert ((np.asarray(flow(X)) != 0).any(axis=(1, 2)).sum(axis=-1) == 4).all()


@pytest.mark.parametrize("kind", ["sequential", "functional", "residual"])
def test_to_keep_all_changes_nothing(kind):
    model, names = cnn(norm=True), ["one", "two"]
    if kind == "functional":
        model = keras.Model(model.inputs[0], model.outputs[0])
    if kind == "residual":
        inputs = keras.Input((6, 6, 2))
        x = layers.Conv2D(2, 3, padding="same", name="one")(inputs)
        x = layers.Conv2D(2, 3, padding="same", name="two")(layers.Add()([x, inputs]))
        model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x + inputs))
    copy = gated(model, names, 1.0)
    np.testing.assert_array_equal(copy(X), model(X))
    assert gated_macs(copy) == macs(copy)
    assert sum(isinstance(layer, ChannelGate) for layer in copy.layers) == 2
    half = gated(model, names, 0.5)
    assert half.count_params() > model.count_params() == copy.count_params()


def test_the_original_is_left_alone_and_the_copy_trains():
    model = cnn()
    before = [np.array(w) for w in model.weights]
    copy = gated(model, "one", 0.5)
    copy.compile("adam", "sparse_categorical_crossentropy")
    predictor = copy.get_layer("one_gate").predictor.get_weights()[0]
    copy.fit(X, np.arange(9) % 3, verbose=0)
    assert all(np.array_equal(b, w) for b, w in zip(before, model.weights, strict=True))
    assert (copy.get_layer("one_gate").predictor.get_weights()[0] != predictor).any()


def test_what_cannot_be_gated_says_so():
    with pytest.raises(ValueError, match="Gates go behind one, two, last. Received: pool"):
        gated(cnn(), ["pool"], 0.5)

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, name="dense")

        def call(self, x):
            return self.dense(x)

    own = Own()
    own(np.ones((1, 4)))
    with pytest.raises(ValueError, match="Functional or Sequential"):
        gated(own, ["dense"], 0.5)
