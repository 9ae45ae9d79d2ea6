"""SoftTargets: Hinton's formula in NumPy, its gradient, and no model that it would silently get wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.pruning import SoftTargets

layers = keras.layers
LOGITS = arrays(np.float32, (4, 5), elements=st.floats(-8, 8, width=32))


def softmax(z):
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def hinton(teacher, student, temperature):
    """T² · KL, with the softmax written out in float64."""
    t, s = (softmax(np.float64(z) / temperature) for z in (teacher, student))
    return temperature**2 * np.mean(np.sum(t * np.log(t / s), axis=-1))


@settings(max_examples=30)
@given(LOGITS, LOGITS, st.floats(1.0, 20.0))
def test_it_is_hintons_formula_on_logits_and_on_the_probabilities_behind_them(teacher, student, temperature):
    expected = hinton(teacher, student, temperature)
    on_logits = SoftTargets(temperature, from_logits=True).compute_loss(teacher, student)
    on_probabilities = SoftTargets(temperature).compute_loss(softmax(teacher), softmax(student))
    np.testing.assert_allclose(on_logits, expected, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(on_probabilities, expected, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 50.0])
@pytest.mark.parametrize("from_logits", [True, False])
def test_the_gradient_is_t_times_the_difference_of_the_softened_answers(temperature, from_logits):
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(size=(2, 6, 5)).astype("float32")
    z = tf.Variable(student)
    with tf.GradientTape() as tape:
        outputs = (teacher, z) if from_logits else (softmax(teacher), tf.nn.softmax(z))
        loss = SoftTargets(temperature, from_logits).compute_loss(*outputs)
    expected = temperature * (softmax(student / temperature) - softmax(teacher / temperature)) / len(student)
    np.testing.assert_allclose(tape.gradient(loss, z), expected, rtol=1e-3, atol=1e-6)


def test_the_square_of_t_keeps_the_gradient_as_large_when_the_temperature_rises():
    """In the limit it is (z_s − z_t) / classes, each about its mean: no T is left (Hinton's equation 4)."""
    rng = np.random.default_rng(1)
    teacher, student = rng.normal(size=(2, 1, 5)).astype("float32")
    z = tf.Variable(student)
    with tf.GradientTape() as tape:
        loss = SoftTargets(1000.0, from_logits=True).compute_loss(teacher, z)
    difference = student - teacher
    np.testing.assert_allclose(tape.gradient(loss, z), (difference - difference.mean()) / 5, atol=5e-3)


def test_certain_and_impossible_classes_give_finite_gradients():
    sure = tf.Variable([[1000.0, 0.0, -1000.0]])
    with tf.GradientTape() as tape:
        loss = SoftTargets(2.0).compute_loss(np.float32([[0, 1, 0]]), tf.nn.softmax(sure))
    assert np.isfinite(loss) and loss > 1 and np.isfinite(tape.gradient(loss, sure)).all()


def test_one_sigmoid_is_two_classes():
    z_teacher, z_student = np.float32([[0.3], [-2]]), np.float32([[1.0], [0.5]])
    two = [np.concatenate([np.zeros_like(z), z], axis=-1) for z in (z_teacher, z_student)]
    expected = hinton(*two, 3.0)
    assert expected > 0
    sigmoid = [1 / (1 + np.exp(-z)) for z in (z_teacher, z_student)]
    np.testing.assert_allclose(SoftTargets(3.0).compute_loss(*sigmoid), expected, rtol=1e-4)
    on_logits = SoftTargets(3.0, from_logits=True).compute_loss(z_teacher, z_student)
    np.testing.assert_allclose(on_logits, expected, rtol=1e-4)


def test_several_outputs_are_summed():
    rng = np.random.default_rng(2)
    teacher, student = ([softmax(rng.normal(size=(3, n))) for n in (4, 2)] for _ in range(2))
    whole = SoftTargets().compute_loss(teacher, student)
    parts = [SoftTargets().compute_loss(t, s) for t, s in zip(teacher, student, strict=True)]
    np.testing.assert_allclose(whole, sum(map(float, parts)), rtol=1e-6)


def ending(activation, units=3, after=()):
    inputs = keras.Input((4,))
    outputs = layers.Dense(units, activation=activation)(inputs)
    for layer in after:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    "model, from_logits, fits",
    [
        (ending("softmax"), False, True),
        (ending("softmax"), True, False),
        (ending(None), True, True),
        (ending(None), False, False),
        (ending("sigmoid", 1), False, True),
        (ending("sigmoid", 3), False, False),
        (ending(None, after=[layers.Softmax()]), False, True),
        (ending(None, after=[layers.Softmax()]), True, False),
        (ending("softmax", after=[layers.Activation("linear", dtype="float32")]), False, True),
        (ending(None, after=[keras.Sequential([keras.Input((3,)), layers.Softmax()])]), True, False),
        (ending(lambda z: z), True, True),
    ],
)
def test_a_model_that_plainly_ends_in_something_else_is_refused(model, from_logits, fits):
    check = SoftTargets(from_logits=from_logits).validate_model_compatibility
    if fits:
        check(model, model)
    else:
        with pytest.raises(ValueError, match="Received: model.*ends in"):
            check(model, model)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        SoftTargets(0.0)
