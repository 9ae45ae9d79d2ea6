"""Who pays: verdicts against brute force, every kind of output and label, noise that is the same for all."""

from itertools import product

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import data, models
from course_lib.pruning import contrast, gaussian, make_masks, predicted, robustness, shift, who_pays
from course_lib.pruning.card.predictions import labels, paired_error, standard_error
from course_lib.pruning.card.toll import compared, holm, mcnemar

layers = keras.layers


def linear(*weights, activation=None, **compile_args):
    """A model that answers x · weights."""
    model = keras.Sequential([keras.Input((len(weights),)), layers.Dense(np.shape(weights)[1], activation)])
    model.layers[0].kernel.assign(np.asarray(weights, "float32"))
    if compile_args:
        model.compile(**compile_args)
    return model


class TestPredicted:
    def test_logits_and_probabilities_agree(self):
        x = np.random.default_rng(0).normal(size=(600, 3))
        plain = predicted(linear(*np.eye(3)), x)
        assert (plain == x.argmax(axis=1)).all()
        assert (plain == predicted(linear(*np.eye(3), activation="softmax"), x)).all()

    def test_one_output_is_cut_where_its_kind_says(self):
        x = np.linspace(-0.9, 0.9, 40)[:, None]
        assert (predicted(linear([1.0]), x) == (x[:, 0] > 0)).all()
        assert (predicted(linear([1.0], activation="sigmoid"), x) == (x[:, 0] > 0)).all()
        inside = np.linspace(0.01, 0.4, 9)[:, None]
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        assert predicted(linear([1.0], loss=loss), inside).all()
        assert not predicted(linear([1.0]), inside).any()
        assert predicted(linear([1.0]), inside, threshold=0.3).sum() == (inside > 0.3).sum()

    def test_what_is_no_class_is_a_sentence(self):
        a = keras.Input((2,))
        with pytest.raises(ValueError, match="one output"):
            predicted(keras.Model(a, [a, a]), np.ones((2, 2)))
        with pytest.raises(ValueError, match="must be finite"):
            predicted(linear([np.nan, 1.0]), np.ones((2, 1)))

    def test_labels_in_every_shape(self):
        like = np.array([0, 2, 1])
        for y in ([0, 2, 1], [[0], [2], [1]], np.eye(3)[[0, 2, 1]], [0.0, 2.0, 1.0]):
            assert (labels(y, like) == like).all()
        assert labels([[1], [0], [1]], np.array([1, 1, 1])).tolist() == [1, 0, 1]
        for y in ([0, 1], [0.5, 1, 2], ["a", "b", "c"], np.ones((3, 3, 3))):
            with pytest.raises(ValueError, match="Received"):
                labels(y, like)


@given(st.integers(0, 6), st.integers(0, 6))
def test_mcnemar_is_the_share_of_coin_tosses_at_least_as_uneven(lost, gained):
    n = lost + gained
    heads = [sum(toss) for toss in product((0, 1), repeat=n)]
    uneven = [h for h in heads if abs(2 * h - n) >= abs(lost - gained)]
    assert mcnemar(lost, gained) == pytest.approx(len(uneven) / len(heads))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_beats_bonferroni(p):
    found = holm(p)
    assert all(a <= b for a, b in zip(p, found, strict=True)) and max(found) <= 1
    assert all(b <= min(1, len(p) * a) + 1e-12 for a, b in zip(p, found, strict=True) if a == min(p))
    assert [found[i] for i in np.argsort(p)] == sorted(found)


def test_the_paired_error_is_what_resampling_gives():
    rng = np.random.default_rng(0)
    before = rng.random(400) < 0.9
    after = np.where(rng.random(400) < 0.1, ~before, before)
    rows = rng.integers(0, 400, (3000, 400))
    spread = (after[rows].mean(axis=1) - before[rows].mean(axis=1)).std()
    assert paired_error(before, after) == pytest.approx(spread, rel=0.1)
    unpaired = np.hypot(standard_error(before.sum(), 400), standard_error(after.sum(), 400))
    assert paired_error(before, after) < unpaired


