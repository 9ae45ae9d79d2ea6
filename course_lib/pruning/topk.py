"""The k best inside the compiled graph, where k may change from step to step."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def keep_best(scores: Any, k: Any) -> Any:
    """Exactly k of n scores: a bool tensor (n,), ties by position, as `select.top` decides.

    `scores` float32 (n,), `k` an int32 tensor in [1, n]. No gradient flows.
    """
    keys = _keys(tf.bitcast(scores, tf.int32))
    border = _kth_largest(keys, k)
    better, tied = keys > border, keys == border
    room = k - tf.math.count_nonzero(better, dtype=tf.int32)
    return better | (tied & (tf.cumsum(tf.cast(tied, tf.int32)) <= room))


def _keys(bits: Any) -> Any:
    """Integers in the order of the floats with these bits: those of negative ones turn round; −0.0 is 0.0.

    Comparing the floats would take the smallest of them for 0, as TensorFlow does.
    """
    keys = tf.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return tf.where(bits == tf.int32.min, 0, keys)


def _kth_largest(keys: Any, k: Any) -> Any:
    # By halving: 32 times count how many are as large. A sort of a million takes 5 times as long, with XLA 20
    # times, and top_k wants a k known beforehand.
    def raised(i: Any, border: Any) -> tuple:
        higher = tf.where(i == 0, 0, border + tf.bitwise.left_shift(1, 31 - i))
        enough = tf.math.count_nonzero(keys >= higher, dtype=tf.int32) >= k
        return i + 1, tf.where(enough, higher, border)

    _, border = tf.while_loop(lambda i, _: i < 32, raised, (tf.constant(0), tf.constant(tf.int32.min)))
    return border
