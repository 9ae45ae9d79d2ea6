"""Criteria from gradients: by their formulas in NumPy, and against what removing a weight really does."""

import time

import keras
import numpy as np
import pytest
from by_hand import RNG, X, Y, gradient_by_hand, half_square, kernel, linear, small_net, softmax_net

from course_lib import data as datasets
from course_lib import models
from course_lib.pruning import (
    Masks,
    fisher,
    gradient,
    grasp,
    hold,
    make_masks,
    movement,
    obd,
    prunable_variables,
    taylor,
)

layers = keras.layers
ALL = [gradient, taylor, movement, grasp, fisher, obd]


def test_gradient_and_taylor_by_hand():
    model = softmax_net()
    g = gradient_by_hand(model)
    assert gradient(X, Y)(model)["d/kernel"] == pytest.approx(np.abs(g), abs=1e-6)
    assert taylor(X, Y)(model)["d/kernel"] == pytest.approx(np.abs(g * kernel(model)), abs=1e-6)


def ranks(values):
    return np.argsort(np.argsort(values))


def rises(model, x, y):
    """|Δ loss| of every weight set to zero alone, by doing it."""

    def loss():
        p = np.asarray(model(x), np.float64)[np.arange(len(y)), y]
        return -np.log(p).mean()

    before, found = loss(), []
    for variable in prunable_variables(model).values():
        weights = np.asarray(variable).copy()
        for index in np.ndindex(weights.shape):
            pruned = weights.copy()
            pruned[index] = 0
            variable.assign(pruned)
            found.append(abs(loss() - before))
        variable.assign(weights)
    return np.array(found)


def test_they_predict_what_removing_a_weight_does():
    model, x, y = small_net()
    truth = rises(model, x, y)
    for criterion, at_least in ((taylor, 0.5), (fisher, 0.7), (obd, 0.8)):
        scores = np.concatenate([s.ravel() for s in criterion(x, y)(model).values()])
        rho = np.corrcoef(ranks(np.abs(scores)), ranks(truth))[0, 1]
        print(f"{criterion.__name__}: Spearman {rho:.2f}")
        assert rho > at_least, criterion.__name__


@pytest.mark.parametrize("name", ["D", "C", "R"])
def test_on_the_models_of_the_course(name):
    model = {"D": models.dense_digits, "C": models.conv_digits, "R": models.residual_digits}[name]()
    x, y, *_ = datasets.digits(flat=name == "D")
    count = 1000 if name == "D" else 24
    for criterion in ALL:
        start = time.perf_counter()
        extra = {"samples": 2} if criterion is obd and name != "D" else {}
        scores = criterion(x[:count], y[:count], **extra)(model)
        print(f"{criterion.__name__} on {name}, {count} examples: {time.perf_counter() - start:.1f} s")
        named = prunable_variables(model)
        assert {p: s.shape for p, s in scores.items()} == {p: tuple(v.shape) for p, v in named.items()}
        assert all(np.isfinite(s).all() and s.any() for s in scores.values())


def branched():
    """A shared Dense, a nested model with normalisation, dropout, an embedding, and two inputs."""
    ids, numbers = keras.Input((5,), name="ids", dtype="int32"), keras.Input((4,), name="numbers")
    inside = keras.Input((4,))
    block = layers.Dropout(0.5)(layers.BatchNormalization()(layers.Dense(4, name="dense")(inside)))
    inner, shared = keras.Model(inside, block, name="inner"), layers.Dense(4, "relu", name="shared")
    embedded = layers.GlobalAveragePooling1D()(layers.Embedding(7, 4, name="embedding")(ids))
    x = layers.add([shared(embedded), shared(shared(inner(numbers)))])
    model = keras.Model({"ids": ids, "numbers": numbers}, layers.Dense(3, "softmax", name="last")(x))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(reduction="sum"), metrics=["accuracy"])
    return model


BRANCHED_X = {"ids": RNG.integers(0, 7, (20, 5)), "numbers": RNG.normal(size=(20, 4)).astype("float32")}
BRANCHED_Y = RNG.integers(0, 3, 20)


