"""The plan of memory: equal to a brute-force simulation and to hand counts."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import models
from course_lib.pruning import Channels, make_masks, planned_memory, raw_bytes, shrink
from course_lib.pruning.card.alone import status

layers = keras.layers


@settings(max_examples=15)
@given(widths=st.lists(st.integers(1, 40), min_size=2, max_size=6), relu=st.booleans())
def test_of_a_chain_the_largest_two_neighbours_live_at_once(widths, relu):
    """Biases and activations are written in place, so that a layer is its input and its output."""
    inside = [layers.Dense(w, activation="relu" if relu else None) for w in widths[1:]]
    found = planned_memory(keras.Sequential([keras.Input((widths[0],)), *inside]))
    pairs = zip(widths, widths[1:], strict=False)
    assert found.peak == 4 * max(a + b for a, b in pairs)
    assert found.total == 4 * sum(widths)


def test_a_shortcut_lives_until_it_is_added():
    x = keras.Input((100,))
    start = layers.Dense(30, name="start")(x)
    inner = layers.Dense(20, name="narrow")(layers.Dense(200, name="wide")(start))
    found = planned_memory(keras.Model(x, layers.Concatenate()([start, inner])))
    assert found.peak == 4 * (30 + 200 + 20) and "narrow" in found.at


def test_reshapes_take_no_room_and_swish_keeps_its_input():
    chain = [keras.Input((4, 6)), layers.Flatten(), layers.Reshape((6, 4)), layers.Flatten()]
    found = planned_memory(keras.Sequential(chain))
    assert (found.peak, found.total, found.weights) == (96, 96, 0)
    swish = planned_memory(
        keras.Sequential([keras.Input((10,)), layers.Dense(50), layers.Activation("swish")])
    )
    assert swish.peak == 4 * 100, "x and sigmoid(x) are both needed for x · sigmoid(x)"


def test_the_course_model_by_hand():
    """In the second convolution of a block: the shortcut, the input and the output, 8 × 8 × 16 each."""
    found = planned_memory(models.residual_digits())
    assert found.peak == 3 * 8 * 8 * 16 * 4 and "block_1_b_conv" in found.at
    assert found.weights == raw_bytes(models.residual_digits())
    assert found.for_batch(32) == found.weights + 32 * found.peak


def test_zeros_save_no_memory_and_surgery_does():
    model = models.residual_digits()
    channels = Channels(model)
    masks = make_masks(model, 0.5, granularity=channels, scope=lambda units, s: {
        name: np.arange(len(scores)) < len(scores) // 2 for name, scores in units.items()
    })  # fmt: skip
    small = planned_memory(shrink(model, masks))
    whole = planned_memory(model)
    masks.apply(model)
    assert planned_memory(model) == whole
    assert small.peak == whole.peak // 2


def test_open_sizes_need_an_example_and_a_batch_is_divided_out():
    model = keras.Sequential([keras.Input((None, 3)), layers.Conv1D(5, 3, padding="same")])
    with pytest.raises(ValueError, match="Pass an example"):
        planned_memory(model)
    assert planned_memory(model, np.ones((4, 7, 3))).peak >= 4 * 7 * (3 + 5)
    fixed = keras.Sequential([keras.Input((6,), batch_size=5), layers.Dense(4)])
    assert planned_memory(fixed).peak == 4 * 10


def test_a_process_knows_how_large_it_is():
    before = status("VmRSS")
    ballast = np.ones(16 * 2**20)
    assert status("VmRSS") - before > 0.9 * ballast.nbytes
