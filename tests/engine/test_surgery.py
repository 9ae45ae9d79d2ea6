"""shrink: smaller, equal, a plain Keras model; and sentences for masks that cannot be cut."""

import keras
import numpy as np
import pytest
from surgery_help import difference, equal, examples, outputs, plain, unsettle

from benchmarks.surgery import build, examine, right
from course_lib.models import conv_digits, dense_digits, residual_digits
from course_lib.pruning import (
    Channel,
    Channels,
    GradualPruning,
    Masks,
    globally,
    hold,
    layerwise,
    make_masks,
    polynomial,
    random,
    shrink,
)

kl, ops = keras.layers, keras.ops


def masked(model, share=0.5, seed=0, **kwargs):
    return make_masks(model, share, random(seed), Channels(model, **kwargs), layerwise)


def small_net():
    """What training needs of R, in a tenth of the time: a convolution, a normalisation, a sum."""
    inputs = keras.Input((6, 6, 1))
    x = kl.ReLU()(kl.BatchNormalization()(kl.Conv2D(8, 3, name="stem")(inputs)))
    x = x + kl.Conv2D(8, 3, padding="same", use_bias=False)(kl.Conv2D(6, 1, activation="relu")(x))
    model = keras.Model(inputs, kl.Dense(10, "softmax")(kl.GlobalAveragePooling2D()(x)))
    model.compile(loss="sparse_categorical_crossentropy")
    return plain(model)


def check(model, share=0.5):
    """The law for one model; returns the small one."""
    unsettle(model)
    masks = masked(model, share)
    before = model.get_weights()
    small = shrink(model, masks)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert equal(model, masks, small)
    assert small.count_params() < model.count_params()
    assert type(small) is type(model) and small.name == model.name
    assert [layer.name for layer in small.layers] == [layer.name for layer in model.layers]
    return small


@pytest.mark.parametrize("build", [dense_digits, conv_digits, residual_digits])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_models_of_the_course(build, share):
    check(build(), share)


def head(x):
    return kl.Dense(3)(x)


