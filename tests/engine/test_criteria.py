"""Criteria from gradients: by their formulas in NumPy, and against what removing a weight really does."""

import time

import keras
import numpy as np
import pytest

from course_lib import data as datasets
from course_lib import models
from course_lib.pruning import fisher, gradient, grasp, make_masks, obd, prunable_variables, taylor

layers = keras.layers
ALL = [gradient, taylor, grasp, fisher, obd]
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


def test_gradient_and_taylor_by_hand():
    model = softmax_net()
    g = gradient_by_hand(model)
    assert gradient(X, Y)(model)["d/kernel"] == pytest.approx(np.abs(g), abs=1e-6)
    assert taylor(X, Y)(model)["d/kernel"] == pytest.approx(np.abs(g * kernel(model)), abs=1e-6)


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


def half_square(y, prediction):
    return keras.ops.sum((prediction - y) ** 2, axis=-1) / 2


def linear(weights):
    dense = layers.Dense(weights.shape[1], use_bias=False, name="d", dtype="float64")
    model = keras.Sequential([keras.Input((weights.shape[0],), dtype="float64"), dense])
    model.set_weights([weights])
    return model


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


def test_a_loss_of_ones_own_and_lists_as_data():
    model = softmax_net()
    square = taylor(X, np.eye(3)[Y], "mse")(model)["d/kernel"]
    own = taylor(X.tolist(), np.eye(3)[Y].tolist(), lambda y, p: (y - p) ** 2)(model)["d/kernel"]
    assert own == pytest.approx(square)
    assert taylor(X, Y.tolist())(model)["d/kernel"] == pytest.approx(taylor(X, Y)(model)["d/kernel"])


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16"])
@pytest.mark.parametrize("criterion", [grasp, fisher, obd])
def test_short_floats(policy, criterion):
    scores = criterion(X.astype("float32"), Y)(softmax_net(dtype=policy))
    assert scores["d/kernel"].dtype == np.float64 and scores["d/kernel"].any()


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


def test_no_samples():
    with pytest.raises(ValueError, match="samples must be at least 1. Received: 0"):
        obd(X, Y, samples=0)
