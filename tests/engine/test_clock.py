"""after_next_step: right after the step, before any callback, and nothing is left behind whatever happens."""

import copy
import threading

import keras
import numpy as np
import pytest

import course_lib.pruning as engine
from course_lib.pruning import (
    Fade,
    GradualPruning,
    Snapshot,
    linear,
    one_shot,
    polynomial,
    sparsity,
)
from course_lib.pruning.clock import after_next_step

Callback = keras.callbacks.Callback
DUE = [0, 5, 10, 15, 20, 24]


def pruning(**recipe):
    return GradualPruning(polynomial(0.75, end=24), every=5, **recipe)


def fit(model, data, *callbacks, epochs=2, **fit_args):
    """12 steps an epoch."""
    model.fit(
        *data, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks), **fit_args
    )
    return model


def steps(callback):
    return [step for step, _ in callback.log]


class At(Callback):
    """Something done at a place in the run, `where` a method of callbacks, when `step` updates are done."""

    def __init__(self, where, action, step=None):
        super().__init__()

        def act(*_, **__):
            if step is None or int(self.model.optimizer.iterations) == step:
                action(self.model)

        setattr(self, where, act)


class Cut(Exception):
    """The power cut."""


def cut(model):
    raise Cut


CALLBACKS = [
    value
    for value in map(engine.__dict__.get, engine.__all__)
    if isinstance(value, type) and issubclass(value, Callback)
]


@pytest.mark.parametrize("ours", CALLBACKS)
def test_no_callback_of_ours_makes_keras_wait_for_the_logs_of_every_batch(ours):
    assert ours.on_train_batch_end is Callback.on_train_batch_end
    assert ours.on_batch_end is Callback.on_batch_end