CHAINS = {
    "conv1d": ((9, 2), lambda x: kl.GlobalMaxPooling1D()(kl.Conv1D(6, 3)(kl.Conv1D(8, 2)(x)))),
    "conv3d": ((4, 4, 4, 2), lambda x: kl.Flatten()(kl.MaxPooling3D()(kl.Conv3D(6, 2, padding="same")(x)))),
    "transposed": ((5, 2), lambda x: kl.Flatten()(kl.Conv1DTranspose(4, 3, 2)(kl.Conv1DTranspose(6, 3)(x)))),
    "transposed3d": ((2, 2, 2, 2), lambda x: kl.Flatten()(kl.Conv3DTranspose(6, 2)(x))),
    "separable1d": ((9, 2), lambda x: kl.Flatten()(kl.SeparableConv1D(4, 3)(kl.SeparableConv1D(6, 3)(x)))),
    "depthwise1d": ((9, 2), lambda x: kl.Flatten()(kl.DepthwiseConv1D(3)(kl.Conv1D(6, 1)(x)))),
    "lstm": ((7, 2), lambda x: kl.LSTM(6)(kl.LSTM(8, return_sequences=True)(x))),
    "gru": ((7, 2), lambda x: kl.GRU(6, reset_after=False)(kl.GRU(8, return_sequences=True)(x))),
    "simple": ((7, 2), lambda x: kl.SimpleRNN(6)(kl.SimpleRNN(8, return_sequences=True)(x))),
    "both ways": ((7, 2), lambda x: kl.Bidirectional(kl.LSTM(6), merge_mode="sum")(x)),
    "both ways, side by side": ((7, 2), lambda x: head(kl.Bidirectional(kl.LSTM(6))(x))),
    "unknown length": ((None, 2), lambda x: kl.GlobalMaxPooling1D()(kl.Conv1D(8, 3, padding="causal")(x))),
    "dot": ((4,), lambda x: kl.Dot(1)([kl.Dense(6, "relu")(x), kl.Dense(6, "relu")(x)])),
    "similarity": ((4,), lambda x: kl.Dot(1, normalize=True)([kl.Dense(6)(x), kl.Dense(6)(x)])),
    "norms": ((4,), lambda x: kl.UnitNormalization()(kl.RMSNormalization()(kl.Dense(8, "relu")(x)))),
    "attention": ((7, 2), lambda x: kl.Flatten()(kl.Attention()([kl.Dense(6)(x), kl.Dense(6)(x)]))),
    "einsum": ((7, 2), lambda x: ops.einsum("btc,bsc->bts", kl.Dense(6)(x), kl.Dense(6)(x))),
    "matmul": ((7, 2), lambda x: ops.matmul(kl.Dense(6)(x), ops.swapaxes(kl.Dense(6)(x), 1, 2))),
    "repeated": ((4,), lambda x: kl.LSTM(6)(kl.RepeatVector(3)(kl.Dense(8, "tanh")(x)))),
    "along other axes": ((4, 6), lambda x: kl.Concatenate(1)([kl.Dense(5)(x), kl.Dense(5)(x)])),
    "stacked": ((4,), lambda x: kl.Flatten()(ops.stack([kl.Dense(5)(x), kl.Dense(5)(x)], axis=1))),
    "dense, groups": ((6, 6, 4), lambda x: kl.Flatten()(kl.Conv2D(8, 3, groups=4)(kl.Conv2D(8, 3)(x)))),
    "sums": ((4, 6), lambda x: ops.sum(kl.Dense(5, "relu")(x), axis=[1, 2], keepdims=True)),
    "squeezed": ((4,), lambda x: ops.squeeze(ops.expand_dims(kl.Dense(5)(x), 1), 1)),
    "distributed": ((3, 6, 6, 2), lambda x: kl.TimeDistributed(kl.Conv2D(6, 3))(x)),
    "heads": ((7, 6), lambda x: kl.MultiHeadAttention(4, 3, 5)(x, kl.Dense(4)(x), use_causal_mask=True)),
    "halves": ((4,), lambda x: (lambda h: h[:, :6] * ops.sigmoid(h[..., 6:]))(kl.Dense(12)(x))),
    "padded": ((6, 2), lambda x: kl.Flatten()(ops.pad(kl.Conv1D(6, 3)(x), ((0, 0), (1, 1), (0, 0))))),
    "normalised": ((4,), lambda x: ops.normalize(kl.Dense(6)(x), axis=-1)),
    "adaptive": ((6, 6, 2), lambda x: kl.Flatten()(kl.AdaptiveMaxPooling2D(2)(kl.Conv2D(6, 3)(x)))),
    "own function": ((4,), lambda x: kl.TimeDistributed(kl.Dense(6, lambda t: t - t**2))(x[:, None])),
    "odd width": ((4,), lambda x: kl.Dense(7)(kl.Dense(1)(kl.Dense(9)(x)))),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_shrunk_equals_masked_for(name):
    shape, build = CHAINS[name]
    inputs = keras.Input(shape)
    x = build(inputs)
    check(keras.Model(inputs, head(kl.Flatten()(x) if len(x.shape) > 2 else x)))


def test_an_lstm_classifier_of_words():
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            kl.Embedding(20, 8, mask_zero=True),
            kl.Bidirectional(kl.LSTM(6, return_sequences=True)),
            kl.LSTM(10),
            kl.Dropout(0.2),
            kl.Dense(2, "softmax"),
        ]
    )
    small = check(model)
    assert small.layers[0].output_dim == 4 and small.layers[2].units == 5


def encoder(norm, width=8, heads=4):
    """Two blocks of a transformer over words; normalised before (`pre`) each part."""
    inputs = keras.Input((6,), dtype="int32")
    x = kl.Embedding(20, width, name="words")(inputs)
    for block in range(2):
        y = norm()(x)
        x = x + kl.MultiHeadAttention(heads, 3, name=f"attention_{block}")(y, y)
        x = x + kl.Dense(width)(kl.Dense(4 * width, "gelu", name=f"wide_{block}")(norm()(x)))
    return keras.Model(inputs, kl.Dense(2)(kl.GlobalAveragePooling1D()(norm()(x))))


def test_a_transformer_loses_heads_and_width_exactly_with_rms_normalisation():
    small = check(encoder(kl.RMSNormalization))
    assert small.get_layer("words").output_dim == 4
    assert small.get_layer("attention_0").num_heads == 2 and small.get_layer("wide_1").units == 16


def test_layer_normalisation_is_cut_but_said_to_be_inexact():
    model = encoder(kl.LayerNormalization)
    unsettle(model)
    channels = Channels(model)
    assert "Never exact:" in str(channels) and len(channels.labels.inexact) == 5
    masks = masked(model)
    small = shrink(model, masks)
    assert small.count_params() < 0.6 * model.count_params()
    assert difference(model, masks, small) > 1e-3
    # Heads and the wide layers lie between two normalisations: without the model's width it is exact.
    inner = [key for key, group in channels.groups.items() if "words" not in group.name]
    keep = {key: k for key, k in layerwise(channels.pool(random(0)(model)), 0.5).items() if key in inner}
    masks = Masks(channels.expand(keep, {}))
    assert equal(model, masks, shrink(model, masks))


