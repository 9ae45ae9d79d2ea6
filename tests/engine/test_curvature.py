"""GraSP, Fisher and OBD: by their formulas in NumPy, and against differences.

What all criteria from derivatives have in common is in test_gradients.py.
"""

import keras
import numpy as np
import pytest
from by_hand import RNG, X, Y, errors, gradient_by_hand, half_square, kernel, linear, small_net, softmax_net

from course_lib.pruning import fisher, gradient, grasp, obd, prunable_variables

layers = keras.layers


def test_grasp_against_finite_differences():
    model = softmax_net()
    w, g, step = kernel(model), gradient_by_hand(model), 1e-4
    sides = []
    for sign in (1, -1):
        model.get_layer("d").kernel.assign(w + sign * step * g)
        sides.append(gradient_by_hand(model))
    model.get_layer("d").kernel.assign(w)
    product = (sides[0] - sides[1]) / (2 * step)
    assert grasp(X, Y)(model)["d/kernel"] == pytest.approx(w * product, rel=1e-4, abs=1e-7)


def test_the_weight_that_carries_the_gradient_is_kept_by_grasp():
    """The loss (3w₁ + w₂)² / 2: without w₁ its gradient is smaller, and GraSP prunes what leaves it large."""
    model = linear(np.array([[1.0], [-0.5]]))
    rise = {}
    for i in range(2):
        w = np.array([1.0, -0.5])
        w[i] = 0
        rise[i] = (np.array([3, 1]) @ w) ** 2 * 10 - 2.5**2 * 10  # the squared norm of the gradient
    scores = grasp(np.array([[3.0, 1.0]]), np.zeros((1, 1)), half_square)(model)["d/kernel"].ravel()
    assert rise[0] < rise[1]
    assert scores[0] > 0 > scores[1], "w₂ works against w₁: without it the gradient grows"


def test_fisher_is_a_loop_over_single_examples():
    model, x, y = small_net()
    alone = [gradient(x[i : i + 1], y[i : i + 1])(model) for i in range(17)]
    for path, scores in fisher(x[:17], y[:17])(model).items():
        squares = np.mean([g[path] ** 2 for g in alone], axis=0)
        weights = np.asarray(prunable_variables(model)[path])
        assert scores == pytest.approx(weights**2 / 2 * squares, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("criterion", [grasp, fisher, obd])
def test_recurrent_layers_and_attention(criterion):
    inputs = keras.Input((5, 4))
    x = layers.GRU(3, return_sequences=True)(layers.MultiHeadAttention(2, 3)(inputs, inputs))
    model = keras.Model(inputs, layers.Dense(3, "softmax")(layers.LSTM(3)(x)))
    extra = {"samples": 2} if criterion is obd else {}
    scores = criterion(RNG.normal(size=(6, 5, 4)), Y[:6], "sparse_categorical_crossentropy", **extra)(model)
    assert len(scores) == 9 and all(s.any() for s in scores.values())


def test_fisher_by_hand():
    model = softmax_net()
    squares = (X**2).T @ errors(model, X, Y) ** 2 / len(X)
    assert fisher(X, Y)(model)["d/kernel"] == pytest.approx(kernel(model) ** 2 / 2 * squares, rel=1e-5)


def test_obd_is_exact_on_a_quadratic_with_a_diagonal_hessian():
    x = np.diag([1.0, 2, 3, 4])
    weights = RNG.normal(size=(4, 2))
    h = np.diag(x.T @ x)[:, None] / 4
    scores = obd(x, x @ weights, half_square, samples=1)(linear(weights))["d/kernel"]
    assert scores == pytest.approx(h * weights**2 / 2)
    for i, j in np.ndindex(4, 2):
        pruned = weights.copy()
        pruned[i, j] = 0
        rise = np.mean(np.sum((x @ pruned - x @ weights) ** 2, axis=1)) / 2
        assert scores[i, j] == pytest.approx(rise), "at a minimum of a quadratic, OBD is the rise itself"


def test_obd_converges_to_the_diagonal():
    model = softmax_net()
    p = np.asarray(model(X))
    h = (X**2).T @ (p * (1 - p)) / len(X)
    scores = obd(X, Y, samples=2000)(model)["d/kernel"] / kernel(model) ** 2 * 2
    assert scores == pytest.approx(h, abs=0.05 * h.max())


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
@pytest.mark.parametrize("criterion", [grasp, fisher, obd])
def test_short_floats(policy, criterion):
    scores = criterion(X.astype("float32"), Y)(softmax_net(dtype=policy))
    assert scores["d/kernel"].dtype == np.float64 and scores["d/kernel"].any()


def test_no_samples():
    with pytest.raises(ValueError, match="samples must be at least 1. Received: 0"):
        obd(X, Y, samples=0)
