"""Regrow: as many are grown as are dropped, the right ones, born at zero, without a memory, on time."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.pruning import (
    Masks,
    Regrow,
    cosine_decay,
    erk,
    gradient,
    hold,
    layerwise,
    magnitude,
    make_masks,
    movement,
    prunable_variables,
    random,
    sampled,
    sparsity,
)
from course_lib.pruning.regrow import _swapped, _swaps

layers = keras.layers


def counts(masks):
    return {path: int(mask.sum()) for path, mask in masks.items()}


def zeros_hold(model, regrow):
    """Masked weights are 0; a kept one may be 0 too, freshly grown, or in a unit whose ReLU is dead."""
    return not any(np.asarray(v)[~regrow.masks[p]].any() for p, v in regrow.masks.variables(model).items())


class Watch(Regrow):
    """Keeps what an update finds and leaves behind."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []

    def _update(self, step):
        old, weights = self.masks, self.values()
        super()._update(step)
        self.seen.append((step, old, self.masks, weights, self.values()))

    def values(self):
        return {path: np.array(v) for path, v in prunable_variables(self.model).items()}


def train(model, data, callback, epochs=3, **fit_args):
    """12 steps an epoch."""
    model.fit(*data, batch_size=8, epochs=epochs, verbose=0, callbacks=[callback], **fit_args)
    return callback


def start(model, share=0.75):
    return make_masks(model, share, random(0), scope=layerwise)


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "averaging": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
}


XLA = {"steps_per_execution": 4, "jit_compile": True}


@pytest.mark.parametrize(
    "name, compile_args, grow",
    [
        *((name, {}, "random") for name in OPTIMIZERS),
        ("adam", {}, "gradient"),
        ("adam", XLA, "sampled"),
    ],
)
def test_the_laws_hold_at_every_update(net, data, name, compile_args, grow):
    model = net(OPTIMIZERS[name](), **compile_args)
    masks = start(model)
    criterion = {"random": random(1), "gradient": gradient(*data), "sampled": sampled(gradient, *data, 8)}
    regrow = train(model, data, Watch(masks, criterion[grow], 0.3, every=4))
    assert len(regrow.seen) == (4 if name == "accumulating" else 8)
    for _, old, new, before, after in regrow.seen:
        assert counts(new) == counts(old) == counts(masks), "the budget of every layer is constant"
        for path in masks:
            dropped, grown = old[path] & ~new[path], new[path] & ~old[path]
            assert dropped.sum() == grown.sum() == round(0.3 * old[path].sum())
            stayed = np.abs(before[path])[old[path] & new[path]]
            assert np.abs(before[path])[dropped].max() <= stayed.min(), "the smallest go"
            assert not after[path][grown].any() and not np.signbit(after[path][grown]).any()
            assert not after[path][~new[path]].any()
            kept = old[path] & new[path]
            assert np.array_equal(after[path][kept], before[path][kept])
    assert zeros_hold(model, regrow)
    born = [new[p] & ~old[p] for _, old, new, *_ in regrow.seen[-1:] for p in masks]
    ends = [np.asarray(v)[b] for b, v in zip(born, prunable_variables(model).values(), strict=True)]
    assert np.concatenate(ends).any(), "what was grown trains"


def test_the_largest_dense_gradients_grow(net, data):
    """By a gradient of my own, through a model whose masked weights are ordinary zeros."""
    model, found = net("sgd"), []

    class Check(Watch):
        def _update(self, step):
            free = keras.models.clone_model(self.model)
            free.set_weights(self.model.get_weights())
            free.compile(keras.optimizers.SGD(1.0), self.model.loss)
            free.train_on_batch(*data)
            ends = zip(self.values().items(), prunable_variables(free).values(), strict=True)
            found.append({path: np.abs(w - np.asarray(v)) for (path, w), v in ends})
            super()._update(step)

    regrow = train(model, data, Check(start(model), gradient(*data), 0.3, every=5))
    for (_, old, new, *_), sizes in zip(regrow.seen, found, strict=True):
        for path in old:
            grown, rest = new[path] & ~old[path], ~new[path] & ~old[path]
            assert sizes[path][grown].min() >= sizes[path][rest].max() - 1e-6