def test_several_inputs_and_outputs_by_name_and_shared_and_nested_models():
    tower = keras.Sequential([keras.Input((5,)), kl.Dense(8, "relu"), kl.Dense(6)], name="tower")
    inner_in = keras.Input((6,))
    inner = keras.Model(inner_in, [kl.Dense(4, name="left")(inner_in), kl.Dense(5, name="right")(inner_in)])
    inputs = {"a": keras.Input((5,), name="a"), "b": keras.Input((5,), name="b")}
    left, right = inner(tower(kl.Dense(5)(inputs["a"])) + tower(inputs["b"]))
    results = {"one": kl.Dense(2, name="one")(left), "two": kl.Dense(3, name="two")(right)}
    small = check(keras.Model(inputs, results))
    assert set(small.output) == {"one", "two"} and small.input["a"].shape == (None, 5)
    assert [v.shape for v in small.get_layer("tower").weights] == [(5, 4), (4,), (4, 3), (3,)]


def test_channels_first():
    # Kept symbolic: TensorFlow cannot convolve channels first on a CPU.
    inputs = keras.Input((2, 6, 6))
    x = kl.Conv2D(8, 3, data_format="channels_first")(inputs)
    x = kl.BatchNormalization(axis=1)(x)
    x = kl.Conv2D(6, 3, data_format="channels_first")(x)
    model = keras.Model(inputs, kl.Dense(2)(kl.GlobalAveragePooling2D(data_format="channels_first")(x)))
    small = shrink(model, masked(model))
    assert [layer.output.shape[1] for layer in small.layers[1:4]] == [4, 4, 3]


def test_it_saves_loads_compiles_and_trains(tmp_path):
    model = small_net()
    small = shrink(model, masked(model))
    small.save(tmp_path / "small.keras")
    loaded = keras.saving.load_model(tmp_path / "small.keras")
    x = examples(model, 16)
    assert np.array_equal(outputs(loaded, x)[0], outputs(small, x)[0])
    assert float(small.optimizer.learning_rate) == pytest.approx(1e-3) and small.loss == model.loss
    before = small.get_weights()
    history = small.fit(x, np.arange(16) % 10, epochs=2, verbose=0).history
    assert "accuracy" in history and any(
        (a != b).any() for a, b in zip(before, small.get_weights(), strict=True)
    )


def test_sizes_inside_operations_are_saved_too(tmp_path):
    inputs = keras.Input((6,))
    one, other = ops.split(kl.Dense(8)(inputs), [2], axis=-1)
    x = ops.reshape(ops.concatenate([other, one], axis=-1), (-1, 1, 8))
    model = keras.Model(inputs, kl.Dense(2)(ops.reshape(x, (-1, 8))))
    small = check(model)
    small.save(tmp_path / "small.keras")
    x = examples(model)
    assert np.array_equal(
        outputs(keras.saving.load_model(tmp_path / "small.keras"), x)[0], outputs(small, x)[0]
    )


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adam, lambda: keras.optimizers.SGD(0.1, momentum=0.9)]
)
def test_with_the_optimizers_memory_training_goes_on_as_that_of_the_held_model(optimizer):
    model = residual_digits()
    model.compile(optimizer(), "sparse_categorical_crossentropy", jit_compile=False)
    x, y = examples(model, 32), np.arange(32) % 10
    masks = masked(model)
    hold(model, masks)
    model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    small = shrink(model, masks, optimizer_state=True)
    forgetful = shrink(model, masks)
    assert int(small.optimizer.iterations) == 2 and int(forgetful.optimizer.iterations) == 0
    for each in (model, small, forgetful):
        each.fit(x, y, epochs=2, verbose=0, shuffle=False)
    expected = outputs(model, x)[0]
    assert (
        np.abs(outputs(small, x)[0] - expected).max()
        < 1e-4
        < np.abs(outputs(forgetful, x)[0] - expected).max()
    )


