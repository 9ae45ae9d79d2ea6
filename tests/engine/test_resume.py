"""A run that was stopped and goes on from its file is the run that was never stopped, bit for bit."""

import functools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import (
    Block,
    GradualPruning,
    Masks,
    gradient,
    held_masks,
    hold,
    layerwise,
    make_masks,
    masks_so_far,
    one_shot,
    polynomial,
    random,
    release,
    sparsity,
    survivors,
)

layers = keras.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(480, 8)).astype("float32"), RNG.integers(0, 3, 480)  # 60 batches of 8
SCHEDULE = polynomial(0.75, begin=5, end=47)
OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "averaging": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
}
RECIPES = {
    "weights": {},
    "blocks": {"granularity": Block(2, 2), "scope": layerwise},
    "random": {"criterion": random(5)},
    "one layer": {"within": ["first"]},
    "gradients": {"criterion": gradient(X[:32], Y[:32])},  # those of pruned weights are not 0
}


class Stopped(Exception):
    """The power cut."""


class Stop(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self.at:
            raise Stopped


class Watch(keras.callbacks.Callback):
    """The masks that hold at every step."""

    def on_train_begin(self, logs=None):
        self.seen = {}

    def on_train_batch_begin(self, batch, logs=None):
        self.seen[int(self.model.optimizer.iterations)] = held_masks(self.model)


def build(optimizer="adam"):
    keras.utils.set_random_seed(0)
    # No Dropout: Keras does not save the state of its random numbers.
    stack = [layers.Dense(16, "relu", name="first"), layers.Dense(3, "softmax", name="last")]
    model = keras.Sequential([keras.Input((8,)), *stack])
    model.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy")
    return model


def train(model, recipe, *others, first=0, before=(), **fit_args):
    """Train from batch `first` on; the masks at every step."""
    watch, pruning = Watch(), GradualPruning(SCHEDULE, every=7, **RECIPES[recipe])
    fit_args = {"shuffle": False, "batch_size": 8, "verbose": 0} | fit_args
    model.fit(X[8 * first :], Y[8 * first :], callbacks=[*before, pruning, *others, watch], **fit_args)
    return watch.seen


def state(model):
    return [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]


@functools.cache
def never_stopped(optimizer, recipe):
    model = build(optimizer)
    return train(model, recipe), state(model)


def same(model, seen, optimizer, recipe):
    masks, weights = never_stopped(optimizer, recipe)
    assert seen
    for step, now in seen.items():
        assert now.keys() == masks[step].keys()
        assert all(np.array_equal(now[path], masks[step][path]) for path in now), step
    assert all(np.array_equal(a, b) for a, b in zip(state(model), weights, strict=True))


# Before the schedule, at an update, between two, at the last one.
@pytest.mark.parametrize(
    "at, order, optimizer, recipe",
    [
        (3, "after", "adam", "weights"),
        (18, "after", "adam", "blocks"),
        (14, "before", "momentum", "random"),
        (31, "after", "averaging", "one layer"),
        (35, "before", "adam", "gradients"),
        (47, "before", "adam", "weights"),
    ],
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_from_a_file_of_any_step(tmp_path, at, order, optimizer, recipe):
    save = keras.callbacks.ModelCheckpoint(tmp_path / "saved.keras", save_freq=at)
    others = {"before": [save], order: [save]} if order == "before" else {"before": []}
    with pytest.raises(Stopped):
        train(build(optimizer), recipe, *([save] if order == "after" else []), Stop(at), **others)
    loaded = keras.models.load_model(tmp_path / "saved.keras")
    assert int(loaded.optimizer.iterations) == at
    same(loaded, train(loaded, recipe, first=at), optimizer, recipe)


def test_from_a_file_of_weights(tmp_path):
    save = keras.callbacks.ModelCheckpoint(tmp_path / "a.weights.h5", save_freq=30, save_weights_only=True)
    with pytest.raises(Stopped):
        train(build(), "weights", save, Stop(30))
    model = build()
    model.optimizer.build(model.trainable_variables)
    model.load_weights(tmp_path / "a.weights.h5")
    same(model, train(model, "weights", first=30), "adam", "weights")


def test_twice(tmp_path):
    model, first = build(), 0
    for at in (17, 40):
        with pytest.raises(Stopped):
            train(model, "weights", Stop(at), first=first)
        model.save(tmp_path / "saved.keras")
        model, first = keras.models.load_model(tmp_path / "saved.keras"), at
    same(model, train(model, "weights", first=first), "adam", "weights")


def epochs(model, *callbacks, **fit_args):
    """Five epochs of 12 steps."""
    x, y = X[:96], Y[:96]
    fit_args = {"epochs": 5, "shuffle": False, "batch_size": 8, "verbose": 0} | fit_args
    model.fit(x, y, callbacks=callbacks, **fit_args)
    return model


def equal_states(one, other):
    return all(np.array_equal(a, b) for a, b in zip(state(one), state(other), strict=True))


@functools.cache
def whole_epochs():
    return epochs(build(), GradualPruning(SCHEDULE, every=7))


def test_from_a_file_of_an_epoch(tmp_path):
    whole = whole_epochs()
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    with pytest.raises(Stopped):
        epochs(build(), save, GradualPruning(SCHEDULE, every=7), Stop(29))
    loaded = keras.models.load_model(tmp_path / "2.keras")
    pruning = GradualPruning(SCHEDULE, every=7)
    assert equal_states(epochs(loaded, pruning, initial_epoch=2), whole)
    assert pruning.log[0][0] == 24 and pruning.log[-1] == (47, sparsity(whole))


@pytest.mark.parametrize("turn", [1, -1])
def test_backup_and_restore_anywhere_in_the_list(tmp_path, turn):
    """It loads the weights when training begins, perhaps after our turn."""
    backup = functools.partial(keras.callbacks.BackupAndRestore, tmp_path / "backup")
    with pytest.raises(Stopped):
        epochs(build(), *[backup(), GradualPruning(SCHEDULE, every=7)][::turn], Stop(29))
    model = build()
    epochs(model, *[backup(), GradualPruning(SCHEDULE, every=7)][::turn])
    assert equal_states(model, whole_epochs())


def test_nothing_left_to_train(tmp_path):
    backup = functools.partial(keras.callbacks.BackupAndRestore, tmp_path / "b", delete_checkpoint=False)
    pruning = GradualPruning(SCHEDULE, every=7)
    epochs(build(), backup(), pruning)
    done = build()
    again = GradualPruning(SCHEDULE, every=7)
    with pytest.warns(UserWarning, match="prunes nothing"):
        epochs(done, again, backup())
    assert again.log == [] and sparsity(done) == pruning.masks.sparsity


def test_a_new_callback_goes_on_with_the_masks_held_even_if_a_kept_weight_is_zero():
    model = build()
    epochs(model, GradualPruning(one_shot(0.5), within=["first"]), epochs=1)
    masks = held_masks(model)
    kernel = model.get_layer("first").kernel
    kernel.assign(np.zeros(kernel.shape))
    pruning = GradualPruning(one_shot(0.5), within=["first"])
    epochs(model, pruning, epochs=1)
    assert np.array_equal(pruning.masks["first/kernel"], masks["first/kernel"])
    assert np.asarray(kernel)[masks["first/kernel"]].all()


def test_kernels_of_zeros_are_not_taken_for_pruned():
    keras.utils.set_random_seed(0)
    zero = layers.Dense(16, "relu", kernel_initializer="zeros", bias_initializer="ones", name="zero")
    model = keras.Sequential([keras.Input((8,)), zero, layers.Dense(3, "softmax", name="last")])
    model.compile("adam", "sparse_categorical_crossentropy")
    epochs(model, epochs=1)
    zero.kernel.assign(np.zeros((8, 16)))
    assert masks_so_far(model, 0.0).sparsity == 0
    pruning = GradualPruning(polynomial(0.25, begin=20, end=40), every=5)
    epochs(model, pruning, epochs=3)
    assert pruning.log[0] == (12, 0.0)
    assert sparsity(model) == pruning.masks.sparsity == 0.25


@given(st.floats(0, 0.95), st.floats(0, 0.95), st.integers(0, 99))
def test_zeros_are_pruned_as_far_as_the_sparsity_explains_them(zeros, asked, seed):
    model = small()
    made = make_masks(model, zeros, random(seed))
    for path, variable in made.variables(model).items():
        values = np.random.default_rng(seed).normal(size=variable.shape)
        variable.assign(np.where(made[path], values, 0))
    found = masks_so_far(model, asked)
    for path in made:
        assert not (made[path] & ~found[path]).any(), "what is not zero is kept"
    limit = 48 - survivors(48, asked) if asked > 0 else 0
    count = sum(np.count_nonzero(~m) for m in found.values())
    assert count == min(limit, sum(np.count_nonzero(~m) for m in made.values()))


@functools.cache
def small():
    return keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.Dense(3), layers.Dense(1)])


def test_released_masks_are_forgotten():
    model = small()
    hold(model, make_masks(model, 0.5))
    assert masks_so_far(model, 0.0).sparsity == held_masks(model).sparsity == 0.5
    release(model)
    assert held_masks(model) == Masks()
