"""attention_loss and FeatureMatching: laws, a NumPy oracle, and the projection that stays behind."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import FeatureMatching, attention_loss, distill

layers = keras.layers
DRAW = np.random.default_rng(0)


def features(channels, n=3, positions=(4, 5)):
    return DRAW.normal(size=(n, *positions, channels)).astype("float32")


def numpy_loss(teacher, student):
    maps = []
    for a in (teacher, student):
        q = (np.float64(a) ** 2).sum(axis=-1).reshape(len(a), -1)
        maps.append(q / np.sqrt((q**2).sum(axis=1, keepdims=True)))
    return ((maps[0] - maps[1]) ** 2).sum(axis=1)


@pytest.mark.parametrize("positions", [(7,), (4, 5), (2, 3, 2)])
def test_attention_against_numpy_with_other_widths_and_any_positions(positions):
    teacher, student = features(6, positions=positions), features(2, positions=positions)
    loss = np.asarray(attention_loss(teacher, student))
    np.testing.assert_allclose(loss, numpy_loss(teacher, student), rtol=1e-4)
    assert (loss > 0).all() and (loss < 2).all()


@settings(max_examples=15)
@given(st.integers(-60, 60), st.integers(0, 99))
def test_the_scale_of_features_does_not_matter(power, seed):
    rng = np.random.default_rng(seed)
    teacher, student = (rng.normal(size=(2, 3, 3, c)).astype("float32") for c in (4, 2))
    loss = attention_loss(teacher, student)
    np.testing.assert_allclose(attention_loss(teacher, student * np.float32(2.0**power)), loss, rtol=1e-5)
    assert not np.asarray(attention_loss(teacher, teacher * np.float32(-(2.0**power)))).any()


def test_maps_that_do_not_meet_are_two_apart():
    left, right = np.zeros((2, 1, 2, 2, 3), "float32")
    left[:, 0, 0], right[:, 1, 1] = 1, 5
    np.testing.assert_allclose(attention_loss(left, right), [2])


def test_features_that_are_all_zero_give_no_nan():
    zeros = tf.Variable(np.zeros((1, 2, 2, 3), "float32"))
    with tf.GradientTape() as tape:
        loss = attention_loss(features(3, 1, (2, 2)), zeros)
    np.testing.assert_allclose(loss, [1], rtol=1e-6)
    assert np.isfinite(tape.gradient(loss, zeros)).all()


def test_features_without_positions_are_refused():
    with pytest.raises(ValueError, match="positions.*Received: teacher \\(3, 4\\)"):
        attention_loss(np.zeros((3, 4)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="same positions"):
        attention_loss(features(2), features(2, positions=(5, 4)))


def cnn(filters, name):
    model = keras.Sequential(name=name)
    model.add(keras.Input((6, 6, 1)))
    model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", name="conv"))
    model.add(layers.BatchNormalization(momentum=0.5, name="norm"))
    model.add(layers.Flatten())
    model.add(layers.Dense(3, activation="softmax", name="last"))
    return model


X, Y = DRAW.normal(size=(32, 6, 6, 1)).astype("float32"), DRAW.integers(0, 3, 32)


def test_a_narrower_student_learns_through_a_projection_that_is_not_left_in_it():
    keras.utils.set_random_seed(0)
    teacher, student, matching = cnn(8, "teacher"), cnn(3, "student"), FeatureMatching("conv")
    weights = len(student.weights)
    distiller = distill(teacher, student, matching, student_loss_weight=0.0)
    before = np.asarray(matching.projection.kernel)
    assert before.shape == (3, 8)
    distiller.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    losses = distiller.fit(X, Y, epochs=10, verbose=0).history["distillation_loss"]
    assert losses[-1] < losses[0] / 2
    assert (np.asarray(matching.projection.kernel) != before).any()
    assert len(student.weights) == weights
    expected = np.mean((teacher.layers[0](X) - matching.projection(student.layers[0](X))) ** 2)
    got = matching.compute_loss(teacher.layers[0](X), student.layers[0](X))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_equal_widths_need_no_projection():
    matching = FeatureMatching("conv")
    distill(cnn(4, "teacher"), cnn(4, "student"), matching)
    assert matching.projection is None and not matching.weights


def test_features_elsewhere_and_unknown_layers_are_refused():
    with pytest.raises(ValueError, match="same positions.*'conv'.*'last'"):
        distill(cnn(8, "teacher"), cnn(4, "student"), FeatureMatching("conv", "last"))
    with pytest.raises(ValueError, match="No such layer: nothing"):
        distill(cnn(8, "teacher"), cnn(4, "student"), FeatureMatching("nothing"))


def test_evaluating_moves_no_statistics():
    """Keras 3.15 reads features in training mode also when it evaluates."""
    student = cnn(4, "student")
    distiller = distill(cnn(8, "teacher"), student, FeatureMatching("conv"))
    distiller.compile("adam", "sparse_categorical_crossentropy")
    before = [np.asarray(w) for w in student.weights]
    distiller.evaluate(X, Y, verbose=0)
    assert all(np.array_equal(b, w) for b, w in zip(before, student.weights, strict=True))
    distiller.fit(X, Y, verbose=0)
    assert (np.asarray(student.get_layer("norm").moving_mean) != 0).any()