@pytest.mark.parametrize("criterion", ALL)
def test_nested_shared_and_frozen_layers_and_an_untouched_model(criterion):
    model = branched()
    model.fit(BRANCHED_X, BRANCHED_Y, verbose=0)
    model.get_layer("inner").trainable = False
    state = [np.asarray(v).copy() for v in (*model.variables, *model.optimizer.variables)]
    once, twice = (criterion(BRANCHED_X, BRANCHED_Y)(model) for _ in range(2))
    assert list(once) == list(prunable_variables(model))
    assert all(np.array_equal(once[p], twice[p]) for p in once), "deterministic"
    assert all(s.any() for s in once.values())
    after = (*model.variables, *model.optimizer.variables)
    assert all(np.array_equal(a, b) for a, b in zip(state, after, strict=True))
    assert make_masks(model, 0.5, criterion(BRANCHED_X, BRANCHED_Y)).sparsity == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("criterion", [gradient, grasp, fisher])
def test_batches_make_no_difference(criterion):
    """300 examples are a batch of 256 and one of 44; 600 of the same are three."""
    model, x, y = small_net()
    x, y = np.tile(x, (3, 1))[:300], np.tile(y, 3)[:300]
    one, two = criterion(x, y)(model), criterion(np.concatenate([x, x]), np.concatenate([y, y]))(model)
    for path in one:
        assert one[path] == pytest.approx(two[path], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy", keras.losses.MeanSquaredError()])
def test_one_output_and_flat_labels_as_fit_takes_them(loss):
    """A mean over (n,) − (n, 1) would be one over n × n differences, and nobody would notice."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid", name="d")])
    model.compile("sgd", loss)
    flat, column = Y % 2, (Y % 2)[:, None]
    scores = [gradient(X, y)(model)["d/kernel"] for y in (flat, column)]
    weights = model.get_weights()[0]
    model.compile(keras.optimizers.SGD(1.0), loss)
    model.fit(X, flat, batch_size=len(X), shuffle=False, verbose=0)
    assert scores[0] == pytest.approx(np.abs(weights - model.get_weights()[0]), rel=1e-3, abs=1e-6)
    assert np.array_equal(*scores)


def test_a_loss_of_ones_own_and_lists_as_data():
    model = softmax_net()
    square = taylor(X, np.eye(3)[Y], "mse")(model)["d/kernel"]
    own = taylor(X.tolist(), np.eye(3)[Y].tolist(), lambda y, p: (y - p) ** 2)(model)["d/kernel"]
    assert own == pytest.approx(square)
    assert taylor(X, Y.tolist())(model)["d/kernel"] == pytest.approx(taylor(X, Y)(model)["d/kernel"])


@pytest.mark.parametrize("criterion", ALL)
@pytest.mark.parametrize(
    "x, y, parts",
    [
        (X[:0], Y[:0], ["at least one example", "Received: none"]),
        (X, Y[:5], ["same number of examples", "Received: [24, 5]"]),
        (np.full((6, 4), np.nan), Y[:6], ["loss must be finite", "NaN in x or y"]),
    ],
)
def test_bad_data(criterion, x, y, parts):
    with pytest.raises(ValueError) as caught:
        criterion(x, y)(softmax_net())
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize("criterion", ALL)
def test_no_loss(criterion):
    bare = keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="bare")
    with pytest.raises(ValueError, match="'bare' is not compiled.*loss=.*Received: None"):
        criterion(X, Y)(bare)
    inputs = keras.Input((4,))
    two = keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)], name="two")
    for several in ("mse", ["mse", "mae"]):
        two.compile("sgd", several)
        with pytest.raises(ValueError, match="'two' is not compiled with one loss.*Received: .*mse"):
            criterion(X, Y)(two)
    both = criterion(X, Y, lambda y, p: keras.ops.square(p[0] - 1) + keras.ops.square(p[1]))(two)
    assert len(both) == 2


def test_gradients_that_are_not_finite_are_named():
    root = linear(np.zeros((4, 1)))
    with pytest.raises(ValueError, match="gradients of 'd/kernel' must be finite. Received: 4 of 4"):
        gradient(np.ones((2, 4)), np.zeros(2), lambda y, p: keras.ops.sqrt(p))(root)


def descent(w, x, y, rate, batches):
    """Movement by hand, in NumPy: a linear model, half the squared error, plain gradient descent."""
    scores, w = np.zeros_like(w), w.copy()
    for rows in batches:
        g = x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)
        scores -= rate * g * w
        w -= rate * g
    return scores, w


def test_movement_by_hand_of_a_linear_model():
    weights, x, y = RNG.normal(size=(4, 2)), RNG.normal(size=(24, 4)), RNG.normal(size=(24, 2))
    order = np.random.default_rng(3)
    batches = [rows for _ in range(2) for rows in np.split(order.permutation(24), [10, 20])]
    wanted, end = descent(weights, x, y, 0.05, batches)
    got = movement(x, y, half_square, epochs=2, batch_size=10, learning_rate=0.05, seed=3)(linear(weights))
    assert got["d/kernel"] == pytest.approx(wanted, abs=1e-12)
    one, end = descent(weights, x, y, 1e-3, [np.arange(24)])
    away = np.abs(end) > np.abs(weights)
    got = movement(x, y, half_square, epochs=1, batch_size=24, learning_rate=1e-3)(linear(weights))[
        "d/kernel"
    ]
    assert np.array_equal(got > 0, away), "positive where the weight moved away from zero"


def test_movement_is_what_training_by_sgd_does_step_by_step():
    """w · Δw, summed, where Keras's own SGD takes the steps: biases move too."""
    wanted_model, x, y = small_net()
    model = keras.models.clone_model(wanted_model)
    model.set_weights(wanted_model.get_weights())
    model.compile("sgd", "sparse_categorical_crossentropy")
    wanted_model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    named = prunable_variables(wanted_model)
    wanted = {path: 0.0 for path in named}
    order = np.random.default_rng(0).permutation(len(x))
    for start in range(0, len(x), 32):
        before = {path: np.array(v, np.float64) for path, v in named.items()}
        wanted_model.train_on_batch(x[order[start : start + 32]], y[order[start : start + 32]])
        wanted = {p: wanted[p] + before[p] * (np.asarray(v) - before[p]) for p, v in named.items()}
    got = movement(x, y, epochs=1)(model)
    for path in named:
        assert got[path] == pytest.approx(wanted[path], rel=1e-3, abs=2e-6)


def test_movement_of_a_held_model_keeps_its_zeros_and_of_a_frozen_one_its_weights():
    model, x, y = small_net()
    masks = make_masks(model, 0.5)
    hold(model, masks)
    before = {path: np.array(v) for path, v in prunable_variables(model).items()}
    scores = movement(x, y, learning_rate=0.1, epochs=3)(model)
    assert all(not scores[path][~masks[path]].any() for path in masks), "0 · g"
    assert all(np.array_equal(before[p], v) for p, v in prunable_variables(model).items())
    assert Masks.from_zeros(model).sparsity == masks.sparsity
    model.get_layer("first").trainable = False
    frozen = movement(x, y, batch_size=len(x), learning_rate=0.1, epochs=1)(model)["first/kernel"]
    value = np.asarray(model.get_layer("first").kernel, np.float64)
    g = gradient(x, y)(model)["first/kernel"]
    assert np.abs(frozen) == pytest.approx(0.1 * g * np.abs(value), rel=1e-4, abs=1e-7)


def test_a_run_that_diverges_says_so_and_puts_the_weights_back():
    model, x, y = small_net()
    before = model.get_weights()
    with pytest.raises(ValueError, match="(loss|movement).* must be finite"):
        movement(x * 1e20, np.ones((len(x), 3)), "mse", learning_rate=1e30, epochs=9)(linear_like(model))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def linear_like(model):
    """The model without its bounded activations, so that it can diverge."""
    for layer in model.layers:
        layer.activation = keras.activations.linear
    return model


@pytest.mark.parametrize("name", ["epochs", "batch_size", "learning_rate"])
def test_movement_refuses_a_run_of_nothing(name):
    with pytest.raises(ValueError, match=f"{name} must be positive. Received: 0"):
        movement(X, Y, **{name: 0})
