"""Units as numbers: what a granularity does in NumPy, the graph does too."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pruning import Block, Channel, Element
from course_lib.pruning.select import top
from course_lib.pruning.topk import keep_best
from course_lib.pruning.units import Units

SHAPES = {"a/kernel": (3, 3, 2, 5), "b/kernel": (7, 4)}


@pytest.mark.parametrize("granularity", [Element(), Channel(), Block(4, 3), Block(1, 99)])
def test_spread_and_sums_agree_with_the_granularity(granularity):
    rng = np.random.default_rng(0)
    units = Units(granularity, SHAPES)
    row = rng.normal(size=units.count).astype("float32")
    weights = {path: rng.normal(size=shape).astype("float32") for path, shape in SHAPES.items()}
    for path, value in units.expand(row).items():
        np.testing.assert_array_equal(units.spread(keras.ops.convert_to_tensor(row))[path], value)
    means = units.row(granularity.pool(weights))
    np.testing.assert_allclose(np.asarray(units.sums(weights)) / units.sizes, means, atol=1e-6)
    assert units.sizes.sum() == sum(np.prod(shape) for shape in SHAPES.values())
    np.testing.assert_array_equal(units.row(units.named(row)), row)
    assert [len(u.reshape(-1)) for u in units.named(row).values()] == np.bincount(units.groups).tolist()


def test_units_that_overlap_are_refused():
    class Overlapping(Channel):
        def expand(self, keep, like):
            return {
                p: k & np.roll(k, 1) & np.ones(like[p].shape, bool)
                if k.dtype == bool
                else np.broadcast_to(k, like[p].shape)
                for p, k in keep.items()
            }

    with pytest.raises(ValueError, match="one unit. Received: granularity .*Overlapping"):
        Units(Overlapping(), SHAPES)


COMPILED = tf.function(keep_best, input_signature=[tf.TensorSpec([None]), tf.TensorSpec([], tf.int32)])
SCORES = st.lists(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-42]) | st.floats(-9, 9, width=32), min_size=1, max_size=30
)


@settings(max_examples=60)
@given(SCORES, st.data())
def test_keep_best_is_top(values, data):
    scores = np.array(values, np.float32)
    k = data.draw(st.integers(1, len(values)))
    np.testing.assert_array_equal(COMPILED(scores, k), top({"": scores}, k)[""])


def test_keep_best_of_extremes():
    scores = np.array([np.inf, -np.inf, np.finfo("f").max, -np.finfo("f").max, 0], np.float32)
    for k in range(1, 6):
        np.testing.assert_array_equal(keep_best(scores, k), top({"": scores}, k)[""])
