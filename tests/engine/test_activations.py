"""Criteria from activations, and for filters: by hand, by brute force, and on every kind of model."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_lib import data as datasets
from course_lib import models
from course_lib.pruning import (
    apoz,
    bn_scale,
    geometric_median,
    layerwise,
    make_masks,
    mean_activation,
    prunable_variables,
    wanda,
)

layers = keras.layers
RNG = np.random.default_rng(0)
FROM_DATA = [wanda, mean_activation, apoz]


def stack(*inside, shape=(4,)):
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input(shape), *inside], name="stack")


def weight(model, path):
    return np.asarray(prunable_variables(model)[path])


def test_wanda_of_a_dense_layer_by_hand():
    x = np.array([[3.0, 0, 1, 2], [4.0, 0, 1, 2]])
    model = stack(layers.Dense(2, name="d"))
    norms = np.array([5.0, 0, np.sqrt(2), np.sqrt(8)])
    assert wanda(x)(model)["d/kernel"] == pytest.approx(np.abs(weight(model, "d/kernel")) * norms[:, None])


def test_wanda_of_a_deeper_layer_and_of_more_than_two_axes():
    model = stack(layers.Dense(5, "relu", name="a"), layers.Dense(2, name="b"), shape=(6, 4))
    x = RNG.normal(size=(300, 6, 4)).astype("float32")
    inner = np.asarray(model.get_layer("a")(x)).reshape(-1, 5)
    expected = np.abs(weight(model, "b/kernel")) * np.linalg.norm(inner, axis=0)[:, None]
    assert wanda(x)(model)["b/kernel"] == pytest.approx(expected, rel=1e-5)


CONVS = [
    (layers.Conv1D, (11, 4), dict(padding="causal", dilation_rate=2)),
    (layers.Conv1D, (11, 4), dict(padding="same", strides=3)),
    (layers.Conv1D, (11, 4), dict(groups=2)),
    (layers.Conv2D, (7, 6, 4), dict()),
    (layers.Conv2D, (7, 6, 4), dict(padding="same", strides=2)),
    (layers.Conv2D, (7, 6, 4), dict(padding="same", dilation_rate=2, groups=2)),
    (layers.Conv3D, (5, 4, 6, 4), dict(padding="same", strides=(1, 2, 2))),
]


@pytest.mark.parametrize("kind, shape, options", CONVS)
@pytest.mark.parametrize("size", [2, 3])
def test_wanda_of_a_convolution_is_the_layer_itself_on_squares(kind, shape, options, size):
    """A kernel with a single 1, applied to x², sums up the squares that this very entry meets."""
    model = stack(kind(4, size, name="conv", use_bias=False, **options), shape=shape)
    x = RNG.normal(size=(3, *shape)).astype("float32")
    conv, kernel = model.get_layer("conv"), weight(model, "conv/kernel").copy()
    scores = wanda(x)(model)["conv/kernel"]
    squares = np.zeros(kernel.shape)
    for index in np.ndindex(kernel.shape):
        one = np.zeros(kernel.shape)
        one[index] = 1
        conv.kernel.assign(one)
        squares[index] = np.asarray(conv(x**2), np.float64).sum()
    assert scores == pytest.approx(np.abs(kernel) * np.sqrt(squares), rel=1e-4)


def test_mean_activation_and_apoz_by_hand():
    model = stack(layers.Dense(3, "relu", name="d", use_bias=False))
    model.set_weights([np.array([[1.0, 0, -1], [0, 1, 0], [0, 0, 0], [0, 0, 0]])])
    x = np.array([[1.0, -1, 0, 0], [3.0, 2, 0, 0]])
    assert mean_activation(x)(model)["d/kernel"].tolist() == [[2, 1, 0]] * 4
    assert apoz(x)(model)["d/kernel"].tolist() == [[1, 0.5, 0]] * 4


def test_they_are_read_behind_normalisation_and_activation():
    relu = layers.ReLU()  # one layer, used twice
    inside = [layers.Conv2D(5, 3, name="conv"), layers.BatchNormalization(), relu, layers.Dropout(0.5)]
    model = stack(*inside, layers.Conv2D(6, 1, name="next"), relu, shape=(6, 6, 2))
    x = RNG.normal(size=(300, 6, 6, 2)).astype("float32")
    for count, name in ((3, "conv"), (6, "next")):
        out = x
        for layer in model.layers[:count]:
            out = layer(out)
        out = np.asarray(out).reshape(-1, out.shape[-1])
        shape = weight(model, f"{name}/kernel").shape
        means, alive = np.broadcast_to(out.mean(0), shape), np.broadcast_to((out > 0).mean(0), shape)
        assert mean_activation(x)(model)[f"{name}/kernel"] == pytest.approx(means, rel=1e-4)
        assert apoz(x)(model)[f"{name}/kernel"] == pytest.approx(alive)
        assert 0 < alive.min() < alive.max() < 1


def test_geometric_median_by_brute_force():
    model = stack(
        layers.Conv2D(5, 3, name="conv"), layers.Flatten(), layers.Dense(3, name="d"), shape=(5, 4, 2)
    )
    for path, scores in geometric_median()(model).items():
        kernel = weight(model, path)
        for j in range(kernel.shape[-1]):
            distances = [np.linalg.norm(kernel[..., j] - kernel[..., k]) for k in range(kernel.shape[-1])]
            assert scores[..., j] == pytest.approx(np.full(kernel.shape[:-1], sum(distances)), rel=1e-6)


def test_the_filter_in_the_middle_scores_least_though_it_is_not_small():
    model = stack(layers.Dense(3, use_bias=False, name="d"), shape=(2,))
    model.set_weights([np.array([[9.0, 10, 11], [9, 10, 11]])])
    assert geometric_median()(model)["d/kernel"].argmin(axis=1).tolist() == [1, 1]


def test_bn_scale_by_hand():
    norm = layers.BatchNormalization(name="norm")
    model = stack(
        layers.Conv2D(3, 2, name="conv"), layers.ReLU(), norm, layers.Dense(2, name="d"), shape=(4, 4, 1)
    )
    norm.gamma.assign([0.5, -2, 0])
    scores = bn_scale()(model)
    assert list(scores) == ["conv/kernel"]
    assert np.array_equal(scores["conv/kernel"], np.broadcast_to([0.5, 2, 0], (2, 2, 1, 3)))


def test_bn_scale_finds_every_convolution_of_r_its_own_norm():
    model = models.residual_digits()
    for i, layer in enumerate(model.layers):
        if isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(np.full(layer.gamma.shape, i))
    positions = {layer.name: i for i, layer in enumerate(model.layers)}
    scores = bn_scale()(model)
    assert len(scores) == 8
    for path, score in scores.items():
        assert (score == positions[path.replace("_conv/kernel", "_norm")]).all()


def nested():
    """A shared Dense with two norms behind it, one of them outside the nested model that ends with it."""
    shared, inside = layers.Dense(4, name="shared"), keras.Input((4,))
    inner = keras.Model(inside, shared(layers.ReLU()(inside)), name="inner")
    inputs = keras.Input((4,))
    one, two = layers.BatchNormalization(name="one"), layers.BatchNormalization(name="two")
    x = layers.Dense(2, name="last")(two(inner(one(shared(inputs)))))
    model = keras.Model(inputs, x, name="outer")
    one.gamma.assign([1, 0, 5, 0])
    two.gamma.assign([0, 2, -6, 0])
    return model


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="sub")
        self.hidden, self.head = layers.Dense(5, "relu", name="hidden"), layers.Dense(2, name="head")

    def call(self, x):
        return self.head(self.hidden(x))


def test_shared_and_nested_layers():
    model, x = nested(), RNG.normal(size=(20, 4)).astype("float32")
    scores = bn_scale()(model)
    (path,) = scores
    assert path.endswith("shared/kernel") and scores[path][0].tolist() == [1, 2, 6, 0]
    between = np.asarray(model.get_layer("one")(model.get_layer("shared")(x)))
    squares = (x**2).sum(0) + (np.maximum(between, 0) ** 2).sum(0)
    expected = np.abs(weight(model, path)) * np.sqrt(squares)[:, None]
    assert wanda(x)(model)[path] == pytest.approx(expected, rel=1e-4)


def test_subclassed_models():
    model, x = Subclassed(), RNG.normal(size=(20, 4)).astype("float32")
    model(x)
    alive = (np.asarray(model.hidden(x)) > 0).mean(0)
    assert apoz(x)(model)["hidden/kernel"][0] == pytest.approx(alive)
    with pytest.raises(ValueError, match=r"Functional or Sequential.*Received: 'sub' \(Subclassed\)"):
        bn_scale()(model)


@pytest.mark.parametrize("name", ["D", "C", "R"])
@pytest.mark.parametrize("make", [*FROM_DATA, geometric_median])
def test_on_the_models_of_the_course_untouched_and_deterministic(name, make):
    model = {"D": models.dense_digits, "C": models.conv_digits, "R": models.residual_digits}[name]()
    x = datasets.digits(flat=name == "D")[0][:40]
    criterion = make() if make is geometric_median else make(x)
    before = [np.asarray(v).copy() for v in model.variables]
    attributes = [set(vars(layer)) for layer in model._flatten_layers()]
    once, twice = criterion(model), criterion(model)
    shapes = {p: tuple(v.shape) for p, v in prunable_variables(model).items()}
    assert {p: s.shape for p, s in once.items()} == shapes
    assert all(np.array_equal(once[p], twice[p]) for p in once)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.variables, strict=True))
    assert attributes == [set(vars(layer)) for layer in model._flatten_layers()]
    share = make_masks(model, 0.5, criterion, scope=partial(layerwise, ties="first")).sparsity
    assert share == pytest.approx(0.5, abs=0.01)


def test_a_model_is_let_go_of_when_the_run_fails():
    model = stack(layers.Dense(3, name="d"))
    with pytest.raises(ValueError):
        wanda(np.ones((2, 9)))(model)
    assert "call" not in vars(model.get_layer("d"))


def with_embedding():
    parts = [layers.Embedding(9, 4, name="embedding"), layers.Flatten(), layers.Dense(3, "relu", name="d")]
    return stack(*parts, layers.BatchNormalization(), shape=(5,))


@pytest.mark.parametrize("make", [*FROM_DATA, bn_scale, geometric_median])
def test_what_they_cannot_score_is_left_out_with_within(make):
    model, x = with_embedding(), RNG.integers(0, 9, (30, 5))
    criterion = make(x) if make in FROM_DATA else make()
    with pytest.raises(ValueError, match=r"no scores for 'embedding/embeddings'.*within=\['d'\]"):
        make_masks(model, 0.5, criterion)
    assert list(make_masks(model, 0.5, criterion, within=["d"])) == ["d/kernel"]


@pytest.mark.parametrize("make", [*FROM_DATA, bn_scale, geometric_median])
def test_a_model_without_dense_and_conv(make):
    model = stack(layers.Embedding(9, 4, name="embedding"), shape=(5,))
    with pytest.raises(ValueError, match="Dense and Conv.*'stack' has none.*embedding/embeddings"):
        (make(np.ones((3, 5))) if make in FROM_DATA else make())(model)


def test_bn_scale_without_a_norm_or_without_scale():
    for norm in ([], [layers.BatchNormalization(scale=False)]):
        with pytest.raises(ValueError, match="'stack', where none follows d/kernel"):
            bn_scale()(stack(layers.Dense(3, name="d"), *norm))


@pytest.mark.parametrize("make", FROM_DATA)
def test_bad_data(make):
    model = stack(layers.Dense(3, name="d"))
    with pytest.raises(ValueError, match="at least one example. Received: none"):
        make(np.ones((0, 4)))(model)
    with pytest.raises(ValueError, match="outputs of 'd/kernel' must be finite. Received: 6 of 6"):
        make(np.full((2, 4), np.nan))(model)


class Compiled(layers.Wrapper):
    """Runs its layer in a function that TensorFlow compiles."""

    def call(self, x):
        return tf.function(self.layer)(x)


@pytest.mark.parametrize("make", FROM_DATA)
def test_what_runs_in_a_compiled_function_is_left_out(make):
    hidden, x = Compiled(layers.Dense(3, name="inner"), name="c"), RNG.normal(size=(4, 4))
    with pytest.raises(ValueError, match="outside compiled functions. Received: c/inner/kernel"):
        make(x)(stack(hidden))
    assert list(make(x)(stack(hidden, layers.Dense(2, name="d")))) == ["d/kernel"]


@pytest.mark.parametrize("make", FROM_DATA)
def test_the_same_layer_at_every_time_step(make):
    dense, x = layers.Dense(3, "relu", name="d"), RNG.normal(size=(4, 6, 4))
    plain, steps = stack(dense, shape=(6, 4)), stack(layers.TimeDistributed(dense, name="t"), shape=(6, 4))
    assert make(x)(steps)["t/d/kernel"] == pytest.approx(make(x)(plain)["d/kernel"], rel=1e-5)


@pytest.mark.parametrize("make", FROM_DATA)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_bfloat16"])
def test_short_floats(make, dtype):
    x = RNG.normal(size=(30, 4)).astype("float32")
    short, exact = (stack(layers.Dense(3, "relu", name="d", dtype=d)) for d in (dtype, "float32"))
    short.set_weights([np.asarray(w, np.float32) for w in exact.get_weights()])
    scores, wanted = make(x)(short)["d/kernel"], make(x)(exact)["d/kernel"]
    assert scores == pytest.approx(wanted, rel=0.05, abs=0.02)


def functional(relu, join):
    """conv → BN → relu → conv, beside a residual branch that has its ReLU behind the addition."""
    keras.utils.set_random_seed(4)
    inner_in, inputs = keras.Input((6, 6, 3)), keras.Input((6, 6, 3))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(5, 3, padding="same", name="a")(inner_in))
    x = relu(x)
    y = layers.Conv2D(5, 3, padding="same", name="b")(x)
    inner = keras.Model(inner_in, relu(join(x, y)), name="inner")
    return keras.Model(inputs, layers.Dense(2, name="head")(inner(inputs)))


@pytest.mark.parametrize("criterion", [apoz, mean_activation])
def test_activations_called_as_functions_count_as_layers_do(criterion):
    x = RNG.normal(size=(20, 6, 6, 3)).astype("float32")
    as_layers = functional(lambda t: layers.ReLU()(t), lambda a, b: layers.Add()([a, b]))
    expected = criterion(x)(as_layers)
    assert criterion is not apoz or expected["inner/a/kernel"].max() < 1
    for relu in (keras.ops.relu, keras.activations.relu):
        model = functional(relu, lambda a, b: a + b)
        found = criterion(x)(model)
        assert found.keys() == expected.keys()
        assert all(found[path] == pytest.approx(expected[path]) for path in expected)
        assert not any("call" in vars(op) for op in model.get_layer("inner").operations), "left as it was"


def test_a_units_own_activation_ends_at_an_addition():
    """As documented: the ReLU behind the addition is not that of one branch."""
    x = RNG.normal(size=(20, 6, 6, 3)).astype("float32")
    model = functional(keras.ops.relu, lambda a, b: a + b)
    assert (apoz(x)(model)["inner/b/kernel"] == 1).all()
    inner = model.get_layer("inner")
    branch = np.asarray(keras.Model(inner.input, inner.get_layer("b").output)(x))
    assert mean_activation(x)(model)["inner/b/kernel"][0, 0, 0] == pytest.approx(
        np.abs(branch).mean((0, 1, 2)), rel=1e-5
    )