def test_the_action_comes_before_every_callback_and_in_their_thread(net, data):
    seen, threads = [], set()

    class Ask(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            after_next_step(self.model, lambda: (seen.append("action"), threads.add(threading.get_ident())))

    note = At("on_train_batch_end", lambda model: seen.append("end"))
    fit(net(), data, note, Ask(), epochs=1)
    assert seen == 12 * ["action", "end"]
    seen.clear()
    fit(net(), data, Ask(), epochs=1)  # now Keras reads the logs in a thread
    assert seen == 12 * ["action"] and threads == {threading.get_ident()}


def wrapped_by_hand(net):
    class Own(keras.Sequential):
        def make_train_function(self, force=False):
            super().make_train_function(force)
            inner = self.train_function
            self.train_function = lambda iterator: inner(iterator)
            return self.train_function

    model = Own([keras.Input((8,)), *net().layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class OwnFit(keras.Sequential):
    """A `fit` that has never heard of train_function."""

    def fit(self, x, y, callbacks, epochs, **_):
        run = keras.callbacks.CallbackList(callbacks, add_history=True, model=self)
        run.on_train_begin()
        for epoch in range(epochs):
            run.on_epoch_begin(epoch)
            for batch in range(12):
                run.on_train_batch_begin(batch)
                self.train_step((x[8 * batch :][:8], y[8 * batch :][:8]))
                run.on_train_batch_end(batch)
            run.on_epoch_end(epoch)
        run.on_train_end()


def with_own_fit(net):
    model = OwnFit([keras.Input((8,)), *net().layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    "build",
    [
        lambda net: net(),
        lambda net: net(run_eagerly=True),
        lambda net: net(jit_compile=True),
        wrapped_by_hand,
        with_own_fit,
    ],
    ids=["compiled", "eager", "XLA", "own make_train_function", "own fit"],
)
def test_updates_are_on_time_however_a_model_is_trained(net, data, build):
    first, last = pruning(within="first"), pruning(within="last")
    model = fit(build(net), data, first, last)
    assert steps(first) == steps(last) == DUE
    assert sparsity(model) == 0.75


def test_a_function_traced_anew_in_the_middle_loses_no_update(net, data):
    retrace = At("on_train_batch_begin", lambda model: model.make_train_function(force=True), step=9)
    ours = pruning()
    model = fit(net(), data, ours, retrace)
    assert steps(ours) == DUE and sparsity(model) == 0.75


def test_a_callback_that_wraps_the_step_itself_is_left_alone(net, data):
    calls = []

    def wrap(model):
        inner = model.train_function

        def counting(iterator):
            calls.append(1)
            return inner(iterator)

        model.train_function = counting

    ours = pruning()
    fit(net(), data, ours, At("on_train_batch_begin", wrap, step=7))
    assert steps(ours) == DUE and len(calls) == 17


@pytest.mark.parametrize(
    "where, turn, stop",
    [
        ("on_train_batch_begin", 1, KeyboardInterrupt),  # the one moment at which the step is wrapped
        ("on_train_batch_begin", -1, Cut),
        ("on_train_batch_end", 1, Cut),
    ],
)
def test_after_an_interrupted_run_the_model_trains_without_the_callback(net, data, where, turn, stop):
    def end(model):
        raise stop

    model, ours = net(), pruning()
    with pytest.raises(stop):
        fit(model, data, *[ours, At(where, end, step=10)][::turn])
    halfway = sparsity(model)
    assert steps(ours) == DUE[:3] and 0 < halfway < 0.75
    fit(model, data, epochs=1)
    assert steps(ours) == DUE[:3] and sparsity(model) == halfway
    fit(model, data, ours, epochs=1)
    assert steps(ours) == [*DUE[:3], 22, 24] and sparsity(model) == 0.75


def test_a_step_that_fails_leaves_nothing_behind(net, data):
    model = net()

    def fails(iterator):
        raise Cut

    class Ask(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            after_next_step(self.model, lambda: pytest.fail("the step was not done"))

    model.train_function = fails
    with pytest.raises(Cut):
        fit(model, data, Ask())
    assert model.train_function is fails


def test_the_step_is_itself_again_when_callbacks_hear_of_its_end_and_afterwards(net, data):
    model, seen = net(), set()
    ours = [pruning(within="first"), Fade(linear(0.5, end=10), within="last"), Snapshot(step=30)]
    fit(model, data, *ours, epochs=1)
    step = model.train_function
    fit(model, data, *ours, At("on_train_batch_end", lambda model: seen.add(model.train_function)))
    assert seen == {step} and model.train_function is step and ours[2].taken == 30


def test_a_model_is_saved_copied_and_cloned_while_an_action_waits(net, data, tmp_path):
    def use(model):
        model.save(tmp_path / "a.keras")
        for other in (
            keras.models.load_model(tmp_path / "a.keras"),
            copy.deepcopy(model),
            keras.models.clone_model(model),
        ):
            assert sparsity(other) in (sparsity(model), 0.0)

    ours = pruning()
    fit(net(), data, ours, At("on_train_batch_begin", use, step=10))
    assert steps(ours) == DUE


def test_a_snapshot_is_what_the_step_left_whoever_else_has_a_turn(net, data):
    """Also of the callbacks before it in the list."""
    double = At("on_train_batch_end", lambda m: m.layers[0].bias.assign(m.layers[0].bias + 1), step=7)
    taken = Snapshot(step=7)
    fit(net(), data, double, taken, epochs=1)
    plain = Snapshot(step=7)
    fit(net(), data, plain, epochs=1)
    assert taken.taken == plain.taken == 7
    for path, value in plain.weights.items():
        assert np.array_equal(value, taken.weights[path])


def test_stopping_early_keeps_what_was_due(net, data):
    stop = At("on_train_batch_end", lambda model: setattr(model, "stop_training", True), step=10)
    ours = GradualPruning(one_shot(0.5, at=10))
    model = fit(net(), data, stop, ours)
    assert int(model.optimizer.iterations) == 10 and sparsity(model) == 0.5
