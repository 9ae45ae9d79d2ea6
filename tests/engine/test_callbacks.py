"""GradualPruning: on time, exact, nested, and never silently idle."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_lib.pruning import (
    GradualPruning,
    above,
    constant,
    held_masks,
    hold,
    iterative,
    layerwise,
    make_masks,
    n_of_m,
    one_shot,
    polynomial,
    random,
    sparsity,
    wanda,
)


def train(model, data, callback, epochs=3, **fit_args):
    """12 steps an epoch."""
    model.fit(*data, batch_size=8, epochs=epochs, verbose=0, callbacks=[callback], **fit_args)
    return callback


@pytest.mark.parametrize("every, per_execution", [(1, 1), (7, 1), (7, 4), (10, 5), (1000, 1)])
@pytest.mark.filterwarnings("error")
def test_the_final_sparsity_is_exact_and_on_time(net, data, every, per_execution):
    model = net(steps_per_execution=per_execution)
    pruning = train(model, data, GradualPruning(polynomial(0.75, begin=3, end=23), every=every))
    steps, shares = zip(*pruning.log, strict=True)
    assert shares[-1] == pruning.masks.sparsity == sparsity(model) == 0.75
    assert 23 <= steps[-1] < 23 + per_execution
    assert list(shares) == sorted(shares)
    assert all(m.sum() for m in pruning.masks.values())


def test_updates_fall_on_multiples_of_every_and_follow_the_schedule(net, data):
    schedule = polynomial(0.75, end=23)
    pruning = train(net(), data, GradualPruning(schedule, every=10))
    assert [step for step, _ in pruning.log] == [0, 10, 20, 23]
    assert [share for _, share in pruning.log] == [
        1 - round(176 * (1 - schedule(s))) / 176 for s in (0, 10, 20, 23)
    ]


def test_stairs_and_shots_come_at_their_own_step(net, data):
    assert [s for s, _ in train(net(), data, GradualPruning(one_shot(0.5, at=13), every=100)).log] == [0, 13]
    rounds = GradualPruning(iterative(0.5, rounds=3, every=9, begin=2), every=100)
    assert [s for s, _ in train(net(), data, rounds).log] == [0, 2, 11, 20]
    assert [s for s, _ in train(net(), data, GradualPruning(constant(0.5))).log] == [0]


@pytest.mark.parametrize("recipe", [{}, {"criterion": random(5)}, {"scope": layerwise, "within": ["first"]}])
def test_masks_nest_and_recipes_pass_through(net, data, recipe):
    seen = []

    class Watch(GradualPruning):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            seen.append(self.masks)

    model = net()
    pruning = train(model, data, Watch(polynomial(0.9, end=30), every=5, **recipe))
    for early, late in zip(seen, seen[1:], strict=False):
        assert all(not (late[p] & ~early[p]).any() for p in late)
    if "within" in recipe:
        assert list(pruning.masks) == ["first/kernel"]
        assert np.asarray(model.get_layer("last").kernel).all()


def test_a_changing_criterion_cannot_revive_weights(net, data):
    draws = iter(range(1000))
    pruning = GradualPruning(polynomial(0.75, end=30), every=3, criterion=lambda m: random(next(draws))(m))
    assert train(net(), data, pruning).masks.sparsity == 0.75


def test_masks_stay_held_after_training_and_a_second_fit_goes_on(net, data):
    model, pruning = net(), GradualPruning(polynomial(0.75, end=30), every=10)
    train(model, data, pruning, epochs=1)
    halfway = sparsity(model)
    assert 0 < halfway < 0.75
    model.fit(*data, verbose=0)
    assert sparsity(model) == halfway
    train(model, data, pruning, epochs=2)
    assert sparsity(model) == 0.75
    assert [step for step, _ in pruning.log] == [0, 10, 15, 20, 30]


def test_another_model_starts_afresh(net, data):
    pruning = train(net(), data, GradualPruning(polynomial(0.75, end=20)))
    log = list(pruning.log)
    train(net(), data, pruning)
    assert [s for s, _ in pruning.log] == [s for s, _ in log]


@pytest.mark.parametrize("last", [36, 99])
def test_it_warns_when_nothing_is_pruned_before_the_last_step(net, data, last):
    with pytest.warns(UserWarning, match="prunes nothing.*every=100"):
        train(net(), data, GradualPruning(polynomial(0.75, end=last), every=100))


def test_it_warns_once_also_when_the_length_of_the_run_is_unknown(net, data):
    def batches():
        for start in range(0, 96, 8):
            yield data[0][start : start + 8], data[1][start : start + 8]

    model, pruning = net(), GradualPruning(polynomial(0.75, end=99))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(batches(), verbose=0, callbacks=[pruning])
    assert sum("prunes nothing" in str(w.message) for w in caught) == 1


def test_compiled_once(net, data):
    """Attaching the masks when training begins, before the first trace, costs no second one."""
    model = net()
    pruning = GradualPruning(polynomial(0.75, end=20), every=2)
    model.make_train_function()
    functions = set()

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            functions.add(model.train_function)

    model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[pruning, Watch()])
    assert len(functions) == 1


def test_moving_averages_and_accumulated_gradients(net, data):
    optimizer = keras.optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=2)
    model = net(optimizer)
    pruning = train(model, data, GradualPruning(polynomial(0.75, end=18), every=10))
    assert pruning.log[-1] == (18, 0.75), "36 batches are 18 updates"
    assert sparsity(model) == 0.75


def test_restored_weights_are_masked_when_training_ends(net, data):
    model = net()
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    pruning = GradualPruning(polynomial(0.75, end=20), every=5)
    model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[stop, pruning])
    assert sparsity(model) >= pruning.masks.sparsity


def test_n_of_m_in_one_shot_while_training(net, data):
    """Nothing is asked of the scope before: it could not prune nothing."""
    model = net()
    pruning = train(model, data, GradualPruning(one_shot(0.5, at=13), scope=n_of_m(2, 4)))
    assert pruning.log == [(0, 0.0), (13, 0.5)]
    kernel = np.asarray(model.get_layer("first").kernel)
    assert (np.count_nonzero(kernel.reshape(2, 4, 16), axis=1) == 2).all()


@pytest.mark.parametrize(
    "schedule, recipe, message",
    [
        (constant(0.5), {"scope": above(0.1)}, "above.*pass None"),
        (one_shot(0.5, at=20), {"scope": above(0.1)}, "above.*pass None"),
        (
            polynomial(0.5, begin=9, end=30),
            {"scope": n_of_m(2, 4)},
            r"n_of_m\(2, 4\) prunes 0.5.*Received: 0",
        ),
        (one_shot(0.5, at=20), {"within": "lost"}, "no such layer"),
        (one_shot(0.5, at=20), {"criterion": lambda model: {}}, "no scores for 'first/kernel'"),
        (one_shot(0.5, at=20), {"criterion": wanda(np.zeros((0, 8)))}, "at least one example"),
    ],
)
def test_a_recipe_that_cannot_work_says_so_at_once(net, data, schedule, recipe, message):
    model = net()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        train(model, data, GradualPruning(schedule, every=5, **recipe))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert not held_masks(model)


def test_weights_that_are_nan_stop_the_run_with_a_sentence(net, data):
    model = net()
    model.get_layer("last").kernel.assign(np.full((16, 3), np.nan))
    with pytest.raises(ValueError, match="'last/kernel' must be finite. Received: 48.*diverge"):
        train(model, data, GradualPruning(constant(0.5)))
    assert not held_masks(model)


def loop_of_batches(model, data, pruning):
    pruning.update(model)
    for start in range(0, 96, 8):
        model.train_on_batch(data[0][start : start + 8], data[1][start : start + 8])
        pruning.update(model)


def loop_of_gradients(model, data, pruning):
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x, training=True)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    pruning.update(model, step=0)
    for x, y in tf.data.Dataset.from_tensor_slices(data).batch(8):
        step(x, y)
        pruning.update(model, step=optimizer.iterations)


def loop_of_callbacks(model, data, pruning, step=None):
    """As Keras's documentation of Callback has it: all methods, at their places."""
    callbacks = keras.callbacks.CallbackList([pruning], model=model)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(12):
        callbacks.on_train_batch_begin(batch)
        (step or model.train_on_batch)(data[0][8 * batch :][:8], data[1][8 * batch :][:8])
        callbacks.on_train_batch_end(batch)
    callbacks.on_epoch_end(0)
    callbacks.on_train_end()


