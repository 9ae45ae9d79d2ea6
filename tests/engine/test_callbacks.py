"""GradualPruning: on time, exact, nested, and never silently idle."""

import warnings

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    GradualPruning,
    above,
    constant,
    iterative,
    layerwise,
    one_shot,
    polynomial,
    random,
    sparsity,
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


def test_a_scope_without_sparsity_is_refused(net, data):
    with pytest.raises(ValueError, match="above.*pass None"):
        train(net(), data, GradualPruning(constant(0.5), scope=above(0.1)))


def test_a_schedule_of_ones_own_is_a_function_of_a_number(net, data):
    pruning = train(net(), data, GradualPruning(lambda step: 0.5 if step > 9 else 0.25, every=4))
    assert pruning.log == [(0, 0.25), (10, 0.5)]


def test_a_schedule_out_of_range_says_so(net, data):
    with pytest.raises(ValueError, match="Received: 50. Did you mean 0.5"):
        train(net(), data, GradualPruning(lambda step: 50))
