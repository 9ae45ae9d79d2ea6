"""rewind: bit for bit what training was; tickets nest; controls differ in one thing."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import (
    Masks,
    Snapshot,
    hold,
    layerwise,
    make_masks,
    named_variables,
    prunable_variables,
    random,
    rewind,
    shuffled,
    signs,
    tickets,
)

layers, optimizers = keras.layers, keras.optimizers


def everything(model):
    """All there is of a model and its optimizer, as bytes."""
    return [np.array(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def drifting(optimizer):
    """8-12-3 with all that makes training hard to repeat: dropout, noise, moving statistics."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.GaussianNoise(0.1),
            layers.Dense(12, name="first"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.4),
            layers.Dense(3, "softmax", name="last"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def train(model, data, *callbacks, epochs=2, seed=5):
    """12 steps an epoch, in the same order for the same seed."""
    keras.utils.set_random_seed(seed)
    model.fit(*data, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))


class Log(keras.callbacks.Callback):
    """Everything after each step, by the optimizer's clock."""

    def on_train_begin(self, logs=None):
        self.seen = {}

    def on_train_batch_end(self, batch, logs=None):
        self.seen[int(self.model.optimizer.iterations)] = everything(self.model)


RATES = {
    "schedule": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.05, 30)),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, use_ema=True, ema_momentum=0.9),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "nadam": lambda: optimizers.Nadam(0.01),
    "free": lambda: optimizers.ScheduleFreeAdamW(0.01),
    "accumulating": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=5),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)),
}


@pytest.mark.parametrize("name", RATES)
def test_rewound_to_the_start_and_trained_again_it_is_the_same_run(data, name):
    model, log = drifting(RATES[name]()), Log()
    start = Snapshot().take(model)
    train(model, data, log)
    first = log.seen
    train(model, data, seed=6, epochs=1)  # go astray
    ones = Masks({path: np.ones(v.shape, bool) for path, v in prunable_variables(model).items()})
    rewind(model, start, ones if name in ("schedule", "amsgrad") else None)
    train(model, data, log)
    assert log.seen.keys() == first.keys()
    assert all(log.seen[step] == first[step] for step in first)


def test_late_rewinding_goes_on_from_that_step_as_training_did(data):
    """In the order of the data that is not shuffled, the second epoch follows the first."""
    model, log = drifting(RATES["schedule"]()), Log()
    late = Snapshot(step=12)
    keras.utils.set_random_seed(1)
    model.fit(*data, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[late, log])
    assert late.taken == 12
    first = log.seen
    rewind(model, late)
    assert everything(model) == first[12]
    model.fit(*data, batch_size=8, epochs=1, verbose=0, shuffle=False, callbacks=[late, log])
    assert late.taken == 12, "taken once"
    assert {step: log.seen[step] for step in range(13, 25)} == {s: first[s] for s in range(13, 25)}


def test_a_callback_that_changed_the_learning_rate_is_undone(data):
    model = drifting("sgd")
    start = Snapshot().take(model)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=9)
    train(model, data, plateau)
    assert float(model.optimizer.learning_rate) < 0.01
    rewind(model, start)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("name, step", [("schedule", 0), ("schedule", 7), ("amsgrad", 7)])
def test_kept_weights_are_bit_identical_and_masked_ones_positive_zeros(data, name, step):
    model, late = drifting(RATES[name]()), Snapshot(step)
    train(model, data, late, epochs=1)
    masks = make_masks(model, 0.8)
    rewind(model, late, masks)
    weights = {path: np.asarray(v) for path, v in named_variables(model).items()}
    for path, value in weights.items():
        mask = masks.get(path, np.ones(value.shape, bool))
        assert value[mask].tobytes() == late.weights[path][mask].tobytes()
        assert not value[~mask].any() and not np.signbit(value[~mask]).any()
    train(model, data, seed=9, epochs=1)
    assert all(not np.asarray(v)[~masks[p]].any() for p, v in masks.variables(model).items()), "held"


