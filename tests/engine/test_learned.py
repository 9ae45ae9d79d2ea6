"""LearnedMasks around any model: nothing changes at gates of 1, counts are exact, hard equals soft."""

import keras
import numpy as np
import pytest

from course_lib.pruning import (
    Block,
    Channel,
    Element,
    HardConcrete,
    LearnedMasks,
    LearnedThreshold,
    Sigmoid,
    StraightThrough,
    harden,
    polynomial,
    random,
    sparsity,
    survivors,
)

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(params=["float32", "mixed_float16"])
def policy(request):
    """The precision models are built with."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def noisy():
    """BatchNormalization, dropout, a shared layer, a nested model, two inputs, an activity penalty."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    shared = layers.Dense(6, name="shared")
    nest_in = keras.Input((6,))
    x = layers.BatchNormalization(name="norm")(nest_in)
    nest = keras.Model(nest_in, layers.Dropout(0.5, seed=1)(x), name="nest")
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    x = layers.Concatenate()([nest(shared(a)), nest(shared(b))])
    x = layers.Dense(5, activation="relu", activity_regularizer="l2", dtype="float32")(x)
    return keras.Model({"a": a, "b": b}, layers.Dense(3, activation="softmax", dtype="float32")(x))


def two(data):
    return {"a": data[0], "b": data[0][::-1]}, data[1]


def fitted(model, data, optimizer="adam", epochs=2, **compile_args):
    model.compile(optimizer, LOSS, **compile_args)
    history = model.fit(*data, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history
    return history["loss"]


def test_with_all_gates_open_training_is_that_of_the_plain_model_bit_for_bit(data, policy):
    plain, model = noisy(), noisy()
    learned = LearnedMasks(model, StraightThrough(0.0))
    x, _ = two(data)
    np.testing.assert_array_equal(learned(x), plain(x))
    losses = [
        fitted(m, two(data), keras.optimizers.SGD(0.1, momentum=0.9), steps_per_execution=3)
        for m in (plain, learned)
    ]
    assert losses[0] == losses[1] and np.isfinite(losses).all()
    assert isinstance(learned.optimizer, type(plain.optimizer)), "which scales the loss where needed"
    names = [v.path for v in plain.variables]
    for name, expected, v in zip(names, plain.variables, model.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(expected), np.asarray(v), name)
    assert any("moving_mean" in name for name in names) and any("seed" in name for name in names)
    np.testing.assert_array_equal(learned.predict(x, verbose=0), plain.predict(x, verbose=0))


def test_straight_through_is_exact_at_every_step_of_a_schedule(net, data):
    schedule = polynomial(0.9, begin=2, end=20)
    learned = LearnedMasks(net(), StraightThrough(schedule, rate=30))
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(sum(int(m.sum()) for m in learned.masks().values()))

    learned.compile("adam", LOSS, jit_compile=True)
    first = learned.masks()
    learned.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[Watch()])
    assert seen == [survivors(176, schedule(step)) for step in range(1, 25)]
    assert first.sparsity == 0.0 and learned.masks().sparsity == pytest.approx(0.9, abs=0.003)


@pytest.mark.parametrize(
    "gate, granularity, cut",
    [
        (lambda: StraightThrough(0.7), Element(), None),
        (lambda: HardConcrete(3.0, rate=100, start=-2.0, seed=0), Block(3, 5), None),
        (lambda: LearnedThreshold(1.0, start=-1.0), Element(), None),
        (lambda: Sigmoid(3.0, rate=100), Block(3, 5), 0.5),
    ],
)
def test_the_hard_model_predicts_what_the_gated_one_did_where_only_zeros_were_cut(
    net, data, gate, granularity, cut
):
    learned = LearnedMasks(net(), gate(), granularity)
    fitted(learned, data, epochs=1)
    hard = harden(learned, cut, metric=lambda m: np.asarray(m(data[0])))
    if cut is None:
        np.testing.assert_allclose(hard.soft, hard.hard, atol=1e-6)
    else:
        assert abs(hard.soft - hard.hard).max() > 1e-3, "the hardening gap"
    assert hard.model is learned.inner and 0 < hard.masks.sparsity < 1
    hard.model.compile("adam", LOSS)
    hard.model.fit(*data, verbose=0)
    for path, variable in hard.masks.variables(hard.model).items():
        assert not np.asarray(variable)[~hard.masks[path]].any()
    with pytest.raises(ValueError, match="hardened"):
        learned.predict(data[0], verbose=0)