def loop_of_callbacks_and_steps(model, data, pruning):
    """Past `train_function`."""
    loop_of_callbacks(model, data, pruning, lambda *batch: model.train_step(tuple(map(tf.constant, batch))))


LOOPS = [loop_of_batches, loop_of_gradients, loop_of_callbacks, loop_of_callbacks_and_steps]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.filterwarnings("error")
def test_loops_of_ones_own_prune_as_fit_does(net, data, loop):
    model, fitted = net(keras.optimizers.Adam(0.01)), net(keras.optimizers.Adam(0.01))
    ours, theirs = (GradualPruning(polynomial(0.75, begin=2, end=9), every=3) for _ in range(2))
    loop(model, data, ours)
    train(fitted, data, theirs, epochs=1, shuffle=False)
    assert ours.log == theirs.log == [(0, 0), *theirs.log[1:-1], (9, 0.75)]
    assert sparsity(model) == 0.75
    for path, mask in theirs.masks.items():
        assert np.array_equal(mask, ours.masks[path])


def test_update_needs_a_clock(net, data):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)], name="bare")
    with pytest.raises(ValueError, match="'bare' has no optimizer.*compile.*update"):
        GradualPruning(constant(0.5)).update(model)
    assert GradualPruning(constant(0.5)).update(model, 0).sparsity == 0.5
    with pytest.raises(TypeError, match="keras.Model. Received: 'net'"):
        GradualPruning(constant(0.5)).update("net")