def test_a_ticket_trains_as_a_fresh_model_with_the_same_start_and_masks(data):
    """An oracle without rewind: build the model again, hold the masks, train."""
    model, log = drifting(RATES["schedule"]()), Log()
    start = Snapshot().take(model)
    train(model, data)
    masks = make_masks(model, 0.7)
    rewind(model, start, masks)
    train(model, data)
    fresh = drifting(RATES["schedule"]())
    hold(fresh, masks)
    train(fresh, data, log)
    pairs = zip(model.get_weights(), fresh.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    "compile_args, step, taken",
    [
        ({"steps_per_execution": 5}, 7, 10),
        ({"jit_compile": True}, 7, 7),
        ({}, 24, 24),
        ({"run_eagerly": True}, 1, 1),
    ],
)
def test_snapshots_are_taken_on_time(net, data, compile_args, step, taken):
    model, snapshot = net(**compile_args), Snapshot(step)
    train(model, data, snapshot)
    assert snapshot.taken == taken
    rewind(model, snapshot, make_masks(model, 0.5))
    assert int(model.optimizer.iterations) == taken


def test_a_snapshot_at_the_start_is_the_model_before_training(net, data):
    before, model, start = net().get_weights(), net(), Snapshot()
    train(model, data, start)
    assert start.taken == 0
    assert all(np.array_equal(a, b) for a, b in zip(before, start.weights.values(), strict=True))


def test_taking_a_snapshot_changes_nothing(net, data):
    model, other = net(), net()
    Snapshot().take(model)
    train(model, data)
    train(other, data)
    assert everything(model) == everything(other)


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_short_floats(policy, data):
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(4, name="a", dtype=policy), layers.Dense(3, "softmax", dtype=policy)]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    start = Snapshot().take(model)
    before = everything(model)
    train(model, data, epochs=1)
    assert everything(model) != before
    rewind(model, start)
    assert everything(model) == before


def test_a_clone_can_be_rewound(data):
    model = drifting("adam")
    start = Snapshot().take(model)
    train(model, data)
    clone = keras.models.clone_model(model)
    clone.compile("adam", model.loss)
    masks = make_masks(model, 0.5)
    rewind(clone, start, masks)
    rewind(model, start, masks)
    train(model, data)
    train(clone, data)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), clone.get_weights(), strict=True))


def test_rewinding_without_masks_holds_nothing(net, data):
    model = net()
    start = Snapshot().take(model)
    hold(model, make_masks(model, 0.8))
    rewind(model, start)
    train(model, data)
    assert all(np.asarray(v).all() for v in prunable_variables(model).values())


def test_an_uncompiled_model_in_a_loop_of_ones_own(net):
    model = keras.Sequential.from_config(net().get_config())
    assert getattr(model, "optimizer", None) is None
    start = Snapshot().take(model)
    model.get_layer("first").kernel.assign(np.ones((8, 16)))
    rewind(model, start)
    assert np.array_equal(model.get_layer("first").kernel, start.weights["first/kernel"])


def test_what_cannot_be_rewound_says_so_and_changes_nothing(net, data):
    model, never = net(), Snapshot(step=1000)
    start = Snapshot().take(model)
    train(model, data, never)
    other = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="first")], name="other")
    early = Snapshot().take(keras.Sequential.from_config(model.get_config()))
    cases = [
        (never, None, "never taken: no training.*reached step 1000"),
        (Snapshot().take(other), None, "another model. Received: weights that differ in .*'first/kernel'"),
        (early, None, "before the model was compiled"),
        (start, Masks({"first/kernel": np.ones((2, 2), bool)}), "masks of another model"),
    ]
    before = everything(model)
    for snapshot, masks, message in cases:
        with pytest.raises(ValueError, match=message):
            rewind(model, snapshot, masks)
        assert everything(model) == before
    model.compile(keras.optimizers.SGD(), model.loss)
    with pytest.raises(ValueError, match="another optimizer"):
        rewind(model, start)
    with pytest.raises(ValueError, match="step must be 0 or later. Received: -1"):
        Snapshot(-1)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 7)), max_size=4), st.floats(0, 1), st.integers(0, 99)
)
def test_shuffled_masks_keep_the_counts_of_every_layer(shapes, density, seed):
    rng = np.random.default_rng(seed)
    masks = Masks({f"v{i}": rng.random(shape) < density for i, shape in enumerate(shapes)})
    copies = {path: mask.copy() for path, mask in masks.items()}
    other = shuffled(masks, seed)
    assert isinstance(other, Masks) and list(other) == list(masks)
    for path, mask in masks.items():
        assert other[path].shape == mask.shape and other[path].sum() == mask.sum()
        assert np.array_equal(mask, copies[path]), "the given ones are not changed"
        assert np.array_equal(other[path], shuffled(masks, seed)[path])


