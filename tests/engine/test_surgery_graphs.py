"""Random graphs, built from the layers there are rules for: shrunk equals masked, nothing is frozen."""

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgery_help import equal, unsettle

from course_lib.pruning import Channels, layerwise, make_masks, random, shrink

kl, ops = keras.layers, keras.ops
SIZE = 4  # of the images

# What may follow a tensor (batch, 4, 4, channels), channels even: layers made by a function of a width.
ONE = [
    lambda x, n: kl.Conv2D(n, 3, padding="same", activation="relu")(x),
    lambda x, n: kl.Conv2D(n, 1, use_bias=False)(x),
    lambda x, n: kl.Conv2D(n, 3, padding="same", groups=2)(x),
    lambda x, n: kl.Conv2D(2 * x.shape[-1], 3, padding="same", groups=x.shape[-1])(x),
    lambda x, n: kl.Conv2DTranspose(n, 3, padding="same")(x),
    lambda x, n: kl.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x),
    lambda x, n: kl.SeparableConv2D(n, 3, padding="same", depth_multiplier=2)(x),
    lambda x, n: kl.Dense(n, "gelu")(x),
    lambda x, n: kl.EinsumDense("bhwc,cd->bhwd", (SIZE, SIZE, n), bias_axes="d")(x),
    lambda x, n: kl.BatchNormalization()(x),
    lambda x, n: kl.BatchNormalization(scale=False)(x),
    lambda x, n: kl.GroupNormalization(2)(x),
    lambda x, n: kl.GroupNormalization(-1)(x),
    lambda x, n: kl.RMSNormalization()(kl.ReLU()(kl.Conv2D(n, 1)(x))),
    lambda x, n: kl.PReLU(shared_axes=[1, 2])(x),
    lambda x, n: kl.PReLU()(x),
    lambda x, n: kl.Activation("sigmoid")(x),
    lambda x, n: kl.LeakyReLU()(x),
    lambda x, n: kl.Dropout(0.5)(x),
    lambda x, n: kl.Rescaling(2.0, offset=1.0)(x),
    lambda x, n: kl.AveragePooling2D(3, 1, padding="same")(x),
    lambda x, n: kl.Cropping2D(1)(kl.ZeroPadding2D(1)(x)),
    lambda x, n: kl.MaxPooling2D()(kl.UpSampling2D()(x)),
    lambda x, n: kl.Resizing(SIZE, SIZE)(x),
    lambda x, n: kl.Permute((2, 1, 3))(x),
    lambda x, n: kl.Reshape((SIZE, SIZE, -1))(kl.Reshape((SIZE * SIZE, x.shape[-1]))(x)),
    lambda x, n: kl.Reshape((SIZE, SIZE, x.shape[-1]))(kl.Flatten()(x)),
    lambda x, n: kl.Permute((1, 3, 2))(kl.Dense(SIZE)(kl.Permute((1, 3, 2))(x))),
    lambda x, n: kl.TimeDistributed(kl.Dense(n, "relu"))(x),
    lambda x, n: x * 0.5 + 1,
    lambda x, n: ops.relu(x) - ops.tanh(x) / 2,
    lambda x, n: ops.concatenate(ops.split(x, 2, axis=-1)[::-1], axis=-1),
    lambda x, n: ops.transpose(ops.transpose(x, (0, 3, 1, 2)), (0, 2, 3, 1)),
    lambda x, n: ops.reshape(x, (-1, SIZE, SIZE, x.shape[-1])),
    lambda x, n: shuffled(x),
    lambda x, n: excited(x),
    lambda x, n: inner(x.shape[-1], n)(x),
    lambda x, n: rows(kl.LSTM(n, return_sequences=True), x),
    lambda x, n: rows(kl.Bidirectional(kl.GRU(n, return_sequences=True)), x),
    lambda x, n: rows(kl.Conv1D(n, 3, padding="same"), x),
    lambda x, n: attended(x),
    lambda x, n: kl.Lambda(lambda t: t[..., ::-1], output_shape=x.shape[1:])(x),
]
TWO = [
    lambda a, b: kl.Add()([a, b]),
    lambda a, b: a - b,
    lambda a, b: kl.Multiply()([a, b]),
    lambda a, b: kl.Maximum()([a, b]),
    lambda a, b: kl.Average()([a, b]),
    lambda a, b: ops.where(a > 0, a, b),
]


