"""What one unit of pruning is. A granularity has two methods that undo each other in shape:

`pool(scores) → units` turns the scores of single weights into one score a unit, and
`expand(keep, like) → masks` turns the verdict on each unit back into one on every weight of `like`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from .select import Arrays


class Granularity(Protocol):
    """What `make_masks` asks of a granularity.

    A unit's score must be positive where a weight's score is 1 and the rest 0: so `make_masks` finds the
    units that are still alive.
    """

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores of weights} → {name: scores of units}, larger = keep."""

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{name: bool of units} → {path: bool array shaped as `like[path]`}, True = kept."""


@dataclass(frozen=True)
class Element:
    """Every single weight is a unit of its own: unstructured pruning, both methods are the identity."""

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores} unchanged."""
        return scores

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{path: bool array} unchanged."""
        return keep


@dataclass(frozen=True)
class Block:
    """Blocks of rows × cols neighbours live or die together, as block-sparse (BSR) kernels want it.

    A kernel is read as the matrix its layer multiplies with: rows are all axes but the last, columns the
    last. So a Dense kernel is (in, out) and a Conv2D kernel (height · width · in, out), in which a block
    taller than the input channels reaches into the next position of the window. Units of an R × C matrix:
    ⌈R / rows⌉ × ⌈C / cols⌉; blocks at the lower and right edge may be smaller. A block's score is the mean
    (or max) over the entries it really has, so that small blocks compete fairly; a sparsity counts blocks.

    The same masks as tfmot's `block_size` and `block_pooling_type`, which takes matrices only, wherever its
    padding is at most one row and one column. Beyond that tfmot centres its padding when it pools but not
    when it masks: it scores other weights than it prunes.
    Raises: ValueError for a size that is no positive integer, or another pooling.
    """

    rows: int
    cols: int
    pooling: Literal["mean", "max"] = "mean"

    def __post_init__(self) -> None:
        sizes = (self.rows, self.cols)
        if not all(isinstance(size, int | np.integer) and size >= 1 for size in sizes):
            raise ValueError(f"Block(rows, cols) needs whole numbers of at least 1. Received: {sizes}.")
        if self.pooling not in ("mean", "max"):
            raise ValueError(f'pooling must be "mean" or "max". Received: {self.pooling!r}.')

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores} → {path: one score a block}, float32 (float64 where the scores are)."""
        return {path: self._pooled(_matrix(s)) for path, s in scores.items()}

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{path: bool of blocks} → {path: bool array}, the same value all over a block."""
        return {path: self._expanded(k, like[path]) for path, k in keep.items()}

    def _pooled(self, matrix: np.ndarray) -> np.ndarray:
        # reduceat takes ragged blocks as they are; padding would copy the scores and bend the mean.
        reduce = (np.maximum if self.pooling == "max" else np.add).reduceat
        kind = np.result_type(np.float32, matrix)
        (down, across), (rows, cols) = self._starts(matrix), self._lengths(matrix)
        units = reduce(reduce(matrix, down, axis=0, dtype=kind), across, axis=1)
        if self.pooling == "mean":
            units /= rows[:, None] * cols
        return units

    def _expanded(self, keep: np.ndarray, like: np.ndarray) -> np.ndarray:
        rows, cols = self._lengths(_matrix(like))
        return keep.repeat(rows, axis=0).repeat(cols, axis=1).reshape(like.shape)

    def _starts(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(0, matrix.shape[0], self.rows), np.arange(0, matrix.shape[1], self.cols)

    def _lengths(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many rows and columns the blocks really have: all alike but the last."""
        down, across = self._starts(matrix)
        return np.diff(down, append=matrix.shape[0]), np.diff(across, append=matrix.shape[1])


@dataclass(frozen=True)
class Channel:
    """All weights that make one output channel (Dense: one neuron) live or die together.

    The output channel is the last axis: true of Dense, Conv and pointwise kernels. It is not of DepthwiseConv
    (there it is the multiplier) and Conv2DTranspose (the input channel): leave those out with `within`. A
    channel's score is the mean over its weights, so that channels of wide and narrow layers compete fairly;
    within a layer it ranks as the L1 norm does for `magnitude(1)` (Li et al. 2017, arXiv:1608.08710), as the
    L2 norm for `magnitude(2)`. Layers are uncoupled: biases and the next layer's inputs stay.
    """

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores (…, channels)} → {path: scores (channels,)}, float64."""
        return {path: _matrix(s).mean(axis=0, dtype=np.float64) for path, s in scores.items()}

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{path: bool (channels,)} → {path: bool array (…, channels)}."""
        return {path: np.broadcast_to(k, like[path].shape).copy() for path, k in keep.items()}


def _matrix(scores: np.ndarray) -> np.ndarray:
    """(…, channels) → (rows, channels), as a convolution unrolled to a matrix product sees its kernel."""
    return scores.reshape(-1, scores.shape[-1])