def test_gates_learn_and_frozen_weights_do_not(net, data):
    model = net()
    before = [v.copy() for v in model.get_weights()]
    learned = LearnedMasks(
        model, StraightThrough(0.5, random(0), layerwise=True, rate=10), train_weights=False
    )
    start = learned.masks()
    losses = fitted(learned, data, epochs=8)
    assert losses[-1] < losses[0]
    assert any((learned.masks()[path] != start[path]).any() for path in start)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_within_names_the_layers_with_gates(net):
    learned = LearnedMasks(net(), StraightThrough(0.5), Channel(), within=["first"])
    assert list(learned.masks()) == ["first/kernel"] and learned.masks().sparsity == 0.5


def test_embeddings_convolutions_recurrences_and_subclassed_models():
    class Tagger(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = keras.layers.Embedding(11, 6)
            self.conv = keras.layers.Conv1D(5, 3, padding="same")
            self.rnn = keras.layers.GRU(4, dropout=0.3)
            self.out = keras.layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.out(self.rnn(self.conv(self.embedding(x))))

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 11, (32, 7)), rng.integers(0, 3, 32)
    model = Tagger()
    model(x)
    learned = LearnedMasks(model, StraightThrough(0.8))
    assert np.isfinite(fitted(learned, (x, y), epochs=1)).all()
    hard = harden(learned, metric=lambda m: np.asarray(m(x)))
    np.testing.assert_allclose(hard.soft, hard.hard, atol=1e-6)
    assert sparsity(model) == pytest.approx(0.8, abs=0.01)


def test_the_inner_model_and_checkpoints_can_be_saved_and_the_whole_cannot(net, data, tmp_path):
    def made():
        return LearnedMasks(net(), StraightThrough(0.5, random(1)))

    learned, again = made(), made()
    fitted(learned, data)
    learned.save_weights(tmp_path / "run.weights.h5")
    again.load_weights(tmp_path / "run.weights.h5")
    np.testing.assert_array_equal(again.predict(data[0], verbose=0), learned.predict(data[0], verbose=0))
    with pytest.raises(NotImplementedError, match="harden it"):
        learned.save(tmp_path / "whole.keras")
    hard = harden(learned)
    hard.model.save(tmp_path / "hard.keras")
    loaded = keras.saving.load_model(tmp_path / "hard.keras")
    assert sparsity(loaded) == 0.5
    np.testing.assert_array_equal(loaded(data[0]), hard.model(data[0]))


def test_soft_gates_are_cut_at_the_sparsity_they_are_given(net):
    learned = LearnedMasks(net(), Sigmoid(1.0))
    assert learned.masks(0.75).sparsity == 0.75
    with pytest.raises(ValueError, match="No gate is 0"):
        harden(learned)
    learned(np.zeros((1, 8)))  # nothing happened to it


def test_what_does_not_fit_is_refused(net):
    gate = StraightThrough(0.5)
    LearnedMasks(net(), gate)
    with pytest.raises(ValueError, match="in use: make a new StraightThrough"):
        LearnedMasks(net(), gate)
    with pytest.raises(TypeError, match="Received: 0.5"):
        LearnedMasks(net(), 0.5)
    model = net()
    model.get_layer("first").enable_lora(2)
    model.get_layer("first").trainable = False
    with pytest.raises(ValueError, match="LoRA"):
        LearnedMasks(model, StraightThrough(0.5))
    with pytest.raises(ValueError, match="no weights yet"):
        LearnedMasks(keras.Sequential([keras.layers.Dense(2)]), StraightThrough(0.5))


def test_it_may_be_a_layer_of_another_model_with_losses_by_output(data):
    i = keras.Input((8,))
    hidden = keras.layers.Dense(8)(i)
    heads = [
        keras.layers.Dense(1, name="p")(hidden),
        keras.layers.Dense(3, activation="softmax", name="q")(hidden),
    ]
    learned = LearnedMasks(keras.Model(i, heads), HardConcrete(1.0))
    learned.compile("adam", loss={"p": "mse", "q": LOSS})
    x, y = data
    history = learned.fit(x, {"p": x[:, 0], "q": y}, validation_split=0.5, verbose=0).history
    assert {"val_p_loss", "q_loss"} <= set(history)
    outer = keras.Model(i, learned(i)[1])
    assert outer(x).shape == (96, 3) and len(outer.losses) == 1


def test_the_clock_counts_real_updates(net, data):
    learned = LearnedMasks(net(), StraightThrough(polynomial(0.5, end=6)))
    fitted(learned, data, keras.optimizers.Adam(gradient_accumulation_steps=2, use_ema=True), epochs=1)
    assert learned.masks().sparsity == 0.5
    hard = harden(learned, metric=lambda m: np.asarray(m(data[0])))
    np.testing.assert_array_equal(hard.soft, hard.hard)
