"""Fade: scaled to exactly the schedule's factor, soft until the end, then held like any mask."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    Channel,
    Fade,
    constant,
    iterative,
    linear,
    make_masks,
    one_shot,
    polynomial,
    release,
    sparsity,
)


def train(model, data, *callbacks, epochs=2):
    """12 steps an epoch."""
    model.fit(*data, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return callbacks[0]


class Watch(keras.callbacks.Callback):
    """The kernel of the first layer after every batch."""

    def on_train_begin(self, logs=None):
        self.kernels = []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(np.asarray(self.model.get_layer("first").kernel).copy())


@pytest.mark.parametrize("per_execution", [1, 4])
@pytest.mark.parametrize("schedule", [polynomial(0.75, begin=4, end=20), iterative(0.75, rounds=4, every=4)])
def test_a_weight_without_gradient_is_at_the_schedules_factor(net, data, schedule, per_execution):
    model = net(keras.optimizers.SGD(0.0), steps_per_execution=per_execution)
    start, going = (
        np.asarray(model.get_layer("first").kernel).copy(),
        ~make_masks(model, 0.75)["first/kernel"],
    )
    watch = Watch()
    fade = train(model, data, Fade(schedule), watch)
    for done, kernel in enumerate(watch.kernels, start=1):
        factor = 1 - schedule(done * per_execution) / 0.75
        np.testing.assert_allclose(kernel[going], factor * start[going], rtol=1e-4, atol=1e-7)
        np.testing.assert_array_equal(kernel[~going], start[~going])
    assert fade.log[-1][1] == 0 and sparsity(model) == fade.masks.sparsity == 0.75


def test_a_weight_that_grows_again_is_kept(net, data):
    model = net(keras.optimizers.SGD(0.0))
    kernel = model.get_layer("first").kernel
    weakest = np.unravel_index(abs(np.asarray(kernel)).argmin(), kernel.shape)

    class Revive(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == 10:
                value = np.asarray(kernel).copy()
                assert 0 < abs(value[weakest]) < 0.1
                value[weakest] = 5
                kernel.assign(value)

    fade = train(model, data, Fade(linear(0.5, end=20)), Revive())
    assert fade.masks["first/kernel"][weakest] and np.asarray(kernel)[weakest] == 5
    assert sparsity(model) == 0.5


def test_zeros_are_held_after_the_end_and_a_second_fit_keeps_the_same_masks(net, data):
    model = net("adam")
    fade = train(model, data, Fade(polynomial(0.5, end=15), every=5, granularity=Channel(), within=["first"]))
    masks = dict(fade.masks)
    assert fade.masks.sparsity == 0.5 and list(masks) == ["first/kernel"]
    assert (masks["first/kernel"].all(axis=0) | ~masks["first/kernel"].any(axis=0)).all()
    train(model, data, fade, epochs=1)
    np.testing.assert_array_equal(fade.masks["first/kernel"], masks["first/kernel"])
    assert not np.asarray(model.get_layer("first").kernel)[~masks["first/kernel"]].any()
    release(model)


def test_it_goes_on_in_a_second_fit_and_warns_while_unfinished(net, data):
    model, fade = net("adam"), Fade(linear(0.5, end=20))
    with pytest.warns(UserWarning, match="not over.*60% of the way at step 12"):
        train(model, data, fade, epochs=1)
    assert sparsity(model) == 0.0
    train(model, data, fade, epochs=1)
    assert sparsity(model) == 0.5 and fade.log[-1] == (20, 0.0)


@pytest.mark.parametrize("schedule", [constant(0.5), one_shot(0.5, at=7)])
def test_without_a_ramp_it_cuts_at_once(net, data, schedule):
    model = net("adam")
    fade = train(model, data, Fade(schedule), epochs=1)
    assert fade.log[-1][1] == 0.0 and sparsity(model) == 0.5


def test_averages_and_xla(net, data):
    model = net(keras.optimizers.Adam(0.01, use_ema=True), jit_compile=True)
    train(model, data, Fade(linear(0.5, end=10)))
    assert sparsity(model) == 0.5


def test_a_recipe_is_checked():
    with pytest.raises(TypeError, match="Received: among"):
        Fade(constant(0.5), among=None)
    with pytest.raises(TypeError, match="step → sparsity. Received: 0.5"):
        Fade(0.5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, data):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu", dtype=policy)])
    model.add(keras.layers.Dense(3, "softmax", dtype=policy))
    model.compile("adam", "sparse_categorical_crossentropy")
    fade = train(model, data, Fade(polynomial(0.75, end=20), every=4))
    assert fade.masks.sparsity == pytest.approx(0.75, abs=0.005) == sparsity(model)
