"""ChannelPicker without a browser: exact sizes for any choice, measured when asked, errors said."""

from __future__ import annotations

import json
import re
from math import prod

import numpy as np
import pytest
from traitlets import TraitError

from course_lib.widgets import ChannelPicker

GROUPS = {"conv": 4, "hidden": 3}
# conv: 3×3 kernel and bias; hidden: behind two places of conv; digits: 10 units.
WEIGHTS = [
    {"uses": 64, "axes": [[9, 0, 0], [0, 1, 0]]},
    {"uses": 0, "axes": [[0, 1, 0]]},
    {"uses": 1, "axes": [[0, 2, 0], [0, 0, 1]]},
    {"uses": 1, "axes": [[0, 0, 1], [10, 0, 0]]},
]
SCORES = {"L2 norm": [[3.0, 1.0, 2.0, 0.5], [1.0, 2.0, 3.0]]}


def measured(keep):
    kept = sum(map(sum, keep))
    return {"keep": keep, "seconds": kept / 1000, "whole": 0.007, "time": kept / 7, "accuracy": kept / 7}


def size(picker: ChannelPicker, macs: bool = False) -> int:
    """What the browser computes, written once more in Python."""
    kept = [sum(row) for row in picker.keep]
    total = 0
    for weight in picker.weights:
        long = [
            fixed + sum(m * k for m, k in zip(times, kept, strict=True)) for fixed, *times in weight["axes"]
        ]
        total += prod(long) * (weight["uses"] if macs else 1)
    return total


def test_it_starts_with_every_channel_and_measures_the_whole():
    picker = ChannelPicker(GROUPS, WEIGHTS, SCORES, measured)
    assert picker.keep == [[True] * 4, [True] * 3] and picker.removed == 0
    assert picker.exact["accuracy"] == 1 and size(picker) == 36 + 4 + 24 + 30


def test_nothing_is_measured_until_the_browser_asks():
    seen = []
    picker = ChannelPicker(GROUPS, WEIGHTS, SCORES, lambda keep: seen.append(keep) or measured(keep))
    picker.keep = [[True, False, True, False], [True, False, True]]
    assert len(seen) == 1 and picker.removed == 3
    picker.asked += 1
    assert seen[1] == picker.keep and picker.exact["seconds"] == pytest.approx(0.004)


@pytest.mark.parametrize(
    "keep", [[], [[True] * 4], [[True] * 3, [True] * 3], [[False] * 4, [True] * 3], [[True] * 4, []]]
)
def test_a_choice_that_does_not_fit_is_refused_and_changes_nothing(keep):
    picker = ChannelPicker(GROUPS, WEIGHTS, SCORES)
    with pytest.raises(TraitError, match="4, 3 bools"):
        picker.keep = keep
    assert picker.removed == 0


def test_a_group_without_channels_and_scores_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="none for: b"):
        ChannelPicker({"a": 3, "b": 0}, [], {})
    with pytest.raises(ValueError, match="Received for 'L1'"):
        ChannelPicker(GROUPS, WEIGHTS, {"L1": [[1.0], [2.0]]})


def test_a_measurement_that_fails_is_said():
    def measure(keep):
        if not all(keep[0]):
            raise RuntimeError("boom")
        return measured(keep)

    picker = ChannelPicker(GROUPS, WEIGHTS, SCORES, measure)
    picker.keep = [[True, True, True, False], [True] * 3]
    picker.asked += 1
    assert picker.problem == "Measuring failed: RuntimeError: boom" and picker.exact == {}
    picker.keep = [[True] * 4, [True] * 3]
    picker.asked += 1
    assert picker.problem == "" and picker.exact["accuracy"] == 1


def test_no_channels_give_a_sentence():
    picker = ChannelPicker({}, [], {})
    assert picker.problem.startswith("There are no channels") and "There are no channels" in picker.to_html()


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = ChannelPicker(GROUPS, WEIGHTS, SCORES, measured, {"macs": [1, 0.5], "seconds": [1, 0.7]}).to_html()
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert page.count("</script>") == 1 and '"live": false' in page and len(page) < 60_000


def nets():
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    stem = x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([layers.Conv2D(8, 1)(layers.Conv2D(6, 3, padding="same", activation="relu")(x)), stem])
    x = layers.DepthwiseConv2D(3)(x)
    residual = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    yield residual
    both = layers.Concatenate()(
        [layers.Conv2D(5, 3, name="one")(inputs), layers.Conv2D(4, 3, name="two")(inputs)]
    )
    yield keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Conv2D(7, 1)(both))))


@pytest.mark.parametrize("which", [0, 1])
def test_of_model_counts_as_the_shrunk_network_does(which):
    from course_lib.pruning import macs, parameters, shrink

    model = list(nets())[which]
    draw = np.random.default_rng(which)
    x, y = draw.normal(size=(12, 6, 6, 2)).astype("float32"), np.arange(12) % 3
    before = model.get_weights()
    picker = ChannelPicker.of_model(model, x, y)
    json.dumps([picker.weights, picker.scores, picker.grid, picker.exact])  # plain numbers
    assert size(picker) == parameters(model).total and size(picker, macs=True) == macs(model).total
    for _ in range(3):
        picker.keep = [[bool(k) for k in draw.permutation([True] + [k % 2 == 0 for k in range(len(row) - 1)])]
                       for row in picker.keep]  # fmt: skip
        small = shrink(model, picker.masks(model))
        assert size(picker) == parameters(small).total < parameters(model).total
        assert size(picker, macs=True) == macs(small).total
    picker.asked += 1
    right = np.mean(small.predict(x, verbose=0).argmax(axis=1) == y)
    assert picker.problem == "" and picker.exact["accuracy"] == pytest.approx(right)
    assert picker.exact["time"] > 0
    assert picker.exact["keep"] == picker.keep and picker.exact["seconds"] > 0 < picker.exact["whole"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
