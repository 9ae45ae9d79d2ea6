"""StepScrubber without a browser: what it sends of the frames, and sentences for what cannot be drawn."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from course_lib.widgets import Frame, StepScrubber


def frames(*shares: float, shape: tuple[int, ...] = (4, 6), seed: int = 0) -> list[Frame]:
    """One frame a share of removed weights, nested."""
    order = np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape)
    return [Frame(i, {"dense": order >= share * order.size}, asked=share) for i, share in enumerate(shares)]


def masks_sent(widget: StepScrubber, run: int, cut: int, layer: int) -> np.ndarray:
    """A mask as the browser reads it, in the shape it is drawn in."""
    drawn = widget.layers[layer]
    packed = np.frombuffer(base64.b64decode(widget.runs[run]["cuts"][cut]["bits"][layer]), "u1")
    bits = np.unpackbits(packed)[: drawn["rows"] * drawn["columns"]]
    return bits.reshape(drawn["rows"], drawn["columns"]).astype(bool)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(0, 9),
    st.lists(st.floats(0, 1), min_size=1),
)
def test_every_mask_arrives_bit_for_bit_the_longer_side_lying(shape, seed, shares):
    made = frames(*shares, shape=tuple(shape), seed=seed)
    widget = StepScrubber({"run": made})
    (layer,), (run,) = widget.layers, widget.runs
    assert layer["columns"] >= layer["rows"]
    for frame, cut in zip(made, run["which"], strict=True):
        matrix = frame.masks["dense"].reshape(-1, shape[-1])
        expected = matrix.T if layer["turned"] else matrix
        assert np.array_equal(masks_sent(widget, 0, cut, 0), expected)
        assert run["cuts"][cut]["kept"] == [int(frame.masks["dense"].sum())]


def test_masks_that_do_not_change_are_sent_once():
    widget = StepScrubber({"run": frames(0, 0, 0.5, 0.5, 0.5, 0.75)})
    assert widget.runs[0]["which"] == [0, 0, 1, 1, 1, 2] and len(widget.runs[0]["cuts"]) == 3


def test_figures_are_kept_in_order_and_missing_ones_stay_missing():
    made = frames(0, 0.5)
    made[1] = made[1]._replace(accuracy=np.float32(0.75), zeros=0.25)
    run = StepScrubber({"run": made}).runs[0]
    assert run["asked"] == [0, 0.5] and run["zeros"] == [None, 0.25] and run["accuracy"] == [None, 0.75]


def test_what_is_shown_can_be_asked_for():
    short, long = frames(0, 0.5), frames(0, 0.25, 0.5, 0.75, seed=1)
    widget = StepScrubber({"short": short, "long": long})
    assert (widget.label, widget.step) == ("short", 0)
    widget.run, widget.at = 1, 3
    assert (widget.label, widget.step) == ("long", 3)
    assert np.array_equal(widget.masks["dense"], long[3].masks["dense"])
    widget.run = 0
    assert widget.step == 1, "the last one of a shorter run"


@pytest.mark.parametrize("name, value", [("run", 2), ("run", -1), ("at", 4), ("at", -1)])
def test_a_place_that_is_not_there_is_refused(name, value):
    widget = StepScrubber({"short": frames(0, 0.5), "long": frames(0, 0.25, 0.5, 0.75)})
    with pytest.raises(TraitError, match=f"Received: {value}"):
        setattr(widget, name, value)


def test_other_layers_in_a_later_frame_are_named():
    with pytest.raises(ValueError, match=r"same layers.*at step 0 \{'dense': \(2, 3\)\}"):
        StepScrubber({"a": frames(0), "b": frames(0, shape=(2, 3))})


def test_too_many_weights_are_refused_with_a_way_out():
    with pytest.raises(ValueError, match="Received: 250,000. Record fewer layers"):
        StepScrubber({"run": frames(0, shape=(500, 500))})


@pytest.mark.parametrize("runs", [{}, {"empty": []}])
def test_nothing_recorded_gives_a_sentence(runs):
    widget = StepScrubber(runs)
    assert widget.problem.startswith("There is nothing to scrub") and "nothing to scrub" in widget.to_html()


def test_the_static_twin_carries_its_state_and_needs_nothing():
    page = StepScrubber({"a </script> run": frames(0, 0.5)}).to_html()
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert page.count("</script>") == 1 and '"live": false' in page


def test_the_frames_given_are_not_changed():
    made = frames(0, 0.5)
    before = [frame.masks["dense"].copy() for frame in made]
    shown = StepScrubber({"run": made}).masks
    shown["dense"][:] = False
    assert all(np.array_equal(b, f.masks["dense"]) for b, f in zip(before, made, strict=True))