def test_the_student_of_a_distiller_is_pruned(net, data):
    """The Distiller is what trains: its optimizer is the clock, and it is never built itself."""
    teacher, student = net(), net()
    losses = keras.distillation.LogitsDistillation()
    distiller = keras.distillation.Distiller(teacher, student, distillation_losses=losses)
    distiller.compile("adam", keras.losses.SparseCategoricalCrossentropy())
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    pruning = GradualPruning(polynomial(0.75, begin=1, end=20), every=5)
    distiller.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[pruning, stop])
    assert pruning.log[-1] == (20, 0.75)
    assert sparsity(student) == 0.75 and sparsity(teacher) == 0


def test_masks_that_hold_the_model_already_are_kept(net, data):
    model = net()
    first = make_masks(model, 0.5, random(1))
    hold(model, first)
    pruning = train(model, data, GradualPruning(polynomial(0.75, end=20), every=4))
    assert pruning.log[0] == (0, 0.5) and pruning.log[-1] == (20, 0.75)
    assert all(not (pruning.masks[path] & ~first[path]).any() for path in first)


def test_what_is_pruned_does_not_depend_on_when_updates_are_looked_for(net, data):
    levels = []
    for per_execution in (1, 4):
        pruning = GradualPruning(polynomial(0.75, end=30), every=5)
        train(net(steps_per_execution=per_execution), data, pruning)
        levels.append([share for _, share in pruning.log])
    assert levels[0] == levels[1]


def test_it_warns_that_the_schedule_began_unseen(net, data):
    model = net()
    model.fit(*data, batch_size=8, verbose=0)
    with pytest.warns(UserWarning, match="step 12 already.*75.00% goes at once.*compile the model anew"):
        train(model, data, GradualPruning(polynomial(0.75, end=6)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, data, GradualPruning(polynomial(0.9, end=6)))
        trained = net()
        trained.fit(*data, batch_size=8, verbose=0)
        train(trained, data, GradualPruning(constant(0.75)))


@pytest.mark.parametrize(
    "optimizer, fit_args",
    [
        (keras.optimizers.Adam(gradient_accumulation_steps=3), {"epochs": 3}),  # 12 updates
        ("adam", {"epochs": 9, "initial_epoch": 8}),
        ("adam", {"epochs": 1, "steps_per_epoch": 12}),
    ],
)
def test_the_warning_knows_how_long_the_run_is_before_it_begins(net, data, optimizer, fit_args):
    class TooLate(Exception):
        pass

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise TooLate

    with pytest.warns(UserWarning, match="prunes nothing"), pytest.raises(TooLate):
        stop, pruning = Stop(), GradualPruning(one_shot(0.5, at=12))
        net(optimizer).fit(*data, batch_size=8, verbose=0, callbacks=[pruning, stop], **fit_args)


@pytest.mark.parametrize(
    "value, message", [(float("nan"), "Received: nan"), (-0.1, "at step .*-0.1"), (1, "1")]
)
def test_a_schedule_that_leaves_its_range_says_so(net, data, value, message):
    with pytest.raises(ValueError, match=message):
        train(net(), data, GradualPruning(lambda step: value))


def test_a_schedule_of_ones_own_is_a_function_of_a_number(net, data):
    pruning = train(net(), data, GradualPruning(lambda step: 0.5 if step > 9 else 0.25, every=4))
    assert pruning.log == [(0, 0.25), (10, 0.5)]


def test_a_schedule_out_of_range_says_so(net, data):
    with pytest.raises(ValueError, match="Received: 50. Did you mean 0.5"):
        train(net(), data, GradualPruning(lambda step: 50))
