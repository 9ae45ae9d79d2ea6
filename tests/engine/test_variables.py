"""Which variables of a model pruning is about, under which names, and what is no model for it."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    GradualPruning,
    Masks,
    constant,
    gzip_bytes,
    held_masks,
    hold,
    make_masks,
    masks_so_far,
    named_variables,
    parameters,
    prunable_variables,
    release,
    report,
    skipped,
)
from course_lib.pruning.variables import read, write

layers = keras.layers


def nested():
    """Two inner models whose variables have the same paths; one of them is used twice."""

    def inner(name):
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(4, name="dense")(inputs), name=name)

    a, b, inputs = inner("a"), inner("b"), keras.Input((4,))
    return keras.Model(inputs, layers.Dense(2, name="head")(b(a(a(inputs)))), name="outer")


def test_paths_are_layer_names_and_survive_cloning_and_loading(tmp_path):
    """Keras' own do not: here two variables share "dense/kernel", and loading renames those of a
    Sequential."""
    model = nested()
    names = ["a/dense/kernel", "a/dense/bias", "b/dense/kernel", "b/dense/bias", "head/kernel", "head/bias"]
    assert list(named_variables(model)) == names
    assert len({v.path for v in model.weights}) == 4
    stack = keras.Sequential([keras.Input((4,)), layers.Dense(5, name="in"), layers.Dense(4)], name="s")
    inputs = keras.Input((3, 4))
    x = layers.TimeDistributed(stack, name="t")(inputs)
    x = layers.Bidirectional(layers.GRU(3, name="gru"), name="both")(x)
    wrapped = keras.Model(inputs, layers.MultiHeadAttention(2, 3, name="mha")(x, x))
    some = {"t/s/in/kernel", "both/forward_gru/gru_cell/kernel", "mha/query/bias"}
    assert some <= named_variables(wrapped).keys()
    for source in (model, stack, wrapped):
        source.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for copy in (keras.models.clone_model(source), loaded):
            assert list(named_variables(copy)) == list(named_variables(source))


def test_a_path_used_twice_is_numbered():
    class Twins(keras.Layer):
        def build(self, shape):
            self.pair = [self.add_weight(shape=(shape[-1], 2), name="w") for _ in range(3)]

        def call(self, x):
            return x @ self.pair[0] + x @ self.pair[1]

    model = keras.Sequential([keras.Input((8,)), Twins(name="twins")])
    assert list(prunable_variables(model)) == ["twins/w", "twins/w#2", "twins/w#3"]


def test_masks_reach_both_variables_of_one_keras_path():
    model = nested()
    hold(model, make_masks(model, 0.5))
    assert np.count_nonzero(model.get_layer("b").weights[0]) < 16
    assert report(model).all.sparsity == 0.5


def test_shared_layers_come_once():
    shared, inputs = layers.Dense(4, name="shared"), keras.Input((4,))
    model = keras.Model(inputs, layers.add([shared(inputs), shared(shared(inputs))]))
    assert list(prunable_variables(model)) == ["shared/kernel"]


def test_biases_norms_and_state_are_spared():
    inputs = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs)
    x = layers.LayerNormalization(axis=(1, 2))(layers.PReLU()(x))
    x = layers.BatchNormalization()(layers.Normalization(axis=(1, 2))(x))
    x = layers.Bidirectional(layers.GRU(3, name="gru"), name="both")(x)
    found = prunable_variables(keras.Model(inputs, x))
    assert {path.rsplit("/", 1)[-1] for path in found} == {"kernel", "recurrent_kernel"}
    assert len(found) == 4 + 4


def test_convolutions_embeddings_custom_and_frozen_layers_are_prunable():
    class Mine(keras.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 2), name="w")

        def call(self, x):
            return x @ self.w

    model = keras.Sequential(
        [keras.Input((8,)), layers.Embedding(9, 4), layers.SeparableConv1D(4, 3), Mine()]
    )
    model.layers[0].trainable = False
    names = [path.rsplit("/", 1)[-1] for path in prunable_variables(model)]
    assert names == ["embeddings", "depthwise_kernel", "pointwise_kernel", "w"]


def test_within_takes_names_layers_nested_models_and_parts_of_layers(net):
    model = net()
    for within in (["last"], "last", [model.get_layer("last")], model.get_layer("last")):
        assert list(prunable_variables(model, within)) == ["last/kernel"]
    assert list(prunable_variables(nested(), ["b"])) == ["b/dense/kernel"]
    inputs = keras.Input((6, 4))
    attention = keras.Model(inputs, layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs))
    assert len(prunable_variables(attention, ["attention"])) == 4
    assert list(prunable_variables(attention, ["query"])) == ["attention/query/kernel"]


@pytest.mark.parametrize(
    "within, parts",
    [
        ([], ["at least one layer", "leave it out"]),
        (["lost"], ["'net'", "Received: 'lost'", "Did you mean 'last'?"]),
        (["xyz"], ["Received: 'xyz'", "first, none, last"]),
        (["none"], ["'none'", "no weights to prune"]),
        ([3], ["Received: 3"]),
    ],
)
def test_bad_within(net, within, parts):
    with pytest.raises(ValueError) as caught:
        make_masks(net(), 0.5, within=within)
    assert all(part in str(caught.value) for part in parts)


def test_a_layer_of_another_model_is_not_within(net):
    with pytest.raises(ValueError, match="no such layer. Received: 'first'"):
        make_masks(net(), 0.5, within=[net().get_layer("first")])


VERBS = [
    lambda model: make_masks(model, 0.5),
    lambda model: hold(model, {}),
    release,
    Masks().apply,
    Masks.from_zeros,
    held_masks,
    skipped,
    lambda model: masks_so_far(model, 0.5),
    lambda model: GradualPruning(constant(0.5)).update(model, 0),
    report,
    parameters,
    gzip_bytes,
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_is_no_model(verb):
    tf_keras = pytest.importorskip("tf_keras")
    with pytest.raises(TypeError, match="tf_keras.*keras.*lesson 04"):
        verb(tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))]))
    with pytest.raises(TypeError, match=r"keras.Model. Received: 'net' \(str\)"):
        verb("net")
    with pytest.raises(TypeError, match=r"keras.Model. Received: .*\(Dense\)"):
        verb(layers.Dense(3))
    with pytest.raises(ValueError, match="'blank' has no weights yet.*build"):
        verb(keras.Sequential([layers.Dense(3)], name="blank"))


def test_a_model_with_nothing_to_prune():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()], name="norms")
    with pytest.raises(ValueError, match="'norms' has nothing to prune"):
        make_masks(model, 0.5)


@pytest.mark.parametrize(
    "make, error, parts",
    [
        (lambda: GradualPruning(0.8), TypeError, ["Received: 0.8", "constant"]),
        (lambda: GradualPruning(constant(0.8), every=0), ValueError, ["every", "Received: 0"]),
        (lambda: GradualPruning(constant(0.8), every=2.5), ValueError, ["whole number", "Received: 2.5"]),
        (lambda: GradualPruning(constant(0.8), every="5"), ValueError, ["whole number", "Received: '5'"]),
        (lambda: GradualPruning(constant(0.8), sparsity=0.5), TypeError, ["criterion", "Received: sparsity"]),
        (lambda: GradualPruning(constant(0.8), critrion=1), TypeError, ["Received: critrion"]),
    ],
)
def test_bad_callback(make, error, parts):
    with pytest.raises(error) as caught:
        make()
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (300, 200)])
def test_what_is_read_and_written_is_a_copy(dtype, shape):
    variable = keras.Variable(np.zeros(shape), dtype=dtype)
    value = np.ones(shape, read(variable).dtype)
    write(variable, value)
    value[...] = 0
    seen = read(variable)
    assert seen.dtype == value.dtype and (seen == 1).all()
    np.asarray(seen)[...] = 0
    assert (np.asarray(variable.value) == 1).all()
