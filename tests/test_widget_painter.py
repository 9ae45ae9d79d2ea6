"""MaskPainter without a browser: the mask as an array, buttons made by the engine, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from traitlets import TraitError

from course_lib.widgets import MaskPainter

WEIGHTS = np.random.default_rng(0).normal(size=(8, 12))


def test_it_starts_whole_and_gives_the_mask_as_an_array():
    painter = MaskPainter(WEIGHTS)
    assert painter.mask.shape == (8, 12) and painter.mask.dtype == bool and painter.mask.all()
    assert list(painter.starts) == ["Keep all"]
    painted = np.random.default_rng(1).random(WEIGHTS.shape) < 0.5
    painter.keep = painted.tolist()
    assert np.array_equal(painter.mask, painted)


def test_it_draws_magnitudes_and_leaves_the_weights_alone():
    before = WEIGHTS.copy()
    painter = MaskPainter(WEIGHTS.astype("float32"))
    assert np.allclose(painter.weights, np.abs(WEIGHTS), atol=1e-6) and np.array_equal(before, WEIGHTS)


def test_the_buttons_remove_half_in_four_patterns():
    painter = MaskPainter.with_patterns(WEIGHTS)
    masks = {label: np.array(mask) for label, mask in painter.starts.items()}
    assert list(masks) == ["Keep all", "Free", "2 : 4", "Blocks", "Whole outputs"]
    assert all(mask.sum() == 48 for label, mask in masks.items() if label != "Keep all")
    free, pattern = masks["Free"], masks["2 : 4"]
    assert np.abs(WEIGHTS)[free].min() > np.abs(WEIGHTS)[~free].max()
    assert (pattern.reshape(2, 4, 12).sum(axis=1) == 2).all(), "two of four consecutive inputs"
    whole = masks["Blocks"].reshape(2, 4, 3, 4).sum(axis=(1, 3))
    assert set(whole.ravel().tolist()) == {0, 16}
    assert set(masks["Whole outputs"].sum(axis=0).tolist()) == {0, 8}


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (32, 32), (9, 2)])
def test_any_small_matrix_has_all_buttons(shape):
    painter = MaskPainter.with_patterns(np.random.default_rng(2).normal(size=shape))
    assert all(np.shape(mask) == shape and np.any(mask) for mask in painter.starts.values())


@pytest.mark.parametrize("keep", [[[True]], [[True] * 12] * 7, [[True] * 11] * 8, []])
def test_a_mask_that_does_not_fit_is_refused_and_changes_nothing(keep):
    painter = MaskPainter(WEIGHTS)
    with pytest.raises(TraitError, match="8 lists of 12 bools"):
        painter.keep = keep
    assert painter.mask.shape == (8, 12) and painter.mask.all()


@pytest.mark.parametrize("shape", [(4,), (33, 2), (2, 40), (2, 2, 2)])
def test_what_is_no_small_matrix_is_refused_with_a_way_out(shape):
    with pytest.raises(ValueError, match=r"take a corner, weights\[:16, :16\].*Received"):
        MaskPainter(np.ones(shape))


def test_a_start_of_another_shape_and_a_block_without_size_are_named():
    with pytest.raises(ValueError, match="'Mine' must have the shape of the weights"):
        MaskPainter(WEIGHTS, {"Mine": np.ones((8, 11), bool)})
    with pytest.raises(ValueError, match=r"Received: \(4, 0\)"):
        MaskPainter(WEIGHTS, block=(4, 0))


@pytest.mark.parametrize(
    "weights, words", [(np.zeros((0, 4)), "no weights"), (np.full((2, 2), np.nan), "4 of 4")]
)
def test_what_cannot_be_drawn_gives_a_sentence(weights, words):
    painter = MaskPainter(weights)
    assert words in painter.problem and painter.weights == [] and words in painter.to_html()


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = MaskPainter.with_patterns(WEIGHTS).to_html()
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert page.count("</script>") == 1 and '"live": false' in page and len(page) < 80_000


def test_a_reopened_notebook_says_how_to_load_it():
    assert repr(MaskPainter(WEIGHTS)) == "A mask to paint on 8 × 12 weights: run this cell to load it"
