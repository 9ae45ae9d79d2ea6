"""Twins answer like their Keras 3 models, and the Recorder sees what tfmot does without taking part."""

import keras
import numpy as np
import pytest

from course_lib.legacy import Recorder, tf_keras, tfmot, twin

layers = keras.layers
toolkit = tfmot.sparsity.keras


def net(*stack, shape=(8,)):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *stack])


STACKS = {
    "dense": ((8,), lambda: [layers.Dense(5, activation="tanh", use_bias=False), layers.Dense(3)]),
    "convolution": (
        (9, 8, 2),
        lambda: [
            layers.Conv2D(4, (3, 2), strides=2, padding="same", activation="relu", dilation_rate=1),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.MaxPooling2D((2, 1)),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ],
    ),
    "normalised": (
        (6, 6, 3),
        lambda: [
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.5, epsilon=0.01),
            layers.ReLU(max_value=1.0),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
        ],
    ),
    "embedding": ((5,), lambda: [layers.Embedding(7, 3), layers.LSTM(4), layers.Dense(2)]),
}


@pytest.mark.parametrize("kind", STACKS)
def test_a_twin_has_the_same_answers_names_and_weights_and_shares_none(kind):
    shape, stack = STACKS[kind]
    model = net(*stack(), shape=shape)
    for variable in model.variables:
        if variable.name.startswith("moving"):
            variable.assign(variable + 0.3)
    made = twin(model)
    x = np.random.default_rng(1).uniform(size=(3, *shape)).astype("float32")
    assert made(x, training=False).numpy() == pytest.approx(np.asarray(model(x, training=False)), abs=1e-5)
    assert [layer.name for layer in made.layers] == [layer.name for layer in model.layers]
    for weight in made.weights:
        weight.assign(0 * weight)
    assert any(np.any(w) for w in model.get_weights())


class Own(layers.Dense):
    pass


@pytest.mark.parametrize(
    "layer, words",
    [
        (lambda: Own(3), "no twin of layer .*own.* Received: a Own"),
        (lambda: layers.Dense(3, kernel_regularizer="l2"), "kernel_regularizer, which its twin would lack"),
        (lambda: layers.Dense(3, bias_constraint="non_neg"), "bias_constraint"),
        (lambda: layers.SpectralNormalization(layers.Dense(3)), "no twin made of plain settings: .*layer"),
    ],
)
def test_a_layer_without_a_true_twin_is_refused(layer, words):
    with pytest.raises(ValueError, match=words):
        twin(net(layer()))


def test_only_a_sequential_of_keras_3_has_a_twin():
    inputs = keras.Input((2,))
    for model in (
        keras.Model(inputs, layers.Dense(2)(inputs)),
        twin(net(layers.Dense(2))),
        keras.Sequential(),
    ):
        with pytest.raises(TypeError, match="twin needs a built keras.Sequential of Keras 3. Received:"):
            twin(model)


def wrapped_net(final=0.75, **when):
    plan = toolkit.PolynomialDecay(0.0, final, begin_step=0, **when)
    model = toolkit.prune_low_magnitude(twin(net(layers.Dense(6, activation="relu"), layers.Dense(3))), plan)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def fit(model, *callbacks, epochs=2):
    x = np.random.default_rng(0).normal(size=(40, 8)).astype("float32")
    y = np.argmax(x[:, :3], axis=1)
    tf_keras.utils.set_random_seed(0)
    model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks))
    return x, y


def test_the_recorder_notes_every_step_and_its_masks_are_the_toolkits():
    model = wrapped_net(end_step=10, frequency=5)
    recorder = Recorder(np.zeros((4, 8), "float32"), np.zeros(4), every=5)
    fit(model, toolkit.UpdatePruningStep(), recorder)
    frames = recorder.frames
    assert [frame.step for frame in frames] == list(range(11))
    sparsity = [1 - frame.masks[model.layers[0].layer.name].mean() for frame in frames]
    assert sparsity[4] == 0 and sparsity[5] == sparsity[9] > 0.6 and sparsity[10] == 0.75
    assert [frame.asked for frame in frames[::5]] == pytest.approx([0, 0.75 * 0.875, 0.75])
    assert frames[10].zeros == pytest.approx(0.75, abs=0.02), "after the callback has masked the weights"
    assert frames[6].zeros < sparsity[6], "and before, the optimizer has moved them"
    assert frames[5].accuracy is not None and frames[6].accuracy is None
    for name, mask in frames[-1].masks.items():
        kernel = next(w.layer.kernel for w in model.layers if w.layer.name == name).numpy()
        assert np.array_equal(mask, kernel != 0)


def test_a_recorded_training_is_the_training():
    alone, watched = wrapped_net(end_step=10, frequency=2), wrapped_net(end_step=10, frequency=2)
    fit(alone, toolkit.UpdatePruningStep())
    x, y = fit(
        watched, toolkit.UpdatePruningStep(), Recorder(np.ones((4, 8), "float32"), np.ones(4), every=1)
    )
    for a, b in zip(alone.get_weights(), watched.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_without_wrappers_the_recorder_says_so():
    model = tf_keras.Sequential([tf_keras.Input((8,)), tf_keras.layers.Dense(3)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="no wrapped layers"):
        fit(model, Recorder(np.zeros((4, 8), "float32"), np.zeros(4)))