def shuffled(x):
    """The channel shuffle of ShuffleNet."""
    y = kl.Reshape((SIZE, SIZE, 2, x.shape[-1] // 2))(x)
    return kl.Reshape((SIZE, SIZE, x.shape[-1]))(kl.Permute((1, 2, 4, 3))(y))


def excited(x):
    """Squeeze-and-excite."""
    gate = kl.Dense(4, "relu")(kl.GlobalAveragePooling2D()(x))
    return kl.Multiply()([x, kl.Reshape((1, 1, x.shape[-1]))(kl.Dense(x.shape[-1], "sigmoid")(gate))])


def inner(before, after):
    """A model within the model."""
    return keras.Sequential(
        [keras.Input((SIZE, SIZE, before)), kl.Conv2D(after, 1), kl.BatchNormalization(), kl.ReLU()]
    )


def rows(layer, x):
    """A layer for sequences, along the pixels of an image."""
    y = layer(kl.Reshape((SIZE * SIZE, x.shape[-1]))(x))
    return kl.Reshape((SIZE, SIZE, y.shape[-1]))(y)


def attended(x):
    """Attention of the pixels to each other, with a residual."""
    y = kl.Reshape((SIZE * SIZE, x.shape[-1]))(x)
    y = y + kl.MultiHeadAttention(3, 4)(y, y)
    return kl.Reshape((SIZE, SIZE, x.shape[-1]))(y)


RECIPES = st.lists(
    st.tuples(
        st.integers(0, 5),  # 0: concatenate, 1 and 2: join two tensors if there are two alike, else one layer
        st.integers(0, 2),  # after which of the last tensors
        st.integers(0, 9),  # with which other
        st.sampled_from(range(len(ONE))),
        st.sampled_from([2, 4, 6]),
    ),
    min_size=2,
    max_size=5,
)


def grown(recipe, inputs, exits):
    """A graph that grows by one layer, or one join of two tensors, at a time."""
    known = [keras.Input((SIZE, SIZE, 2)) for _ in range(inputs)]
    entries = list(known)
    for kind, back, other, layer, width in recipe:
        x = known[-1 - back % len(known)]
        twins = [t for t in known if t.shape == x.shape and t is not x]
        if kind == 0:
            known.append(kl.Concatenate()([x, known[other % len(known)]]))
        elif kind < 3 and twins:
            known.append(TWO[layer % len(TWO)](x, twins[other % len(twins)]))
        else:
            known.append(ONE[layer](x, width))
    outputs = [kl.Dense(3)(kl.Flatten()(known[-1])), kl.GlobalMaxPooling2D()(known[-2])]
    return keras.Model(entries, outputs[:exits])


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(RECIPES, st.integers(1, 2), st.integers(1, 2), st.sampled_from([0.3, 0.5, 0.7]))
def test_shrunk_equals_masked_for_random_graphs(recipe, inputs, exits, share):
    keras.utils.set_random_seed(0)
    model = grown(recipe, inputs, exits)
    unsettle(model)
    channels = Channels(model)
    assert not channels.labels.inexact
    if channels.groups:
        masks = make_masks(model, share, random(0), channels, layerwise)
        if not all(mask.all() for mask in masks.values()):
            assert equal(model, masks, shrink(model, masks))


def test_every_rule_of_the_graphs_lets_channels_through():
    """Each layer between two convolutions: those of the first, at least, can go."""
    stopping = []
    for build in ONE:
        inputs = keras.Input((SIZE, SIZE, 2))
        x = kl.Conv2D(8, 1, name="first")(inputs)
        outputs = kl.Dense(3)(kl.Flatten()(build(x, 4)))
        groups = Channels(keras.Model(inputs, outputs)).groups
        stopping += (
            [] if any("first/kernel" in key for key in groups) else [build(x, 4)._keras_history[0].name]
        )
    assert len(stopping) == 1 and stopping[0].startswith("lambda")
