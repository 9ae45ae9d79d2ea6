"""Kernel patterns: one of few patterns a kernel, against a loop over kernels and patterns."""

from collections import Counter

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import Channel, make_masks, patterns

SEEDS = st.integers(0, 2**32 - 1)
WINDOWS = st.sampled_from([(3, 3), (1, 5), (2, 4), (5, 5)])


def drawn(shape, seed):
    """Scores in quarters: many are equal, and sums are exact."""
    return np.abs(np.round(np.random.default_rng(seed).normal(size=shape) * 4) / 4).astype("float32")


def kernels_of(array):
    """{(input, output): flat window}."""
    return {place: array[(..., *place)].ravel() for place in np.ndindex(array.shape[2:])}


def naive_set(arrays, entries, kinds, window):
    """The most common natural patterns as tuples of bools; of equally common ones, as bits come first."""
    centre, found = window[0] // 2 * window[1] + window[1] // 2, Counter()
    for array in arrays:
        for kernel in kernels_of(array).values():
            others = sorted((p for p in range(kernel.size) if p != centre), key=lambda p, k=kernel: -k[p])
            chosen = {centre, *others[: entries - 1]}
            found[tuple(p in chosen for p in range(kernel.size))] += 1
    return sorted(found, key=lambda pattern: (-found[pattern], pattern))[:kinds]


@settings(max_examples=60)
@given(WINDOWS, st.integers(1, 5), st.integers(1, 9), st.integers(1, 4), st.integers(1, 5), SEEDS)
def test_each_kernel_takes_the_best_pattern_of_the_set(window, entries, kinds, inputs, outputs, seed):
    if entries == window[0] * window[1]:
        entries -= 1
    units = {"a": drawn((*window, inputs, outputs), seed), "b": drawn((*window, outputs, 2), seed + 1)}
    before = {path: u.copy() for path, u in units.items()}
    keep = patterns(entries, kinds)(units, None)
    allowed = naive_set(units.values(), entries, kinds, window)
    for path, array in units.items():
        for place, kernel in kernels_of(array).items():
            sums = [kernel[list(pattern)].sum() for pattern in allowed]
            assert tuple(keep[path][(..., *place)].ravel()) == allowed[int(np.argmax(sums))]
        assert np.array_equal(array, before[path])


def test_by_hand():
    """Three kernels want the cross's upper arm, one wants a corner: with one pattern all take the arm."""
    scores = np.zeros((3, 3, 1, 4), "float32")
    scores[0, 1] = 5
    scores[:, :, 0, 3] = [[9, 1, 0], [0, 0, 0], [0, 0, 0]]
    one, two = (patterns(2, kinds)({"w": scores}, None)["w"] for kinds in (1, 2))
    arm, corner = np.zeros((2, 3, 3), bool)
    arm[0, 1] = arm[1, 1] = corner[0, 0] = corner[1, 1] = True
    assert all(np.array_equal(one[..., 0, k], arm) for k in range(4))
    assert [np.array_equal(two[..., 0, k], corner) for k in range(4)] == [False, False, False, True]


def test_windows_of_other_sizes_have_their_own_patterns_and_the_rest_stays_whole():
    units = {
        "conv3": drawn((3, 3, 2, 3), 0),
        "conv5": drawn((5, 5, 2, 3), 1),
        "conv1": drawn((1, 1, 2, 3), 2),
        "dense": drawn((6, 4), 3),
    }
    keep = patterns()(units, None)
    assert list(keep) == list(units)
    assert (keep["conv3"].sum(axis=(0, 1)) == 4).all() and (keep["conv5"].sum(axis=(0, 1)) == 4).all()
    assert keep["conv1"].all() and keep["dense"].all()


@given(SEEDS)
def test_kernels_avoid_the_dead(seed):
    scores = drawn((3, 3, 4, 5), seed)
    scores[0] = -np.inf
    keep = patterns(4, 100)({"w": scores}, None)["w"]
    assert not keep[0].any() and (keep.sum(axis=(0, 1)) == 4).all()
    assert patterns()({"w": np.full((3, 3, 1, 1), -np.inf)}, None)["w"].sum() == 4


def test_one_dead_place_outweighs_any_score():
    """Two kernels want the left pattern and two the right; left the fifth has its 9 and a dead place."""
    left, right, torn = [3, 2, 0, 1, 1], [1, 1, 0, 3, 2], [-np.inf, 9, 0, 0.1, 0]
    scores = np.array([left, left, right, right, torn]).T.reshape(1, 5, 1, 5)
    keep = patterns(3, 2)({"w": scores}, None)["w"][0, :, 0]
    assert keep.T.astype(int).tolist() == [[1, 1, 1, 0, 0]] * 2 + [[0, 0, 1, 1, 1]] * 3


def test_on_a_model_and_among_earlier_masks():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(8, 3, name="conv")(inputs))
    masks = make_masks(model, None, scope=patterns())
    kernels = {tuple(k) for k in kernels_of(masks["conv/kernel"]).values()}
    assert masks["conv/kernel"].sum() == 4 * 24 and len(kernels) <= 8
    channels = make_masks(model, 0.5, granularity=Channel(), among=masks)
    assert channels["conv/kernel"].sum() == 4 * 12
    again = make_masks(model, None, scope=patterns(), among=channels)
    assert np.array_equal(again["conv/kernel"], channels["conv/kernel"])


@pytest.mark.parametrize("numbers", [(0, 8), (4, 0), (2.5, 8)])
def test_bad_numbers(numbers):
    with pytest.raises(ValueError, match=f"at least 1. Received: {numbers[0]}, {numbers[1]}"):
        patterns(*numbers)


def test_what_patterns_cannot_do():
    conv = np.ones((3, 3, 1, 1))
    with pytest.raises(ValueError, match="pass None. Received: 0.5"):
        patterns()({"w": conv}, 0.5)
    with pytest.raises(ValueError, match=r"needs single weights.*Received: 'w' \(7,\)"):
        patterns()({"w": np.ones(7)}, None)
    with pytest.raises(ValueError, match="'w'.*NaN"):
        patterns()({"w": conv * np.nan}, None)
