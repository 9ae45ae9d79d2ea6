"""One model at many sparsities: nested, exact, and back bit for bit."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import AnySparsity, Block, Sandwich, layerwise, make_masks, named_variables, sparsity

LEVELS = (0.25, 0.5, 0.75)


def weights(model):
    return [np.array(w) for w in model.weights]


def test_every_level_is_exact_nested_and_what_make_masks_gives(net):
    model = net()
    expected = {s: make_masks(model, s) for s in LEVELS}
    adaptive, dense = AnySparsity(model, LEVELS), named_variables(net())
    assert adaptive.sparsities == [0.0, *LEVELS]
    for s in LEVELS:
        assert sparsity(adaptive.at(s)) == adaptive.sparsity == s
        for path, mask in adaptive.masks(s).items():
            assert (mask == expected[s][path]).all()
            np.testing.assert_array_equal(named_variables(model)[path], np.where(mask, dense[path], 0))
    for low, high in zip(LEVELS, LEVELS[1:], strict=False):
        assert all(not (adaptive.masks(high)[p] & ~m).any() for p, m in adaptive.masks(low).items())


@settings(max_examples=10)
@given(st.lists(st.sampled_from([0.0, *LEVELS]), max_size=8))
def test_any_way_up_and_down_restores_every_bit(path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16), keras.layers.Dense(3)])
    before, adaptive = weights(model), AnySparsity(model, LEVELS)
    for s in path:
        adaptive.at(s)
    assert all(b.tobytes() == a.tobytes() for b, a in zip(before, weights(adaptive.at(0.0)), strict=True))


def test_recipes_pass_through(net):
    model = net()
    adaptive = AnySparsity(model, LEVELS, scope=layerwise, granularity=Block(2, 1), within=["first"])
    adaptive.at(0.5)
    kernel = np.asarray(model.get_layer("first").kernel)
    assert (kernel == 0).sum() == 64 and ((kernel[::2] == 0) == (kernel[1::2] == 0)).all()
    assert np.asarray(model.get_layer("last").kernel).all()


def test_switching_compiles_nothing_anew_and_training_keeps_the_zeros(net, data):
    model = net()
    adaptive = AnySparsity(model, LEVELS)
    adaptive.at(0.5)
    model.fit(*data, batch_size=8, verbose=0)
    step = model.train_function
    for s in (0.75, 0.25):
        adaptive.at(s)
        model.fit(*data, batch_size=8, verbose=0)
        assert sparsity(model) == s and model.train_function is step


def test_what_training_changes_counts_at_every_level_that_keeps_the_weight(net, data):
    model = net()
    adaptive = AnySparsity(model, LEVELS)
    before = {p: np.array(v) for p, v in named_variables(model).items()}
    adaptive.at(0.75)
    model.fit(*data, verbose=0)
    trained = {p: np.array(v) for p, v in named_variables(model).items()}
    adaptive.at(0.0)
    for path, mask in adaptive.masks(0.75).items():
        expected = np.where(mask, trained[path], before[path])
        np.testing.assert_array_equal(named_variables(model)[path], expected)
        assert (trained[path] != before[path])[mask].any()


def test_the_sandwich_trains_the_ends_and_the_middle_and_goes_back(net, data):
    model, seen = net(), []
    adaptive = AnySparsity(model, LEVELS)
    adaptive.at(0.5)

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(sparsity(self.model))

    model.fit(*data, batch_size=8, verbose=0, callbacks=[Sandwich(adaptive), Watch()])
    assert seen[0::3] == [0.0] * 4 and seen[1::3] == [0.75] * 4 and set(seen[2::3]) <= {0.25, 0.5}
    assert sparsity(model) == adaptive.sparsity == 0.5


def test_the_sandwich_is_better_at_both_ends_than_training_at_one(net):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 8)).astype("float32")
    y = np.argmax(x[:, :3] + 0.5 * x[:, 3:6] * x[:, 5:8], axis=1)

    def losses(train_at):
        model = net(keras.optimizers.Adam(0.02))
        adaptive = AnySparsity(model, (0.5, 0.8))
        adaptive.at(train_at or 0.0)
        model.fit(x, y, epochs=4, verbose=0, callbacks=[] if train_at is not None else [Sandwich(adaptive)])
        return [adaptive.at(s).evaluate(x, y, verbose=0) for s in (0.0, 0.8)]

    both, dense, sparse = losses(None), losses(0.0), losses(0.8)
    assert both[1] < dense[1] and both[0] < sparse[0]


def test_what_does_not_fit_says_so(net, data):
    model = net()
    adaptive = AnySparsity(model, LEVELS)
    before = weights(model)
    with pytest.raises(ValueError, match="one of 0.0, 0.25, 0.5, 0.75. Received: 0.3"):
        adaptive.at(0.3)
    with pytest.raises(ValueError, match="Received: 80. Did you mean 0.8"):
        AnySparsity(model, [80])
    with pytest.raises(ValueError, match="Fit the model of AnySparsity"):
        net().fit(*data, verbose=0, callbacks=[Sandwich(adaptive)])
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution=1. Received: 2"):
        model.fit(*data, verbose=0, callbacks=[Sandwich(adaptive)])
    assert all(np.array_equal(b, w) for b, w in zip(before, model.weights, strict=True))