def test_harm_to_one_class_is_found_and_noise_in_another_is_not():
    y = np.repeat([0, 1, 2], 100)
    before, after = y.copy(), y.copy()
    after[:30] = 1  # class 0 loses thirty
    before[100:103], after[103:106] = 0, 2  # class 1 loses three and gains three
    toll = compared(before, after, y, names=["cat", "dog", "cow"])
    assert [row.name for row in toll] == ["cat", "dog", "cow"]
    cat, dog, cow = toll
    assert (cat.before, cat.after, cat.count) == (1.0, 0.7, 100) and cat.p < 1e-6
    assert dog.change == 0 and dog.p == 1 and cow.p == 1
    assert toll.all.change == pytest.approx(-0.1)
    assert toll.lost.tolist() == [*range(30), 103, 104, 105] and toll.gained.tolist() == [100, 101, 102]
    assert len(toll.changed) == 36
    assert "loses" in repr(toll).splitlines()[1] and "within noise" in repr(toll).splitlines()[2]
    assert toll._repr_html_().count("<tr>") == 5


def test_a_pruned_model_of_the_course():
    x, y = data.digits(flat=True)[2:]
    model = models.trained("D")
    pruned = models.copy(model)
    make_masks(pruned, 0.95).apply(pruned)
    toll = who_pays(model, pruned, x, y)
    assert toll.all.before == pytest.approx(models.accuracy(model, x, y))
    assert toll.all.after == pytest.approx(models.accuracy(pruned, x, y))
    assert sum(row.count for row in toll) == len(y)
    same = who_pays(model, model, x, y)
    assert len(same.changed) == 0 and all(row.p == 1 for row in (*same, same.all))


class TestRobustness:
    def test_noise_has_the_size_it_says_and_is_the_same_for_all(self):
        x, y = data.digits(flat=True)[2:]
        change = gaussian(0.5)(x, np.random.default_rng(0)) - x
        assert change.std() == pytest.approx(0.5 * x.std(), rel=0.02) and change.dtype == x.dtype
        model = models.trained("D")
        found = robustness({"a": model, "b": model}, x, y)
        assert all((right["a"] == right["b"]).all() for right in found.values())
        assert found.accuracy("none", "a") == pytest.approx(models.accuracy(model, x, y))
        assert list(found) == ["none", "noise 0.25 σ", "noise 0.5 σ", "noise 1 σ"]
        assert found.accuracy("noise 1 σ", "a") < found.accuracy("none", "a")
        again = robustness(model, x, y)
        assert (again["noise 1 σ"]["D"] == found["noise 1 σ"]["a"]).all(), "seeded"
        assert len(repr(found).splitlines()) == 5 == found._repr_html_().count("<tr>")

    def test_images_are_shifted_and_lose_contrast(self):
        rng = np.random.default_rng(0)
        x = rng.random((3, 4, 5, 1)).astype("float32")
        moved, flat = shift(2)(x, rng), contrast(0.25)(x, rng)
        assert (moved[:, :, 2:] == x[:, :, :3]).all() and (moved[:, :, 1] == x[:, :, 0]).all()
        assert flat.mean(axis=(1, 2, 3)) == pytest.approx(x.mean(axis=(1, 2, 3)), abs=1e-6)
        assert flat.std(axis=(1, 2, 3)) == pytest.approx(0.25 * x.std(axis=(1, 2, 3)), rel=1e-4)

    def test_whole_numbers_stay_and_alone_are_refused(self):
        a, b = keras.Input((2,)), keras.Input((1,), dtype="int32")
        words = layers.Flatten()(layers.Embedding(5, 2)(b))
        seen = []

        def watching(x, rng):
            seen.append(x.shape)
            return x

        model = keras.Model([a, b], layers.Dense(2)(layers.Concatenate()([a, words])))
        x = [np.ones((4, 2), "float32"), np.ones((4, 1), int)]
        robustness(model, x, [0, 1, 0, 1], {"own": watching})
        assert seen == [(4, 2)]
        with pytest.raises(ValueError, match="tokens"):
            robustness(keras.Model(b, layers.Dense(2)(words)), x[1], [0, 1, 0, 1])
