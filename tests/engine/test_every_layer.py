"""Every layer of keras.layers that has weights: shrunk equals masked, or frozen and listed; never a crash."""

import inspect

import keras
import numpy as np
import pytest
from keras.src.applications.convnext import LayerScale
from surgery_help import difference, unsettle

from course_lib.pruning import Channels, layerwise, magnitude, make_masks, random, shrink, sparsity

kl, ops = keras.layers, keras.ops

# class → (shape of the input without channels, what is made of a tensor (batch, …, 8))
CALLS = {
    kl.AdditiveAttention: ((6,), lambda x: kl.AdditiveAttention()([x, kl.Dense(8)(x)])),
    kl.Attention: ((6,), lambda x: kl.Attention(use_scale=True)([x, kl.Dense(8)(x)])),
    kl.BatchNormalization: ((6,), kl.BatchNormalization()),
    kl.Bidirectional: ((6,), kl.Bidirectional(kl.LSTM(4, return_sequences=True), merge_mode="mul")),
    kl.Conv1D: ((6,), kl.Conv1D(6, 3)),
    kl.Conv1DTranspose: ((6,), kl.Conv1DTranspose(6, 3)),
    kl.Conv2D: ((6, 6), kl.Conv2D(6, 3)),
    kl.Conv2DTranspose: ((6, 6), kl.Conv2DTranspose(6, 3)),
    kl.Conv3D: ((3, 3, 3), kl.Conv3D(6, 2)),
    kl.Conv3DTranspose: ((3, 3, 3), kl.Conv3DTranspose(6, 2)),
    kl.ConvLSTM1D: ((3, 5), kl.ConvLSTM1D(4, 3)),
    kl.ConvLSTM2D: ((3, 5, 5), kl.ConvLSTM2D(4, 3, return_sequences=True)),
    kl.ConvLSTM3D: ((2, 3, 3, 3), kl.ConvLSTM3D(4, 2, padding="same")),
    kl.Dense: ((6,), kl.Dense(6)),
    kl.DepthwiseConv1D: ((6,), kl.DepthwiseConv1D(3, depth_multiplier=2)),
    kl.DepthwiseConv2D: ((6, 6), kl.DepthwiseConv2D(3)),
    kl.EinsumDense: ((6,), kl.EinsumDense("abc,cd->abd", (6, 4), bias_axes="d")),
    kl.GRU: ((6,), kl.GRU(4)),
    kl.GRUCell: ((), lambda x: kl.GRUCell(8)(x, kl.Dense(8)(x))[0]),
    kl.GroupNormalization: ((6,), kl.GroupNormalization(4)),
    kl.GroupQueryAttention: ((6,), lambda x: kl.GroupQueryAttention(3, 4, 2)(x, kl.Dense(8)(x))),
    kl.LSTM: ((6,), kl.LSTM(4)),
    kl.LSTMCell: ((), lambda x: kl.LSTMCell(8)(x, [kl.Dense(8)(x), kl.Dense(8)(x)])[0]),
    kl.LayerNormalization: ((6,), kl.LayerNormalization()),
    kl.MultiHeadAttention: ((6,), lambda x: kl.MultiHeadAttention(4, 3)(x, kl.Dense(5)(x))),
    kl.Normalization: ((6,), kl.Normalization()),
    kl.PReLU: ((6,), kl.PReLU()),
    kl.RMSNormalization: ((6,), kl.RMSNormalization()),
    kl.RNN: ((6,), kl.RNN([kl.LSTMCell(4), kl.LSTMCell(4)])),
    kl.SeparableConv1D: ((6,), kl.SeparableConv1D(6, 3)),
    kl.SeparableConv2D: ((6, 6), kl.SeparableConv2D(6, 3)),
    kl.SimpleRNN: ((6,), kl.SimpleRNN(4, return_sequences=True)),
    kl.SimpleRNNCell: ((), lambda x: kl.SimpleRNNCell(8)(x, kl.Dense(8)(x))[0]),
    kl.SpectralNormalization: ((6,), kl.SpectralNormalization(kl.Dense(6))),
    kl.StackedRNNCells: ((), lambda x: stacked(x)),
    kl.TimeDistributed: ((6,), kl.TimeDistributed(kl.Dense(6))),
}
WORDS = {
    kl.Embedding: lambda x: kl.Embedding(9, 8)(x),
    kl.ReversibleEmbedding: lambda x: there_and_back(x, tie_weights=True),
}
# A cell that is called by itself is one step of a loop of the user's; the rest is what RNN is for.
FROZEN = {kl.GRUCell, kl.LSTMCell, kl.SimpleRNNCell, kl.StackedRNNCells, kl.Normalization}
# These want another framework, a file, or a layer of the user's.
NOT_HERE = {
    kl.Layer,
    kl.Wrapper,
    kl.FlaxLayer,
    kl.JaxLayer,
    kl.TFSMLayer,
    kl.TorchModuleWrapper,
    kl.InputLayer,
}


