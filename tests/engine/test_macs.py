"""MACs: equal to what layers of ones really add up, by hand for the rest, and on every kind of model."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import models
from course_lib.pruning import Masks, macs, make_masks, named_variables

layers = keras.layers


def stack(*inside, shape, **options):
    return keras.Sequential([keras.Input(shape, **options), *inside], name="stack")


BARE = dict(use_bias=False)
LINEAR = [
    ((3,), lambda: layers.Dense(2, **BARE)),
    ((4, 2, 3), lambda: layers.Dense(2, **BARE)),
    ((9, 4), lambda: layers.Conv1D(6, 3, strides=2, groups=2, **BARE)),
    ((9, 4), lambda: layers.Conv1D(5, 2, dilation_rate=3, **BARE)),
    ((7, 6, 4), lambda: layers.Conv2D(4, (2, 3), strides=(2, 1), groups=4, **BARE)),
    ((4, 5, 4, 2), lambda: layers.Conv3D(3, 2, **BARE)),
    ((5, 2), lambda: layers.Conv1DTranspose(3, 3, strides=2, **BARE)),
    ((3, 4, 2), lambda: layers.Conv2DTranspose(5, 3, strides=2, dilation_rate=1, **BARE)),
    ((3, 2, 2, 2), lambda: layers.Conv3DTranspose(2, 2, **BARE)),
    ((9, 4), lambda: layers.DepthwiseConv1D(3, depth_multiplier=2, **BARE)),
    ((7, 6, 3), lambda: layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, **BARE)),
    ((4, 6), lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3))),
    ((4, 6), lambda: layers.EinsumDense("...bc,bcd->...d", 3)),
    ((2, 4, 6), lambda: layers.EinsumDense("...x,xy->...y", 5)),
    ((6, 5, 5, 2), lambda: layers.TimeDistributed(layers.Conv2D(3, 2, **BARE))),
]


@pytest.mark.parametrize("shape, make", LINEAR, ids=lambda v: None if isinstance(v, tuple) else v().name)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_a_layer_whose_kept_weights_are_one_adds_up_its_macs_from_ones(shape, make, seed, share):
    model = stack(make(), shape=shape)
    (path,) = (p for p in named_variables(model))
    mask = np.random.default_rng(seed).random(named_variables(model)[path].shape) >= share
    model.set_weights([mask])
    total = float(np.sum(model(np.ones((1, *shape), "float32"))))
    assert macs(model, {path: mask}) == macs(model, Masks.from_zeros(model)) == {path: total}
    assert macs(model)[path] * mask.sum() == total * mask.size


BY_HAND = [
    ((8, 8, 4), layers.Conv2D(6, 3, padding="same"), {"kernel": 64 * 3 * 3 * 4 * 6}),
    ((8, 8, 4), layers.Conv2D(6, 3, padding="same", strides=2), {"kernel": 16 * 3 * 3 * 4 * 6}),
    ((4, 9, 9), layers.Conv2D(6, 3, data_format="channels_first"), {"kernel": 49 * 3 * 3 * 4 * 6}),
    ((11, 4), layers.Conv1D(6, 3, padding="causal"), {"kernel": 11 * 3 * 4 * 6}),
    ((4, 4, 3), layers.Conv2DTranspose(6, 3, strides=2, padding="same"), {"kernel": 16 * 3 * 3 * 6 * 3}),
    (
        (8, 8, 4),
        layers.SeparableConv2D(6, 3, strides=2, depth_multiplier=2),
        {"depthwise_kernel": 9 * 3 * 3 * 8, "pointwise_kernel": 9 * 8 * 6},
    ),
    ((9, 4), layers.SeparableConv1D(6, 3), {"depthwise_kernel": 7 * 3 * 4, "pointwise_kernel": 7 * 4 * 6}),
    ((9,), layers.Embedding(20, 4), {"embeddings": 0}),
    ((7, 5), layers.LSTM(4), {"kernel": 7 * 5 * 16, "recurrent_kernel": 7 * 4 * 16}),
    ((7, 5), layers.GRU(4, return_sequences=True), {"kernel": 7 * 5 * 12, "recurrent_kernel": 7 * 4 * 12}),
    ((7, 5), layers.SimpleRNN(4, unroll=True), {"kernel": 7 * 5 * 4, "recurrent_kernel": 7 * 4 * 4}),
    (
        (5, 8, 8, 2),
        layers.ConvLSTM2D(3, 3),
        {"kernel": 5 * 36 * 9 * 2 * 12, "recurrent_kernel": 5 * 36 * 9 * 3 * 12},
    ),
    (
        (5, 8, 2),
        layers.ConvLSTM1D(3, 3, return_sequences=True),
        {"kernel": 5 * 6 * 3 * 2 * 12, "recurrent_kernel": 5 * 6 * 3 * 3 * 12},
    ),
]


@pytest.mark.parametrize("shape, layer, expected", BY_HAND, ids=lambda v: getattr(v, "name", None))
def test_by_hand(shape, layer, expected):
    found = macs(stack(layer, shape=shape))
    assert {path.split("/")[-1]: count for path, count in found.items()} == expected
    assert found.total == sum(expected.values()) and found.unknown == ()


def test_both_directions_and_all_cells_of_a_recurrent_layer_count():
    cells = [layers.LSTMCell(3), layers.GRUCell(4)]
    assert macs(stack(layers.RNN(cells), shape=(7, 5))).total == 7 * (5 * 12 + 3 * 12 + 3 * 12 + 4 * 12)
    assert macs(stack(layers.Bidirectional(layers.LSTM(4)), shape=(7, 5))).total == 2 * 7 * (5 + 4) * 16


def test_attention_counts_its_projections_at_their_own_lengths():
    queries, values = keras.Input((5, 8)), keras.Input((3, 6))
    outputs = layers.MultiHeadAttention(2, 4, name="mha")(query=queries, value=values)
    assert macs(keras.Model([queries, values], outputs)) == {
        "mha/query/kernel": 5 * 8 * 8,
        "mha/key/kernel": 3 * 6 * 8,
        "mha/value/kernel": 3 * 6 * 8,
        "mha/attention_output/kernel": 5 * 8 * 8,
    }


def test_the_course_models():
    assert macs(models.dense_digits()).total == 64 * 300 + 300 * 100 + 100 * 10
    assert macs(models.conv_digits()).total == 64 * 9 * 32 + 64 * 9 * 32 * 64 + 1024 * 64 + 640
    blocks = 64 * 9 * 16 * (1 + 16 + 16) + 16 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32) + 2 * 16 * 9 * 32 * 32
    assert macs(models.residual_digits()).total == blocks + 32 * 10


# Billions of multiply-adds, as the papers say, rounded: arXiv:1704.04861, 1801.04381, 1905.02244, 1512.03385,
# 1905.11946.
PUBLISHED = [("MobileNet", 0.569), ("MobileNetV2", 0.300)]
SLOW = [("MobileNetV3Large", 0.219), ("ResNet50", 3.8), ("EfficientNetB0", 0.39)]


@pytest.mark.parametrize(
    ("name", "billions"), [*PUBLISHED, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]
)
def test_within_two_per_cent_of_what_the_papers_say(name, billions):
    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    found = macs(model)
    assert found.total / 1e9 == pytest.approx(billions, rel=0.02) and found.unknown == ()
    keras.backend.clear_session()


def test_vgg16_by_hand():
    """Thirteen convolutions of 3 × 3 and three dense layers (arXiv:1409.1556): 15.47 billion."""
    channels = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256)]
    channels += [(256, 512), *[(512, 512)] * 5]
    sides = [224] * 2 + [112] * 2 + [56] * 3 + [28] * 3 + [14] * 3
    convolutions = sum(s * s * 9 * a * b for s, (a, b) in zip(sides, channels, strict=True))
    whole = convolutions + 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert whole / 1e9 == pytest.approx(15.47, abs=0.01)
    top = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    assert macs(top).total == convolutions


def test_shared_layers_count_once_a_call_and_nested_ones_by_their_path():
    tower = stack(layers.Dense(5, name="d"), shape=(4,))
    a, b = keras.Input((4,)), keras.Input((6, 4))
    outputs = layers.Concatenate()([tower(a), layers.Flatten()(layers.TimeDistributed(tower)(b))])
    found = macs(keras.Model([a, b], outputs))
    assert list(found.values()) == [20 * (1 + 6)] and list(found)[0].endswith("stack/d/kernel")


class Twice(keras.Model):
    """A subclassed model that calls a layer twice and never calls another."""

    def __init__(self):
        super().__init__(name="twice")
        self.again = layers.Dense(4, activity_regularizer="l2", name="again")
        self.unused = layers.Dense(2, name="unused")
        self.unused.build((None, 4))

    def call(self, x):
        return self.again(self.again(x))


def test_subclassed_models_and_what_never_ran():
    model = Twice()
    model(np.ones((8, 4), "float32"))
    for found in (macs(model), macs(model, x=np.ones((3, 4), "float32"))):
        assert found == {"again/kernel": 32} and found.unknown == ("unused/kernel",)
    assert not model.losses, "as after any call, none is left of a graph that is gone"


class Own(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, x):
        return x @ self.kernel


class Cell(layers.Layer):
    """A recurrent cell with a Dense layer inside: it runs in a compiled loop."""

    state_size = output_size = 3

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = layers.Dense(3, name="inner")

    def build(self, shape):
        self.inner.build((shape[0], shape[1] + 3))

    def call(self, x, states):
        y = self.inner(keras.ops.concatenate([x, states[0]], -1))
        return y, [y]


def test_layers_without_a_rule_are_listed():
    model = stack(
        layers.RNN(Cell(name="cell"), name="rnn"), Own(name="own"), layers.Dense(2, name="d"), shape=(6, 2)
    )
    found = macs(model)
    assert found == {"d/kernel": 6} and found.unknown == ("rnn/cell/inner/kernel", "own/kernel")


def test_a_batch_size_that_the_model_insists_on_is_divided_out():
    model = stack(layers.LSTM(3, stateful=True), layers.Dense(2), shape=(9, 4), batch_size=5)
    assert macs(model).total == 9 * 7 * 12 + 6


def test_batches_folded_into_positions_count_per_example():
    fold = layers.Lambda(lambda x: keras.ops.reshape(x, (-1, 4)))
    assert macs(stack(fold, layers.Dense(3), shape=(5, 4))).total == 5 * 12


def test_unknown_sizes_need_an_example():
    model = stack(layers.Conv2D(2, 3, name="c"), layers.GlobalMaxPooling2D(), shape=(None, None, 1))
    with pytest.raises(ValueError, match=r"macs\(model, x=images"):
        macs(model)
    assert macs(model, x=np.ones((4, 6, 5, 1), "float32")) == {"c/kernel": 12 * 18}


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_every_type_of_number(policy):
    model = stack(layers.Conv2D(4, 3, groups=2, dtype=policy), shape=(6, 6, 2))
    assert macs(model).total == 16 * 9 * 4


def test_masks_save_by_where_they_fall_and_leave_the_model_alone(net):
    model = net()
    before = [np.array(v) for v in model.weights]
    masks = make_masks(model, 0.75, within=["first"])
    kept = np.count_nonzero(masks["first/kernel"])
    assert macs(model, masks) == {"first/kernel": kept, "last/kernel": 48}
    assert all((np.asarray(v) == b).all() for v, b in zip(model.weights, before, strict=True))
    assert all("call" not in vars(layer) for layer in model.layers)


def test_masks_of_another_model_are_refused(net):
    with pytest.raises(ValueError, match="masks of another model"):
        macs(net(), {"nowhere/kernel": np.ones((2, 2), bool)})
