"""hold keeps exact zeros under everything that trains; each trap of a constraint has its test."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_lib.pruning import Masks, hold, make_masks, random, release, sparsity

LOSS = "sparse_categorical_crossentropy"


def zeros_hold(model, masks):
    """Masked weights are exactly 0, and the others have not all died."""
    for path, variable in masks.variables(model).items():
        value = np.asarray(variable)
        assert not value[~masks[path]].any(), path
        assert value[masks[path]].any(), path


def kernel(model):
    return model.get_layer("first").kernel


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "averaging": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "overwriting": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=5),
}


XLA = {"jit_compile": True, "steps_per_execution": 4}


@pytest.mark.parametrize(
    "name, compile_args", [*((name, {}) for name in OPTIMIZERS), ("momentum", XLA), ("averaging", XLA)]
)
def test_fit(net, data, name, compile_args):
    model = net(OPTIMIZERS[name](), **compile_args)
    model.fit(*data, batch_size=8, verbose=0)  # so that the optimizer has a memory of the weights
    masks = make_masks(model, 0.8)
    hold(model, masks)
    zeros_hold(model, masks)
    before = np.asarray(kernel(model)).copy()
    model.fit(*data, batch_size=8, verbose=0)
    zeros_hold(model, masks)
    assert not np.array_equal(before, kernel(model)), "it trained"


def test_an_average_is_rid_of_masked_weights_even_without_another_step(net, data):
    """finalize_variable_values, at the end of fit, writes the average over the weights, past all
    constraints."""
    model = net(keras.optimizers.Adam(0.01, use_ema=True))
    model.fit(*data, batch_size=8, verbose=0)
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    zeros_hold(model, masks)


def test_compiling_after_hold(net, data):
    model = net()
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), LOSS)
    model.fit(*data, batch_size=8, verbose=0)
    zeros_hold(model, masks)


def test_swapping_averages_in_and_out(net, data):
    model = net(keras.optimizers.Adam(0.01, use_ema=True))
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.fit(*data, batch_size=8, verbose=0, callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)])
    zeros_hold(model, masks)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, data):
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential(
            [keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")]
        )
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), LOSS)
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    zeros_hold(model, masks)


def test_train_on_batch_and_run_eagerly(net, data):
    for args in ({}, {"run_eagerly": True}):
        model = net(OPTIMIZERS["momentum"](), **args)
        masks = make_masks(model, 0.8)
        hold(model, masks)
        for _ in range(3):
            model.train_on_batch(*data)
        zeros_hold(model, masks)


@pytest.mark.parametrize(
    "wrap", [lambda step: step, tf.function, lambda step: tf.function(step, jit_compile=True)]
)
def test_gradient_tape_loops(net, data, wrap):
    model, optimizer = net(), keras.optimizers.AdamW(0.01)
    masks = make_masks(model, 0.8)
    hold(model, masks)
    x, y = map(tf.constant, data)
    optimizer.build(model.trainable_variables)

    @wrap
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x, training=True)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for _ in range(3):
        step()
    zeros_hold(model, masks)


def test_a_constraint_attached_after_tracing_leaks_and_hold_does_not(net, data):
    """The trap itself first: if Keras mends it, this test tells."""
    model = net()
    model.fit(*data, verbose=0)
    kernel(model).constraint = lambda w: 0 * w
    model.fit(*data, verbose=0)
    assert np.asarray(kernel(model)).any()
    kernel(model).constraint = None
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.fit(*data, verbose=0)
    zeros_hold(model, masks)


def test_new_masks_are_obeyed_without_tracing_again(data):
    traces = []

    class Counting(keras.layers.Dense):
        def call(self, inputs):
            traces.append(1)
            return super().call(inputs)

    model = keras.Sequential([keras.Input((8,)), Counting(16), keras.layers.Dense(3, "softmax")])
    model.compile("adam", LOSS)
    hold(model, make_masks(model, 0.5))
    model.fit(*data, verbose=0)
    traced = len(traces)
    masks = make_masks(model, 0.9, random(3))
    hold(model, masks)
    model.fit(*data, verbose=0)
    zeros_hold(model, masks)
    assert sparsity(model) == pytest.approx(0.9, abs=0.003)
    assert len(traces) == traced


def test_masks_of_fewer_layers_free_the_others(net, data):
    model = net()
    first = make_masks(model, 0.8)
    hold(model, first)
    masks = make_masks(model, 0.8, within="last")
    hold(model, masks)
    model.fit(*data, verbose=0)
    zeros_hold(model, masks)
    assert np.asarray(kernel(model))[~first["first/kernel"]].any()


def test_release_lets_train_again_and_restores_the_users_constraint(net, data):
    model, own = net(), keras.constraints.MaxNorm(1.0)
    kernel(model).constraint = own
    hold(model, make_masks(model, 0.8))
    masks = make_masks(model, 0.9)
    hold(model, masks)
    model.fit(*data, verbose=0)
    release(model)
    assert kernel(model).constraint is own
    assert model.get_layer("last").kernel.constraint is None
    model.fit(*data, verbose=0)
    assert np.asarray(kernel(model))[~masks["first/kernel"]].any()
    release(model)
    assert kernel(model).constraint is own


def test_the_users_constraint_goes_on_and_sees_the_weights_that_count(net, data):
    model = net(OPTIMIZERS["adam"]())
    kernel(model).constraint = keras.constraints.UnitNorm(axis=0)
    masks = make_masks(model, 0.5, within="first")
    hold(model, masks)
    model.fit(*data, verbose=0)
    zeros_hold(model, masks)
    norms = np.linalg.norm(np.asarray(kernel(model)), axis=0)
    assert norms[masks["first/kernel"].any(axis=0)] == pytest.approx(1, abs=1e-4)


def test_a_constraint_that_fills_cannot(net, data):
    model = net()
    kernel(model).constraint = lambda w: w + 1
    masks = make_masks(model, 0.5)
    hold(model, masks)
    model.fit(*data, verbose=0)
    zeros_hold(model, masks)


def test_a_shared_layer_may_be_held_through_another_model(net, data):
    part, whole = net(), keras.Sequential([keras.Input((8,)), net()])
    hold(part, make_masks(part, 0.5))
    outer = keras.Sequential([keras.Input((8,)), part])
    outer.compile(keras.optimizers.Adam(0.01, use_ema=True), LOSS)
    masks = make_masks(outer, 0.8)
    hold(outer, masks)
    outer.fit(*data, verbose=0)
    zeros_hold(outer, masks)
    release(outer)
    assert all(v.constraint is None for v in outer.weights)
    assert whole.built


def test_hold_of_another_models_masks_changes_nothing(net):
    model, other = net(), keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    before = np.asarray(kernel(model)).copy()
    with pytest.raises(ValueError, match="masks of another model"):
        hold(model, make_masks(model, 0.5) | make_masks(other, 0.5))
    assert np.array_equal(before, kernel(model))
    assert kernel(model).constraint is None


def test_the_mask_is_neither_trained_nor_counted_nor_saved(net):
    model = net()
    names = [v.path for v in model.variables]
    hold(model, make_masks(model, 0.5))
    assert [v.path for v in model.variables] == names
    assert kernel(model).constraint.mask.dtype == "bool"
    assert "constraint': None" in str(model.get_layer("first").get_config())


def test_a_held_model_saves_as_a_plain_keras_file(net, data, tmp_path):
    model = net()
    hold(model, make_masks(model, 0.8))
    model.fit(*data, verbose=0)
    model.save(tmp_path / "held.keras")
    np.savez(tmp_path / "expected.npz", x=data[0], y=model.predict(data[0], verbose=0))
    script = (
        "import sys, keras, numpy as np; d = np.load('expected.npz');"
        "m = keras.models.load_model('held.keras');"
        "assert np.allclose(m.predict(d['x'], verbose=0), d['y'], atol=1e-6);"
        "m.fit(d['x'], d['y'].argmax(1), verbose=0);"
        "assert not any(name.startswith('course_lib') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)


def test_loading_and_cloning_drop_the_masks_and_from_zeros_finds_them(net, data, tmp_path):
    model = net()
    masks = make_masks(model, 0.8)
    hold(model, masks)
    model.save(tmp_path / "held.keras")
    loaded, clone = keras.models.load_model(tmp_path / "held.keras"), keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    clone.compile("adam", LOSS)
    for copy in (loaded, clone):
        assert all(v.constraint is None for v in copy.weights)
        found = Masks.from_zeros(copy)
        assert all(np.array_equal(found[path], masks[path]) for path in masks)
        hold(copy, found)
        copy.fit(*data, verbose=0)
        zeros_hold(copy, masks)


def test_lora_fills_zeros_in_and_is_refused(net):
    model = net()
    masks = make_masks(model, 0.5)
    model.get_layer("first").enable_lora(2)
    with pytest.raises(ValueError, match="'first' has LoRA.*fills"):
        hold(model, masks)
    assert all(v.constraint is None for v in model.weights)
    assert list(make_masks(model, 0.5)) == ["last/kernel"], "the frozen kernel and A, B do not take part"


def test_masked_weights_still_weigh_in_a_global_clipnorm(net, data):
    """Documented in `hold`, not mended: the gradient of a masked weight is not zero."""
    model = net()
    masks = make_masks(model, 0.95)
    hold(model, masks)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(data[1], model(data[0])))
    variables = masks.variables(model)
    gradients = dict(zip(variables, tape.gradient(loss, [v.value for v in variables.values()]), strict=True))
    dead = sum(float(np.sum(np.asarray(g)[~masks[p]] ** 2)) for p, g in gradients.items())
    assert dead > 0.5 * sum(float(np.sum(np.asarray(g) ** 2)) for g in gradients.values())