def stacked(x):
    cell = kl.StackedRNNCells([kl.SimpleRNNCell(8), kl.SimpleRNNCell(8)])
    return cell(x, [kl.Dense(8)(x), kl.Dense(8)(x)])[0]


def there_and_back(x, **options):
    table = kl.ReversibleEmbedding(9, 8, **options)
    return table(kl.Dense(8, "relu")(table(x)), reverse=True)


def between(shape, call):
    """A layer between a Dense layer of 8 units, whose channels may go, and a head."""
    inputs = keras.Input((*shape, 3))
    return headed(inputs, call(kl.Dense(8, "relu", name="before")(inputs)))


def headed(inputs, x):
    return keras.Model(inputs, kl.Dense(2, name="head")(kl.Flatten()(x) if len(x.shape) > 2 else x))


def check(model):
    """Shrunk equals masked, at two shares, unless it is said that it is not; returns the last small model."""
    unsettle(model)
    channels = Channels(model)
    for share in (0.3, 0.5):
        masks = make_masks(model, share, random(0), channels, layerwise)
        small = shrink(model, masks)
        assert small.count_params() < model.count_params()
        assert channels.labels.inexact or difference(model, masks, small) < 1e-5
    return small


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
def test_between_two_layers_it_is_shrunk_or_listed(kind):
    model = between(*CALLS[kind])
    if kind in FROZEN:
        reasons = "; ".join(why for group in Channels(model).frozen for why in group.frozen)
        assert f"no rule for {kind.__name__}" in reasons or "its statistics are constants" in reasons
        with pytest.raises(ValueError, match="no channels to prune"):
            make_masks(model, 0.5, granularity=Channels(model))
    else:
        small = check(model)
        assert small.get_layer("before").units == 4


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_tables_of_words(kind):
    inputs = keras.Input((5,), dtype="int32")
    check(headed(inputs, WORDS[kind](inputs)))


def test_a_table_for_words_out_of_its_own():
    inputs = keras.Input((5,), dtype="int32")
    small = check(headed(inputs, there_and_back(inputs, tie_weights=False)))
    (table,) = (layer for layer in small.layers if isinstance(layer, kl.ReversibleEmbedding))
    assert [tuple(w.shape) for w in table.weights] == [(9, 4), (4, 9)]


def test_groups_of_query_heads_go_with_their_key_and_value():
    small = check(between((6,), lambda x: kl.GroupQueryAttention(3, 8, 4, use_gate=True, name="heads")(x, x)))
    heads = small.get_layer("heads")
    assert (heads.num_query_heads, heads.num_key_value_heads) == (4, 2)


def sums(x):
    """What a sum over channels needs: zeros where they are removed."""
    return ops.sum(x, axis=-1, keepdims=True)


def two(x, call):
    """The same layer, called on two tensors that nothing else couples."""
    return kl.Concatenate()([call(kl.Dense(8)(x)), call(kl.Dense(8)(x))])


