"""Online pruning: the masks follow the data, the count never changes, and what comes back is what it was."""

import keras
import numpy as np
import pytest

from course_lib.pruning import OnlinePruning, layerwise, named_variables, sparsity, taylor, wanda

LOSS = "sparse_categorical_crossentropy"
RNG = np.random.default_rng(0)
RULE = RNG.normal(size=(16, 3))


def stream(phase, n=256):
    """Only inputs 0–7 speak in phase 0, only inputs 8–15 in phase 1; the rule stays the same."""
    x = RNG.normal(size=(n, 16)) * (np.arange(16) // 8 == phase)
    return x.astype("float32"), np.argmax(x @ RULE, axis=1)


def trained():
    """A network that knows both phases."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16,))], name="drift")
    model.add(keras.layers.Dense(24, activation="relu", name="first"))
    model.add(keras.layers.Dense(3, activation="softmax", name="last"))
    model.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    both = [np.concatenate(part) for part in zip(stream(0, 1500), stream(1, 1500), strict=True)]
    model.fit(*both, epochs=3, verbose=0)
    return model


@pytest.fixture(scope="module")
def knowing():
    return trained().get_weights()


@pytest.fixture
def model(knowing):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16,))], name="drift")
    model.add(keras.layers.Dense(24, activation="relu", name="first"))
    model.add(keras.layers.Dense(3, activation="softmax", name="last"))
    model.compile(keras.optimizers.Adam(0.005), LOSS, metrics=["accuracy"])
    model.set_weights(knowing)
    return model


def accuracy(model, data):
    return np.mean(np.argmax(model(data[0]), axis=1) == data[1])


@pytest.mark.parametrize("criterion", [taylor, lambda x, y: wanda(x)])
def test_masks_that_follow_the_drift_beat_masks_that_stay(model, criterion):
    online = OnlinePruning(model, 0.6, criterion, window=256, within=["first"])
    online.see(*stream(0))
    online.prune()
    assert accuracy(model, stream(0)) > 0.85
    late = stream(1)
    stayed = accuracy(model, late)
    online.see(*stream(1))
    online.prune()
    assert accuracy(model, late) > stayed + 0.2
    assert online.moved > 0.5


def test_the_count_is_exact_at_all_times_while_it_trains_on_the_stream(model):
    online = OnlinePruning(model, 0.75, taylor, window=128, scope=layerwise)
    shares = []
    for step in range(12):
        batch = stream(step // 6, 64)
        online.see(*batch)
        if step % 2 == 0:
            shares.append(online.prune().sparsity)
        model.train_on_batch(*batch)
        shares.append(sparsity(model))
    assert set(shares) == {0.75}


def test_revived_weights_have_the_values_they_had_and_the_rest_is_untouched(model):
    online = OnlinePruning(model, 0.6, taylor)
    before = {p: np.array(v) for p, v in named_variables(model).items()}
    masks = []
    for phase in (0, 1, 1, 1):
        online.see(*stream(phase))
        masks.append(online.prune())
        for path, mask in masks[-1].items():
            np.testing.assert_array_equal(named_variables(model)[path], np.where(mask, before[path], 0))
    assert any((masks[1][p] & ~masks[0][p]).any() for p in masks[0])


def test_the_window_holds_the_latest_examples_in_order(model):
    seen = []

    def spy(x, y):
        seen.append((x, y))
        return taylor(x, y)

    online = OnlinePruning(model, 0.5, spy, window=100)
    parts = [stream(0, n) for n in (64, 30, 50)]
    for part in parts:
        online.see(*part)
    online.prune()
    for got, whole in zip(seen[0], zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(got, np.concatenate(whole)[-100:])


def test_labels_are_not_needed_where_the_criterion_needs_none(model):
    online = OnlinePruning(model, 0.5, lambda x, y: wanda(x))
    for _ in range(2):
        online.see(stream(0)[0])
    assert online.prune().sparsity == 0.5


def test_a_criterion_that_fails_leaves_the_model_as_it_was(model):
    online = OnlinePruning(model, 0.5, taylor)
    online.see(*stream(0))
    online.prune()
    before = [np.array(w) for w in model.weights]
    online.see(np.full((4, 16), np.nan, "float32"), np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        online.prune()
    assert all(np.array_equal(b, w) for b, w in zip(before, model.weights, strict=True))


def test_what_does_not_fit_says_so(model):
    with pytest.raises(ValueError, match="Nothing to score on"):
        OnlinePruning(model, 0.5, taylor).prune()
    with pytest.raises(ValueError, match="Received: 50"):
        OnlinePruning(model, 50, taylor)
    with pytest.raises(ValueError, match="window must be at least 1"):
        OnlinePruning(model, 0.5, taylor, window=0)
