"""Norms of coupled units: their slices lie in several weights, and a weight may be in those of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

ops = keras.ops
Parts = list[tuple[int, np.ndarray]]


class Coupled:
    """The n units that have these slices, {path: [(axis, unit at each place of it, or −1)]}.

    `shapes` are those of the weights, {path: shape}; `sizes` (n,) says how many weights each unit has.
    """

    def __init__(self, slices: Mapping[str, Parts], shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.slices = slices
        self.count = 1 + max(int(units.max()) for parts in slices.values() for _, units in parts)
        ones = {path: np.broadcast_to(np.float32(1), shapes[path]) for path in slices}
        self.sizes = np.asarray(self._squares(ones))

    def norms(self, values: Mapping[str, Any]) -> Any:
        """{path: tensor} → the Euclidean norm of each unit over all its slices, (n,); gradient 0 at 0."""
        squares = self._squares(values)
        alive = squares > 0
        # The root has an infinite slope at 0, and infinity · 0 is NaN: so it never sees a 0.
        return ops.where(alive, ops.sqrt(ops.where(alive, squares, 1.0)), 0.0)

    def _squares(self, values: Mapping[str, Any]) -> Any:
        total = 0.0
        for path, parts in self.slices.items():
            named, square = [axis for axis, _ in parts], ops.square(ops.cast(values[path], "float32"))
            square = ops.sum(square, axis=[i for i in range(len(square.shape)) if i not in named])
            for i, (_, units) in enumerate(parts):
                rest = [j for j in range(len(parts)) if j != i]
                along = ops.sum(square * _first(parts, i), axis=rest)
                # Places of no unit are summed into one more, which is cut off.
                places = np.where(units < 0, self.count, units).astype("int32")
                total += ops.segment_sum(along, places, num_segments=self.count + 1)[: self.count]
        return total


def _first(parts: Parts, i: int) -> Any:
    """0 where an axis before leads to the same unit: a weight that makes and uses one channel counts once."""
    factor = np.float32(1)
    for j, (_, other) in enumerate(parts[:i]):
        shape = [1] * len(parts)
        mine, theirs = (shape[:k] + [-1] + shape[k + 1 :] for k in (i, j))
        factor = factor * (parts[i][1].reshape(mine) != other.reshape(theirs)).astype("float32")
    return factor
