"""Units inside the graph: a granularity as numbers, so that penalties and gates can be differentiated.

A granularity works on NumPy arrays. Here it is asked once which weight belongs to which unit; from then on
"the norm of every unit" is a segment sum and "the gate of its unit for every weight" a gather.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import keras
import numpy as np

from .granularity import Granularity
from .select import Arrays

ops = keras.ops


class Units:
    """The n units that a granularity makes of variables of given shapes, numbered in one row.

    `names` {name: shape} as `pool` has them, one after the other in the row; `index` {path: int32 array of
    the variable's shape}, the number of the unit of each weight; `sizes` (n,), how many weights each has;
    `groups` (n,), the number of the name each belongs to ("layer", for all granularities of one tensor each).
    Raises: ValueError if a granularity puts a weight into several units at once, as coupled channels do.
    """

    def __init__(self, granularity: Granularity, shapes: Mapping[str, tuple[int, ...]]) -> None:
        like = {path: np.ones(shape, np.float32) for path, shape in shapes.items()}
        self.granularity, self.like = granularity, like
        self.names = {name: np.shape(units) for name, units in granularity.pool(like).items()}
        lengths = [prod(shape) for shape in self.names.values()]
        self.count = sum(lengths)
        self.groups = np.repeat(np.arange(len(lengths)), lengths)
        self.index = {p: np.asarray(i, np.int32) for p, i in self.expand(np.arange(self.count)).items()}
        self._check()
        self.members = np.concatenate([i.reshape(-1) for i in self.index.values()])
        self.sizes = np.bincount(self.members, minlength=self.count)

    def named(self, row: np.ndarray) -> Arrays:
        """A row (n,) as {name: array}, the form that scopes take."""
        ends = np.cumsum([prod(shape) for shape in self.names.values()])[:-1]
        parts = np.split(np.asarray(row), ends)
        return {n: part.reshape(shape) for (n, shape), part in zip(self.names.items(), parts, strict=True)}

    def row(self, named: Arrays) -> np.ndarray:
        """{name: array} as a row (n,): the inverse of `named`."""
        return np.concatenate([np.asarray(named[name]).reshape(-1) for name in self.names])

    def expand(self, row: np.ndarray) -> Arrays:
        """A NumPy row (n,) as {path: array}, the value of its unit at every weight."""
        return self.granularity.expand(self.named(row), self.like)

    def spread(self, row: Any) -> dict[str, Any]:
        """A tensor (n,) as {path: tensor}, the value of its unit at every weight; gradients flow back."""
        if self._single:  # every weight a unit: no gather
            spans = {path: (i.flat[0], i.flat[0] + i.size) for path, i in self.index.items()}
            return {p: ops.reshape(row[a:b], self.index[p].shape) for p, (a, b) in spans.items()}
        return {path: ops.take(row, index) for path, index in self.index.items()}

    def sums(self, values: Mapping[str, Any]) -> Any:
        """{path: tensor} → (n,), the sum over the weights of each unit."""
        flat = ops.concatenate([ops.reshape(values[path], (-1,)) for path in self.index])
        return flat if self._single else ops.segment_sum(flat, self.members, num_segments=self.count)

    def norms(self, values: Mapping[str, Any]) -> Any:
        """{path: tensor} → (n,), the Euclidean norm of each unit, with gradient 0 where it is 0."""
        squares = self.sums({path: ops.square(v) for path, v in values.items()})
        alive = squares > 0
        # The root has an infinite slope at 0, and infinity · 0 is NaN: so it never sees a 0.
        return ops.where(alive, ops.sqrt(ops.where(alive, squares, 1.0)), 0.0)

    @property
    def _single(self) -> bool:
        return self.members.size == self.count and bool((self.members == np.arange(self.count)).all())

    def _check(self) -> None:
        draw = np.random.default_rng(0)
        for _ in range(3):  # two different rules agree by chance on three draws of a large model: never
            keep = draw.random(self.count) < 0.5
            masks = self.expand(keep)
            if not all(np.array_equal(masks[path], keep[i]) for path, i in self.index.items()):
                raise ValueError(
                    "Here every weight must belong to one unit. "
                    f"Received: granularity {self.granularity!r}, in which some depend on several."
                )