VARIANTS = {
    "no scale": lambda x: kl.AdditiveAttention(use_scale=False)([x, kl.Dense(4)(x), kl.Dense(8, "tanh")(x)]),
    "spectral": lambda x: kl.SpectralNormalization(kl.Conv1DTranspose(6, 2))(x),
    "both ways, images": lambda x: kl.Bidirectional(kl.ConvLSTM1D(4, 3))(kl.Reshape((2, 3, 8))(x)),
    "two kinds": lambda x: kl.Bidirectional(kl.GRU(4), backward_layer=kl.LSTM(4, go_backwards=True))(x),
    "both ways, cells": lambda x: kl.Bidirectional(kl.RNN([kl.GRUCell(4), kl.LSTMCell(6)]))(x),
    "side by side": lambda x: kl.Multiply()(kl.Bidirectional(kl.GRU(4), merge_mode=None)(x)),
    "states out": lambda x: kl.Concatenate()(kl.Bidirectional(kl.LSTM(4, return_state=True))(x)[1:]),
    "all states": lambda x: kl.Concatenate()(
        keras.tree.flatten(kl.RNN([kl.GRUCell(4), kl.LSTMCell(6)], return_state=True)(x))
    ),
    "states in": lambda x: kl.LSTM(5)(x, [kl.Dense(5)(x[:, 0]), kl.Dense(5)(x[:, 1])]),
    "states in, both ways": lambda x: kl.Bidirectional(kl.GRU(5))(x, [kl.Dense(5)(x[:, i]) for i in (0, 1)]),
    "a state that is not zero": lambda x: sums(kl.GRU(5)(x, initial_state=kl.Dense(5, "sigmoid")(x[:, 0]))),
    "causal": lambda x: kl.GroupQueryAttention(3, 4, 2)(
        x, kl.LSTM(8, return_sequences=True)(x), use_causal_mask=True
    ),
    "by name": lambda x: kl.MultiHeadAttention(4, 3)(query=x, value=kl.Dense(5)(inputs=x)),
    "shape, twice": lambda x: two(x, kl.Reshape((-1, 8))),
    "model, twice": lambda x: two(x, keras.Sequential([keras.Input((6, 8)), kl.ReLU()])),
    "shuffled": lambda x: ops.take(x, [3, 0, 7, 1, 2, 6, 5, 4], axis=-1),
    "some, some twice": lambda x: ops.take(x, [3, 0, 3, 1], axis=-1),
    "turned round": lambda x: x + ops.flip(kl.Dense(8)(x), axis=-1),
    "one by one": lambda x: ops.cumsum(ops.roll(x, 2, axis=1), axis=1),
    "masking": lambda x: kl.LSTM(4)(kl.Masking()(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_these_layers(name):
    check(between((6,), VARIANTS[name]))


class Cell(kl.Layer):
    """A recurrent cell of the user's."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.dense = kl.Dense(units)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x, states, training=False):
        y = self.dense(x) + states[0]
        return y, [y]

    def get_config(self):
        return super().get_config() | {"units": self.units}


@pytest.mark.parametrize(
    "call, why",
    [
        (lambda x: kl.RNN(Cell())(x), "no rule for RNN"),
        (lambda x: sums(ops.pad(x, ((0, 0), (1, 1), (0, 0)), constant_values=2.0)), "it counts all channels"),
        (lambda x: sums(ops.logsumexp(x, axis=1)), "it counts all channels"),
        (lambda x: kl.Rescaling(2.0, offset=np.arange(8.0))(x), "constants of each channel"),
        (lambda x: kl.Attention(score_mode="concat")([x, x]), "no rule for Attention"),
        (lambda x: ops.cumsum(x, axis=-1), "positions along this axis are put together"),
        (lambda x: kl.Masking(1.0)(x), "a step is left out by what all channels say"),
        (lambda x: kl.GRU(5, recurrent_activation="softmax")(x), "softmax mixes channels"),
    ],
)
def test_what_stays_says_why_and_the_rest_can_still_be_cut(call, why):
    inputs = keras.Input((6, 3))
    x = call(kl.Dense(8, name="before")(kl.Dense(7, "relu", name="free")(inputs)))
    model = headed(inputs, x)
    assert why in str(Channels(model))
    assert check(model).get_layer("free").units == 4


def test_an_activation_with_weights_freezes_what_goes_through_it():
    model = between((), lambda x: kl.Dense(8, activation=kl.PReLU(), name="bent")(x))
    assert "  bent, 8 channels, 1 consumer: bent: its activation has weights" in str(Channels(model))


def weighty(kind):
    """Has this layer weights, in any shape we can build it for? None: we cannot make one."""
    arguments = [(), (2,), ((2, 2),), (lambda x: x,), ("mean",), (kl.Dense(2),)]
    shapes = [(None, 8, 8, 3), (None, 8), (None, 8, 3), (None, 8, 8, 8, 3)]
    for args in arguments:
        for shape in shapes:
            try:
                layer = kind(*args)
                pair = [keras.KerasTensor(shape)] * 2
                layer(pair if isinstance(layer, kl.Add | kl.Dot | kl.Concatenate) else pair[0])
                return bool(layer.weights)
            except Exception:  # wrong arguments or rank: the next
                continue
    return None


@pytest.mark.filterwarnings("ignore")  # trying layers with what they cannot take
def test_no_layer_with_weights_is_missing_here():
    kinds = {k for k in vars(kl).values() if inspect.isclass(k) and issubclass(k, keras.Layer)}
    rest = kinds - CALLS.keys() - WORDS.keys() - NOT_HERE
    assert {k.__name__ for k in rest if weighty(k)} == set()


class Scale(kl.Layer):
    """A layer that gives its weights no names."""

    def build(self, shape):
        self.factors = [self.add_weight(shape=(shape[-1], shape[-1])) for _ in range(2)]

    def call(self, x):
        return x @ self.factors[0] @ self.factors[1]


def test_masks_fit_a_clone_and_a_loaded_copy_also_where_weights_have_no_names(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Scale(name="b")(kl.Dense(5, name="last")(Scale(name="a")(inputs))))
    model.save(tmp_path / "model.keras")
    twins = [keras.models.clone_model(model)]
    with keras.saving.custom_object_scope({"Scale": Scale}):
        twins.append(keras.saving.load_model(tmp_path / "model.keras"))
    masks = make_masks(model, 0.5, magnitude())
    assert [*masks] == ["a/variable", "a/variable#2", "last/kernel", "b/variable", "b/variable#2"]
    for twin in twins:
        masks.apply(twin)
        assert sparsity(twin) == pytest.approx(masks.sparsity)


def test_the_scales_of_a_convnext_have_one_name_in_every_copy():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, kl.Dense(2)(LayerScale(1.0, 6, name="scale")(kl.Dense(6)(inputs))))
    masks = make_masks(model, 0.5, random(0), Channels(model))
    twin = keras.models.clone_model(model)
    assert "scale/variable" in masks
    assert shrink(twin, masks).count_params() < twin.count_params()
