"""ThresholdHistogram without a browser: exact counts, levels, sentences for what cannot be drawn."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from course_lib.widgets import ThresholdHistogram

WEIGHTS = np.random.default_rng(0).normal(size=(40, 50)).astype("float32")


def test_counts_cover_every_weight_and_stand_astride_zero():
    histogram = ThresholdHistogram(WEIGHTS)
    assert sum(histogram.counts) == histogram.total == 2000
    assert len(histogram.counts) % 2 == 1
    assert histogram.top == np.abs(WEIGHTS).max()


@pytest.mark.parametrize(
    "weights", [WEIGHTS, [WEIGHTS[:10], WEIGHTS[10:]], {"a": WEIGHTS[:7], "b": WEIGHTS[7:]}]
)
def test_array_list_and_dict_draw_alike(weights):
    assert ThresholdHistogram(weights).counts == ThresholdHistogram(WEIGHTS).counts


@pytest.mark.parametrize(
    "threshold", [0.0, 0.1, float(np.abs(WEIGHTS).ravel()[3]), float(np.abs(WEIGHTS).max())]
)
def test_moving_the_threshold_gives_exact_figures(threshold):
    histogram = ThresholdHistogram(WEIGHTS)
    histogram.threshold = threshold
    assert histogram.exact == {"threshold": threshold, "sparsity": np.mean(np.abs(WEIGHTS) <= threshold)}


def test_levels_rise_from_nothing_to_everything():
    levels = ThresholdHistogram(WEIGHTS).levels
    assert levels["threshold"][0] == 0 and levels["sparsity"][0] == 0 and levels["sparsity"][-1] == 1
    assert np.all(np.diff(levels["threshold"]) >= 0) and np.all(np.diff(levels["sparsity"]) >= 0)
    assert levels["sparsity"][10] == pytest.approx(0.5)


def test_zeros_among_the_weights_are_removed_at_threshold_zero():
    histogram = ThresholdHistogram(np.where(np.abs(WEIGHTS) > 1, WEIGHTS, 0))
    assert histogram.exact["sparsity"] == np.mean(np.abs(WEIGHTS) <= 1)
    assert np.all(np.diff(histogram.levels["sparsity"]) >= 0)


def test_measured_figures_join_the_exact_ones():
    histogram = ThresholdHistogram(WEIGHTS, lambda t: {"bytes": 100 - t, "accuracy": 0.5})
    histogram.threshold = 1.0
    assert histogram.exact["bytes"] == 99 and histogram.exact["accuracy"] == 0.5
    assert set(histogram.levels) == {"threshold", "sparsity", "bytes", "accuracy"}


def test_a_measurement_that_fails_while_dragging_is_said():
    def measure_at(threshold):
        if threshold == 0.123:
            raise RuntimeError("boom")
        return {"bytes": 1}

    histogram = ThresholdHistogram(WEIGHTS, measure_at)
    histogram.threshold = 0.123
    assert histogram.problem == "Measuring at 0.123 failed: RuntimeError: boom"
    histogram.threshold = 0.2
    assert histogram.problem == ""


@pytest.mark.parametrize(
    "weights, sentence",
    [
        ([], "There are no weights"),
        (np.zeros((0, 3)), "There are no weights"),
        ({}, "There are no weights"),
        (np.array([1.0, np.nan, np.inf]), "2 of 3 weights are not finite"),
        (np.full(9, 0.25), "All 9 weights are 0.25"),
    ],
)
def test_what_cannot_be_drawn_gives_a_sentence(weights, sentence):
    histogram = ThresholdHistogram(weights)
    assert histogram.problem.startswith(sentence) and histogram.counts == []
    assert sentence in histogram.to_html()
    assert "run this cell to load it" in repr(histogram)


def test_weights_are_not_sent_nor_changed():
    weights = np.random.default_rng(1).normal(size=200_000)
    before = weights.copy()
    histogram = ThresholdHistogram(weights)
    assert (
        len(json.dumps({name: getattr(histogram, name) for name in histogram.keys if name != "layout"}))
        < 60_000
    )
    assert np.array_equal(weights, before)


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = ThresholdHistogram(WEIGHTS, lambda t: {"bytes": 9}).to_html()
    addresses = set(re.findall(r"https?://[^\s\"'\\]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a namespace, not a place
    assert page.count("</script>") == 1 and '"live": false' in page


def test_of_model_measures_a_copy():
    pytest.importorskip("course_lib.pruning.measure")
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16), keras.layers.Dense(3)])
    x, y = np.random.default_rng(0).normal(size=(30, 8)), np.arange(30) % 3
    before = model.get_weights()
    histogram = ThresholdHistogram.of_model(model, x, y)
    histogram.threshold = 0.2
    kernels = np.concatenate([np.abs(w).ravel() for w in before if w.ndim == 2])
    assert histogram.total == kernels.size
    assert histogram.exact["sparsity"] == pytest.approx(np.mean(kernels <= np.float32(0.2)))
    predicted = model.predict(x, verbose=0).argmax(1)
    assert histogram.levels["accuracy"][0] == pytest.approx(np.mean(predicted == y))
    assert histogram.levels["bytes"][-1] < histogram.levels["bytes"][0]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