def test_after_gradual_pruning_the_small_model_is_as_good():
    model = plain(conv_digits())
    x, y = examples(model, 64), np.arange(64) % 10
    pruning = GradualPruning(polynomial(0.5, end=10), every=3, granularity=Channels(model), scope=globally)
    model.fit(x, y, epochs=8, batch_size=32, verbose=0, callbacks=[pruning])
    small = shrink(model, pruning.masks)
    assert np.allclose(outputs(small, x)[0], outputs(model, x)[0], atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_other_precisions(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = residual_digits()
    finally:
        keras.config.set_dtype_policy("float32")
    unsettle(model)
    masks = masked(model)
    small = shrink(model, masks)
    assert {layer.dtype_policy.name for layer in small.layers[1:]} == {policy}
    assert difference(model, masks, small) < {"mixed_float16": 1e-2, "mixed_bfloat16": 0.1}.get(policy, 1e-12)


def test_frozen_layers_stay_frozen():
    model = residual_digits()
    model.get_layer("stem_conv").trainable = False
    small = shrink(model, masked(model))
    assert [layer.trainable for layer in small.layers] == [layer.trainable for layer in model.layers]


def test_zeros_within_living_channels_stay():
    model = dense_digits()
    masks = masked(model)
    finer = Masks({p: m & (np.random.default_rng(0).random(m.shape) < 0.9) for p, m in masks.items()})
    small = shrink(model, finer)
    assert equal(model, finer, small)
    assert 0.05 < np.mean(np.asarray(small.get_layer("hidden_2").kernel) == 0) < 0.15


def test_masks_that_do_not_follow_the_coupling_are_refused():
    model = residual_digits()
    masks = make_masks(model, 0.5, granularity=Channel(), scope=layerwise)
    with pytest.raises(
        ValueError, match="do not follow the coupling of 'R': .*stem_conv.*Received.*Channels"
    ):
        shrink(model, masks)


def test_masks_of_single_weights_are_refused():
    model = dense_digits()
    with pytest.raises(ValueError, match="No channel can be removed.*Received: Masks.*granularity=Channels"):
        shrink(model, make_masks(model, 0.5))


def test_masks_that_would_empty_a_layer_are_refused():
    model = dense_digits()
    masks = masked(model)
    masks["hidden_1/kernel"][:] = False
    with pytest.raises(ValueError, match="leave nothing of hidden_1. Received: all 300 channels"):
        shrink(model, masks)


def test_masks_of_another_model_are_refused():
    with pytest.raises(ValueError, match="masks of another model"):
        shrink(dense_digits(), masked(conv_digits()))


def test_an_optimizer_that_remembers_nothing_is_said_so():
    model = keras.Sequential([keras.Input((4,)), kl.Dense(8), kl.Dense(2)])
    with pytest.raises(ValueError, match="was not trained"):
        shrink(model, masked(model), optimizer_state=True)


# Gates and depthwise kernels; concatenations; sums. `make surgery-all` has all of them, and whole images.
SPREAD = {"MobileNetV3Small": 32, "EfficientNetB0": 32, "InceptionV3": 75, "ResNet50": 32}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPREAD)
def test_keras_applications(name):
    model = build(name, SPREAD[name], classes=10)
    assert right(examine(model, 0.5), 0.5)


def chain(activation, padding="valid", norm=False):
    """Uncoupled layers whose masks may cover kernels only."""
    layers = [keras.Input((8, 8, 2)), kl.Conv2D(6, 3, activation=activation)]
    layers += [kl.BatchNormalization()] * norm + [kl.MaxPooling2D(), kl.Conv2D(8, 2, padding=padding)]
    layers += [kl.Activation(activation), kl.Flatten(), kl.Dense(9, activation), kl.Dense(3)]
    model = keras.Sequential(layers)
    unsettle(model)
    cut = [layer for layer in model.layers[:-1] if isinstance(layer, kl.Conv2D | kl.Dense)]
    return model, make_masks(model, 0.5, random(0), Channel(), layerwise, within=cut)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "softplus"])
@pytest.mark.parametrize("norm", [False, True])
def test_constants_of_removed_channels_are_folded_into_the_next_bias(activation, norm):
    model, masks = chain(activation, norm=norm)
    before = model.get_weights()
    small = shrink(model, masks)
    assert equal(model, masks, small)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert small.layers[0].filters == 3 and "call" not in vars(model.layers[0])


def test_where_they_cannot_be_folded_a_warning_says_so():
    model, masks = chain("sigmoid", padding="same")
    with pytest.warns(UserWarning, match="not exactly the masked one.*Received: masks that leave slices of"):
        small = shrink(model, masks)
    assert difference(model, masks, small) > 1e-3


def test_a_model_trained_held_and_loaded_again_shrinks_by_its_zeros(tmp_path):
    model = small_net()
    x, y = examples(model, 32), np.arange(32) % 10
    hold(model, masked(model))
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "held.keras")
    loaded = keras.saving.load_model(tmp_path / "held.keras")
    small = shrink(loaded, Masks.from_zeros(loaded))
    assert small.get_layer("stem").filters == 4
    assert np.abs(outputs(small, x)[0] - outputs(model, x)[0]).max() < 1e-5