@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            st.lists(st.booleans(), min_size=n, max_size=n),
            st.lists(st.sampled_from([-2.0, -1, -0.5, 0, 0.5, 1, 3]), min_size=n, max_size=n),
            st.lists(st.sampled_from([0.0, 1, 2]), min_size=n, max_size=n),
        )
    ),
    st.floats(0, 1),
)
def test_one_swap_against_sorting(arrays, share):
    mask, weights, scores = (np.array(a) for a in arrays)
    n = _swaps(mask, share)
    assert 0 <= n <= max(0, min(mask.sum() - 1, (~mask).sum()))
    if not n:
        return
    new = _swapped("w", mask, weights.astype("float32"), scores, n)
    kept, masked = np.flatnonzero(mask), np.flatnonzero(~mask)
    drop = sorted(kept, key=lambda i: (abs(weights[i]), i))[:n]
    grow = sorted(masked, key=lambda i: (-scores[i], i))[:n]
    wanted = mask.copy()
    wanted[drop], wanted[grow] = False, True
    assert np.array_equal(new, wanted)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_grown_weights_have_no_memory(net, data, name):
    """An update leaves every memory of the grown weights as in a new optimizer."""
    model = net(OPTIMIZERS[name]())
    model.optimizer.build(model.trainable_variables)
    new = [np.array(v) for v in model.optimizer.variables]
    looked = []

    class Check(Regrow):
        def _update(self, step):
            old = self.masks
            super()._update(step)
            grown = {self.masks[p].shape: self.masks[p] & ~old[p] for p in old}
            for i, slot in enumerate(self.model.optimizer.variables):
                if (where := grown.get(tuple(slot.shape))) is not None:
                    looked.append(np.array_equal(np.asarray(slot)[where], new[i][where]))

    train(model, data, Check(start(model), random(0), 0.5, every=5))
    assert looked and all(looked)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, data):
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential(
            [keras.Input((8,)), layers.Dense(16, "relu", name="a"), layers.Dense(3, "softmax", name="b")]
        )
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), "sparse_categorical_crossentropy")
    masks = start(model)
    for grow in (gradient(*data), random(0)):
        regrow = train(model, data, Regrow(masks, grow, 0.3, every=5))
        assert counts(regrow.masks) == counts(masks) and len(regrow.log) == 7
        assert zeros_hold(model, regrow)


def test_random_growth_draws_anew_at_each_update_and_the_same_in_each_run(net, data):
    runs = [train(net(), data, Watch(start(net()), random(0), 0.3, every=3)) for _ in range(2)]
    grown = [[new["first/kernel"] & ~old["first/kernel"] for _, old, new, *_ in run.seen] for run in runs]
    assert np.array_equal(*grown)
    assert len({g.tobytes() for g in grown[0]}) == len(grown[0]) == 11
    assert np.any(grown[0], axis=0).sum() > 64, "11 draws of 10 weights visit most of the layer's 128"


def test_updates_fall_on_multiples_of_every_and_never_after_the_last_step(net, data):
    """36 steps: the updates due at 36 come with the next fit, before its first step."""
    model = net()
    regrow = train(model, data, Regrow(start(model), random(0), 0.3, every=6))
    assert [step for step, _ in regrow.log] == [6, 12, 18, 24, 30]
    train(model, data, regrow, epochs=1)
    assert [step for step, _ in regrow.log] == [6, 12, 18, 24, 30, 36, 42]


@pytest.mark.parametrize("compile_args", [{"steps_per_execution": 5}, {"run_eagerly": True}])
def test_other_ways_to_fit(net, data, compile_args):
    model = net(**compile_args)
    regrow = train(model, data, Regrow(start(model), random(0), 0.3, every=6))
    assert len(regrow.log) == 5 and zeros_hold(model, regrow) and regrow.masks.sparsity == 0.75


