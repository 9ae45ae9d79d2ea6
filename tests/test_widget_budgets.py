"""LayerBudgets without a browser: exact counts, each layer alone, sentences for what cannot be drawn."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from traitlets import TraitError

from course_lib.widgets import LayerBudgets

SIZES = {"a/kernel": 40, "b/kernel": 1000, "c/kernel": 7}


def mean_kept(table: dict[str, float]) -> float:
    return 1 - sum(table.values()) / len(table)


def test_it_starts_with_equal_shares_of_one_budget():
    split = LayerBudgets(SIZES, 0.8)
    assert split.table == {"a/kernel": 0.8, "b/kernel": 0.8, "c/kernel": 0.8}
    assert split.budget == round(1047 * 0.2)
    assert split.exact == {"shares": [0.8, 0.8, 0.8], "kept": [8, 200, 1]}
    assert split.starts == {"Equal shares": [0.8, 0.8, 0.8]} and split.curves == []


def test_moved_shares_give_exact_counts_and_accuracy():
    split = LayerBudgets(SIZES, 0.5, mean_kept)
    split.shares = [0.0, 0.25, 0.99]
    assert split.exact["kept"] == [40, 750, 1]
    assert split.exact["accuracy"] == pytest.approx(mean_kept(split.table))
    assert split.table == {"a/kernel": 0.0, "b/kernel": 0.25, "c/kernel": 0.99}


def test_each_curve_prunes_one_layer_alone():
    seen = []
    split = LayerBudgets(SIZES, 0.5, lambda table: seen.append(table) or mean_kept(table))
    alone = [table for table in seen if sum(share > 0 for share in table.values()) <= 1]
    assert len(alone) == len(SIZES) * len(split.levels) == len(seen) - 1
    assert all(curve == pytest.approx([1 - s / 3 for s in split.levels]) for curve in split.curves)


@pytest.mark.parametrize(
    "shares", [[0.5, 0.5], [0.5, 0.5, 1.0], [-0.1, 0.5, 0.5], ["a", 0, 0], [np.nan, 0, 0]]
)
def test_shares_that_do_not_fit_are_refused_and_change_nothing(shares):
    split = LayerBudgets(SIZES)
    with pytest.raises(TraitError, match="3 numbers from 0 to 0.99"):
        split.shares = shares
    assert split.shares == [0.8] * 3


@pytest.mark.parametrize(
    "sparsity, words", [(80, "Did you mean 0.8"), (-0.1, "Received: -0.1"), ("x", "'x'")]
)
def test_a_sparsity_that_is_none_is_refused(sparsity, words):
    with pytest.raises(ValueError, match=words):
        LayerBudgets(SIZES, sparsity)


def test_a_layer_without_weights_is_named():
    with pytest.raises(ValueError, match="none for: b"):
        LayerBudgets({"a": 3, "b": 0})


def test_a_measurement_that_fails_while_dragging_is_said():
    def accuracy_of(table):
        if table["a/kernel"] == 0.123:
            raise RuntimeError("boom")
        return 0.5

    split = LayerBudgets(SIZES, 0.5, accuracy_of)
    split.shares = [0.123, 0.5, 0.5]
    assert split.problem == "Measuring failed: RuntimeError: boom"
    split.shares = [0.1, 0.5, 0.5]
    assert split.problem == ""


def test_no_layers_give_a_sentence():
    split = LayerBudgets({})
    assert split.problem.startswith("There are no layers") and "There are no layers" in split.to_html()


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = LayerBudgets(SIZES, 0.5, mean_kept).to_html()
    assert not re.findall(r"https?://(?!www.w3.org/2000/svg)", page)
    assert page.count("</script>") == 1 and '"live": false' in page and len(page) < 60_000


def test_of_model_measures_a_copy_and_agrees_with_the_engine():
    import keras

    from course_lib.pruning import make_masks, per_layer

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(16, name="one"), keras.layers.Dense(3, name="two")]
    model = keras.Sequential([keras.Input((8,)), *layers])
    layers[1].kernel.assign(3 * layers[1].kernel)
    x, y = np.random.default_rng(0).normal(size=(60, 8)), np.arange(60) % 3
    before = model.get_weights()
    split = LayerBudgets.of_model(model, x, y, 0.5)
    assert split.names == ["one/kernel", "two/kernel"] and split.sizes == [128, 48]
    json.dumps(split.starts)  # plain numbers
    for label in ("Equal shares", "One threshold"):
        split.shares = split.starts[label]
        masks = make_masks(model, None, scope=per_layer(split.table))
        assert split.exact["kept"] == [int(mask.sum()) for mask in masks.values()]
        assert abs(sum(split.exact["kept"]) - split.budget) <= 1
        pruned = keras.models.clone_model(model)
        pruned.set_weights(before)
        masks.apply(pruned)
        assert split.exact["accuracy"] == pytest.approx(np.mean(pruned.predict(x, verbose=0).argmax(1) == y))
    assert split.starts["One threshold"][1] < split.starts["One threshold"][0], "larger weights are spared"
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
