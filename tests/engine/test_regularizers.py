"""Penalties: their formulas, on and off any model, and what they do not do: make zeros."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.pruning import Block, Channel, Element, GroupLasso, penalize, sparsity, unpenalize

L1, L2 = keras.regularizers.L1, keras.regularizers.L2
MATRIX = arrays(np.float32, (5, 4), elements=st.floats(-2, 2, width=32))


def blocks(matrix, rows, cols):
    r, c = matrix.shape
    return [matrix[i : i + rows, j : j + cols] for i in range(0, r, rows) for j in range(0, c, cols)]


@settings(max_examples=25)
@given(MATRIX)
def test_group_lasso_is_the_weighted_sum_of_norms(matrix):
    def by_hand(groups):
        return 0.3 * sum(np.sqrt(g.size) * np.sqrt((g.astype(float) ** 2).sum()) for g in groups)

    for granularity, groups in [
        (Channel(), list(matrix.T)),
        (Block(2, 3), blocks(matrix, 2, 3)),
        (Block(1, 99), list(matrix)),
        (Element(), list(matrix.reshape(-1))),
    ]:
        assert float(GroupLasso(0.3, granularity)(matrix)) == pytest.approx(by_hand(groups), rel=1e-5)


def test_the_channels_of_a_convolution_are_its_last_axis():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype("float32")
    norms = np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
    assert float(GroupLasso(1.0)(kernel)) == pytest.approx(np.sqrt(18) * norms.sum(), rel=1e-5)


def one_step(model, rate=1.0):
    """The gradients of the loss, as one step of plain SGD reveals them, by weight."""
    before = [np.asarray(v).copy() for v in model.trainable_weights]
    model.compile(keras.optimizers.SGD(rate), loss=lambda y, p: 0.0 * keras.ops.sum(p, axis=-1))
    model.fit(np.ones((2, 8), "float32"), np.zeros(2), verbose=0)
    return [(b - np.asarray(v)) / rate for b, v in zip(before, model.trainable_weights, strict=True)]


def test_the_gradient_of_a_group_is_its_direction_and_zero_at_zero(net):
    model = net()
    kernel = model.get_layer("first").kernel
    value = np.asarray(kernel).copy()
    value[:, 3] = 0
    kernel.assign(value)
    penalize(model, GroupLasso(0.5), within=["first"])
    gradient = one_step(model)[0]
    norms = np.linalg.norm(value, axis=0)
    expected = 0.5 * np.sqrt(8) * value / np.where(norms > 0, norms, 1)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert not gradient[:, 3].any()


def test_penalties_add_up_with_the_layers_own_and_come_off_again():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer=L2(0.1))])
    kernel, own = model.layers[0].kernel, model.layers[0].kernel.regularizer
    w = np.asarray(kernel, float)
    alone = 0.1 * (w**2).sum()
    assert float(sum(model.losses)) == pytest.approx(alone, rel=1e-5)
    for _ in range(2):  # a second call replaces the first
        penalize(model, L1(0.2), lambda v: 0.7 * keras.ops.max(v))
        assert float(sum(model.losses)) == pytest.approx(alone + 0.2 * abs(w).sum() + 0.7 * w.max(), rel=1e-5)
    unpenalize(model)
    assert kernel.regularizer is own
    assert float(sum(model.losses)) == pytest.approx(alone, rel=1e-5)


def test_a_model_trained_and_evaluated_before_feels_the_penalty(net, data):
    model = net("sgd", steps_per_execution=2)
    model.fit(*data, batch_size=8, verbose=0)
    plain = model.evaluate(*data, verbose=0)
    size = sum(float(abs(np.asarray(v)).sum()) for v in model.weights if v.name == "kernel")
    penalize(model, L1(10.0))
    assert model.evaluate(*data, verbose=0) == pytest.approx(plain + 10 * size, rel=1e-4)
    kernel = model.get_layer("first").kernel
    assert abs(np.asarray(kernel)).max() > 0.4
    model.fit(*data, batch_size=8, verbose=0)  # 12 steps of 0.1 toward zero, and to and fro around it
    assert 0 < abs(np.asarray(kernel)).max() < 0.2
    unpenalize(model)
    assert not model.losses


@pytest.mark.parametrize("penalty", [L1(1e-2), GroupLasso(1e-2)], ids=["l1", "group"])
def test_penalties_with_adam_make_small_weights_but_no_zeros(net, data, penalty):
    model = net(keras.optimizers.Adam(0.01))
    kernel = model.get_layer("first").kernel
    before = abs(np.asarray(kernel)).mean()
    penalize(model, penalty)
    model.fit(*data, batch_size=8, epochs=15, verbose=0)
    assert abs(np.asarray(kernel)).mean() < before / 2
    assert sparsity(model) == 0.0


def test_a_saved_file_is_plain(net, data, tmp_path):
    model = net()
    penalize(model, GroupLasso(0.1))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.losses and model.losses
    np.testing.assert_array_equal(loaded.predict(data[0], verbose=0), model.predict(data[0], verbose=0))
    assert not keras.models.clone_model(model).losses


def test_frozen_nested_and_shared_layers():
    shared = keras.layers.Dense(4, name="shared")
    inner = keras.Sequential([keras.Input((4,)), shared], name="inner")
    frozen = keras.layers.Dense(2, name="frozen", trainable=False)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, frozen(shared(inner(inputs))))
    penalize(model, L1(1.0))
    assert float(sum(model.losses)) == pytest.approx(float(abs(np.asarray(shared.kernel)).sum()), rel=1e-5)


def test_mixed_precision_and_xla(data):
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, dtype="mixed_float16"), keras.layers.Dense(3)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
    penalize(model, L1(1e-2), GroupLasso(1e-2, Block(3, 5)))
    history = model.fit(*data, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(history).all()


@pytest.mark.parametrize(
    "penalties, error, words",
    [
        ((), ValueError, "at least one penalty"),
        (("l1",), TypeError, "Received: 'l1'"),
        ((L1,), TypeError, "must be a function"),
        ((L1(0.1), lambda v: v), ValueError, "one finite number"),
        ((lambda v: float("nan"),), ValueError, "one finite number"),
    ],
)
def test_bad_penalties_change_nothing(net, penalties, error, words):
    model = net()
    with pytest.raises(error, match=words):
        penalize(model, *penalties)
    assert not model.losses


@pytest.mark.parametrize("strength", [-1, float("nan"), float("inf")])
def test_a_strength_is_a_finite_number(strength):
    with pytest.raises(ValueError, match=f"Received: {strength}"):
        GroupLasso(strength)
