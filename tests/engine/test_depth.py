"""drop_layers and block_importance: what is left computes as if the block were not there."""

import keras
import numpy as np
import pytest
from surgery_help import examples, outputs, unsettle

from course_lib.models import conv_digits, dense_digits, residual_digits
from course_lib.pruning import block_importance, drop_layers

kl = keras.layers


def test_a_dropped_block_is_as_one_whose_branch_gives_zero():
    model = residual_digits()
    unsettle(model)
    small = drop_layers(model, ["block_3_add"])
    names = {layer.name for layer in small.layers}
    assert not names & {"block_3_add", "block_3_a_conv", "block_3_b_norm"} and "block_3_out" in names
    for name in ("gamma", "beta"):
        weight = getattr(model.get_layer("block_3_b_norm"), name)
        weight.assign(np.zeros(weight.shape))
    x = examples(model)
    assert np.array_equal(outputs(small, x)[0], outputs(model, x)[0])


def test_the_given_model_stays_and_the_new_one_is_compiled_trains_and_saves(tmp_path):
    model = residual_digits()
    before, layers = model.get_weights(), len(model.layers)
    small = drop_layers(model, "block_1_add")
    assert len(model.layers) == layers > len(small.layers)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    x = examples(model, 16)
    small.fit(x, np.arange(16) % 10, verbose=0)
    small.save(tmp_path / "small.keras")
    assert np.array_equal(
        outputs(keras.saving.load_model(tmp_path / "small.keras"), x)[0], outputs(small, x)[0]
    )


def test_layers_with_one_input_of_sequential_and_nested_models():
    inner = keras.Sequential(
        [keras.Input((4,)), kl.Dense(4, name="same"), kl.Dense(6, name="wider")], name="in"
    )
    model = keras.Sequential([keras.Input((4,)), inner, kl.Dropout(0.5, name="drop"), kl.Dense(2)])
    unsettle(model)
    small = drop_layers(model, ["same", "drop"])
    assert [layer.name for layer in small.get_layer("in").layers] == ["wider"] and len(small.layers) == 2
    x = examples(model)
    expected = model.layers[-1](inner.layers[-1](x))
    assert np.allclose(outputs(small, x)[0], expected, atol=1e-6)


def test_frozen_layers_stay_frozen():
    model = residual_digits()
    model.get_layer("stem_conv").trainable = False
    small = drop_layers(model, "block_1_add")
    assert [layer.name for layer in small.layers if not layer.trainable] == ["stem_conv"]


def test_the_importance_of_a_block_is_the_angle_it_turns_by():
    inputs = keras.Input((2,))
    half = kl.Dense(2, use_bias=False, name="turn")
    x = kl.Add(name="quarter")([inputs, half(inputs)])  # (a, b) + (−a − b, a − b) = (−b, a)
    x = kl.Add(name="nothing")([kl.Rescaling(0.0)(x), x])
    model = keras.Model(inputs, kl.Dense(1)(x))
    half.kernel.assign([[-1.0, 1.0], [-1.0, -1.0]])
    assert block_importance(model, examples(model, 300)) == pytest.approx(
        {"quarter": 1, "nothing": 0}, abs=1e-5
    )


@pytest.mark.parametrize(
    "build, name, error",
    [
        (residual_digits, "block_2_add", "cannot be dropped: nothing.*leads past it"),  # a projection
        (residual_digits, "block_2_a_conv", r"cannot be dropped.*\(None, 4, 4, 32\)"),
        (residual_digits, "block_3_ad", "no such layer.*Did you mean 'block_3_add'"),
        (dense_digits, "hidden_1", "cannot be dropped"),
    ],
)
def test_what_cannot_be_dropped_is_said(build, name, error):
    with pytest.raises(ValueError, match=error):
        drop_layers(build(), [name])


def test_importance_needs_a_residual_block():
    with pytest.raises(ValueError, match="has no residual block"):
        block_importance(conv_digits(), np.zeros((2, 8, 8, 1)))