def test_the_fraction_may_fall_to_nothing(net, data):
    fraction = cosine_decay(0.5, end=20)
    regrow = train(net(), data, Regrow(start(net()), random(0), fraction, every=4))
    kept = [32, 12]
    assert regrow.log == [(s, sum(round(fraction(s) * k) for k in kept)) for s in (4, 8, 12, 16)]
    decay = keras.optimizers.schedules.CosineDecay(0.5, 20)
    assert train(net(), data, Regrow(start(net()), random(0), decay, every=4)).log == regrow.log


def test_cosine_decay_is_the_formula_of_rigl():
    steps = np.arange(0, 200)
    wanted = np.where(steps < 150, 0.3 / 2 * (1 + np.cos(steps * np.pi / 150)), 0)
    assert cosine_decay(0.3, end=150)(steps) == pytest.approx(wanted)
    assert cosine_decay(0.3, end=150)(0) == 0.3 and cosine_decay(0.3, end=150)(150) == 0
    with pytest.raises(ValueError, match="end must be at least step 1. Received: 0"):
        cosine_decay(0.3, end=0)
    with pytest.raises(ValueError, match="initial must be in.*Received: 30.*Did you mean 0.3"):
        cosine_decay(30, end=10)


@pytest.mark.filterwarnings("error")
def test_layers_with_one_weight_left_with_none_masked_and_frozen_ones(net, data):
    model = net()
    model.add(layers.Dense(4, name="frozen"))
    model.get_layer("frozen").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    only = np.zeros((16, 3), bool)
    only[3, 1] = True
    masks = Masks({"last/kernel": only, "frozen/kernel": np.random.default_rng(0).random((3, 4)) < 0.5})
    masks["first/kernel"] = np.ones((8, 16), bool)
    with pytest.warns(UserWarning, match="swapped nothing.*Received: every=5"):
        regrow = train(model, data, Regrow(masks, random(0), 0.9, every=5))
    assert regrow.masks == masks and regrow.log == []
    masks["first/kernel"] = masks["first/kernel"].copy()
    masks["first/kernel"][0, :2] = False
    regrow = train(net(), data, Regrow(start(net(), 0.01), random(0), 0.9, every=5))
    assert counts(regrow.masks) == counts(start(net(), 0.01)), "fewer masked than could be swapped"


@pytest.mark.parametrize("args", [{"every": 1000}, {"fraction": 0.0}, {"fraction": 0.001}])
def test_it_warns_when_nothing_is_swapped(net, data, args):
    with pytest.warns(UserWarning, match="Regrow swapped nothing"):
        train(net(), data, Regrow(start(net()), random(0), **{"every": 5, **args}))


def test_another_model_starts_afresh_and_the_given_masks_are_not_changed(net, data):
    masks = start(net())
    copies = {path: mask.copy() for path, mask in masks.items()}
    regrow = Regrow(masks, random(0), 0.3, every=5)
    logs = [list(train(net(), data, regrow).log) for _ in range(2)]
    assert logs[0] == logs[1]
    assert all(np.array_equal(masks[path], copies[path]) for path in masks)


def test_the_training_function_is_traced_once(net, data):
    model, functions = net(), set()

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            functions.add(model.train_function)

    regrow = Regrow(start(model), random(0), 0.3, every=2)
    model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[regrow, Look()])
    assert len(functions) == 1 and len(regrow.log) == 11


def test_static_sparse_training_is_hold(net, data):
    """From scratch under random masks in the proportions of ERK: no more is needed than these two lines."""
    model = net()
    masks = make_masks(model, 0.75, random(0), scope=erk)
    hold(model, masks)
    model.fit(*data, verbose=0)
    assert sparsity(model) == masks.sparsity == 0.75
    assert Masks.from_zeros(model).keys() == masks.keys()


def test_restored_weights_are_masked_when_training_ends(net, data):
    model = net()
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    regrow = Regrow(start(model), random(0), 0.3, every=3)
    model.fit(*data, batch_size=8, epochs=3, verbose=0, callbacks=[stop, regrow])
    assert zeros_hold(model, regrow)