def test_shuffling_is_even():
    """Each of 20 places is kept about as often as another."""
    masks = Masks({"v": np.arange(20).reshape(4, 5) < 5})
    often = sum(shuffled(masks, seed)["v"].astype(int) for seed in range(2000)) / 2000
    assert np.abs(often - 0.25).max() < 0.05


def test_signs_are_all_that_is_left_of_the_weights(net):
    model = net()
    start = Snapshot().take(model)
    masks = make_masks(model, 0.5)
    rewind(model, signs(start, masks), masks)
    for path, mask in masks.items():
        value, old = np.asarray(masks.variables(model)[path]), start.weights[path]
        assert np.array_equal(np.sign(value)[mask], np.sign(old)[mask])
        assert np.abs(value)[mask] == pytest.approx(old.std())
    assert np.asarray(start.weights["first/kernel"]).std() > 0 and "first/bias" in start.weights
    assert len(np.unique(np.abs(start.weights["first/kernel"]))) > 100, "the snapshot itself is as it was"


def test_tickets_nest_and_end_at_the_sparsity(net, data):
    model, rounds = net(), []
    start = Snapshot().take(model)
    order = []

    def fit(trained):
        order.append([np.array(v) for v in trained.weights])
        train(trained, data, epochs=1)

    for number, masks in tickets(model, fit, 0.9, rounds=4, scope=layerwise):
        rounds.append((number, masks))
        assert all(not np.asarray(v)[~masks[p]].any() for p, v in masks.variables(model).items())
        assert int(model.optimizer.iterations) == 12, "each round is trained from the start"
    assert [number for number, _ in rounds] == [0, 1, 2, 3, 4]
    assert [m["first/kernel"].sum() for _, m in rounds] == [round(128 * 0.1 ** (r / 4)) for r in range(5)]
    for (_, early), (_, late) in zip(rounds, rounds[1:], strict=False):
        assert all(not (late[path] & ~early[path]).any() for path in late)
    for (_, masks), weights in zip(rounds, order, strict=True):
        for (path, first), w in zip(start.weights.items(), weights, strict=True):
            assert np.array_equal(w, first * masks.get(path, True)), "each round begins at the snapshot"


def test_tickets_by_hand(net, data):
    """Two rounds, written out."""
    model, hand = net(), net()
    *_, (_, found) = tickets(model, lambda m: train(m, data, epochs=1), 0.75, rounds=2)
    start = Snapshot().take(hand)
    train(hand, data, epochs=1)
    first = make_masks(hand, 0.5)
    rewind(hand, start, first)
    train(hand, data, epochs=1)
    second = make_masks(hand, 0.75, among=first)
    assert all(np.array_equal(found[path], second[path]) for path in second)


def test_tickets_with_late_rewinding_and_a_recipe(net, data):
    model, late = net(), Snapshot(step=5)
    steps = []

    def fit(trained):
        steps.append(int(trained.optimizer.iterations))
        train(trained, data, late, epochs=1)

    recipe = {"criterion": random(3), "within": ["first"]}
    *_, (_, masks) = tickets(model, fit, 0.75, rounds=2, start=late, **recipe)
    assert steps == [0, 5, 5] and late.taken == 5
    assert list(masks) == ["first/kernel"] and masks.sparsity == 0.75


def test_tickets_refuse_at_once(net):
    for args, message in [((9, 2), "Received: 9"), ((0.5, 0), "rounds must be a whole number.*Received: 0")]:
        with pytest.raises(ValueError, match=message):
            tickets(net(), lambda model: None, *args)
    with pytest.raises(ValueError, match="never taken"):
        list(tickets(net(), lambda model: None, 0.5, 2, Snapshot(step=10)))