def branched():
    """Shared and nested layers, an embedding, a convolution, normalisation and two inputs."""
    keras.utils.set_random_seed(0)
    ids, image = keras.Input((5,), name="ids", dtype="int32"), keras.Input((4, 4, 1), name="image")
    inside = keras.Input((4, 4, 1))
    block = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu", name="conv")(inside))
    inner, shared = keras.Model(inside, block, name="inner"), layers.Dense(4, "relu", name="shared")
    embedded = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4, name="embedding")(ids))
    x = layers.add([shared(embedded), shared(layers.GlobalAveragePooling2D()(inner(image)))])
    model = keras.Model({"ids": ids, "image": image}, layers.Dense(3, "softmax", name="last")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x = {"ids": rng.integers(0, 9, (48, 5)), "image": rng.normal(size=(48, 4, 4, 1)).astype("float32")}
    return model, x, rng.integers(0, 3, 48)


class Wrapped(keras.Model):
    """A subclassed model around another."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(16, "relu", name="hidden"), layers.Dense(3, name="out")

    def call(self, x):
        return keras.ops.softmax(self.out(self.hidden(x)))


@pytest.mark.parametrize("make", [gradient, lambda x, y: random(0), lambda x, y: sampled(gradient, x, y, 16)])
def test_nested_shared_and_convolutional_models(make):
    model, x, y = branched()
    masks = make_masks(model, 0.6, random(0), scope=erk)
    regrow = Regrow(masks, make(x, y), 0.3, every=3)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[regrow])
    assert counts(regrow.masks) == counts(masks) and len(regrow.log) == 3
    assert zeros_hold(model, regrow)


def test_subclassed_models(data):
    model = Wrapped()
    model.compile("adam", "sparse_categorical_crossentropy")
    model(data[0])
    masks = start(model)
    regrow = train(model, data, Regrow(masks, gradient(*data), 0.3, every=5))
    assert counts(regrow.masks) == counts(masks) and zeros_hold(model, regrow)


@pytest.mark.parametrize("grow", [magnitude(), lambda model: random(7)(model), movement])
def test_any_criterion_grows(net, data, grow):
    grow = grow(*data) if grow is movement else grow
    assert len(train(net(), data, Regrow(start(net()), grow, 0.3, every=9)).log) == 3


def test_a_criterion_of_ones_own_may_draw(net, data):
    draws = itertools.count()
    regrow = Regrow(start(net()), lambda model: random(next(draws))(model), 0.3, every=5)
    train(net(), data, regrow)
    assert next(draws) == len(regrow.log) == 7


@pytest.mark.parametrize(
    "args, error, message",
    [
        ({"grow": "gradient"}, TypeError, "grow must be a criterion.*Received: 'gradient'"),
        ({"every": 0}, ValueError, "every must be at least 1 step. Received: 0"),
        ({"fraction": 30}, ValueError, "fraction must be in.*Received: 30. Did you mean 0.3"),
        ({"masks": {"a": np.zeros(3)}}, TypeError, "must be a NumPy array of bool"),
    ],
)
def test_bad_arguments(net, args, error, message):
    with pytest.raises(error, match=message):
        Regrow(**{"masks": start(net()), "grow": random(0), **args})


def test_masks_of_another_model_scores_that_are_none_and_weights_that_diverged(net, data):
    with pytest.raises(ValueError, match="masks of another model"):
        train(net(), data, Regrow(Masks({"nowhere": np.ones((2, 2), bool)}), random(0)))
    with pytest.raises(ValueError, match="The criterion gave no scores for 'first/kernel'"):
        train(net(), data, Regrow(start(net()), lambda model: {}, 0.3, every=5))
    with pytest.raises(ValueError, match="fraction must be in.*Received: 1.5"):
        train(net(), data, Regrow(start(net()), random(0), lambda step: 1.5, every=5))
    with pytest.raises(ValueError, match="weights of 'first/kernel' must be finite"):
        train(net(keras.optimizers.SGD(1e38)), data, Regrow(start(net()), random(0), 0.3, every=5))
