"""A gate that shares out attention among the units of a layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .units import Units

ops = keras.ops


class Attention(keras.layers.Layer):
    """Softmax attention over the units of each layer: units win at the expense of the others.

    The key of a unit is its own weights, k_u = w_u / (root mean square of its layer); each layer learns one
    query q, as long as a unit. Scores z_u = q · k_u / √length, gates n · softmax(z)_u: they sum to the number
    n of units and are all exactly 1 at first (q = 0). The loss grows by `strength` times the mean entropy of
    the layers' softmax, over log n: low entropy means few units. Softmax never reaches 0: attention ranks the
    units and makes the losers small, and `harden` cuts them at the sparsity it is given.
    Raises: ValueError from `start` for single weights as units, which have nothing a query could tell apart.
    """

    def __init__(self, strength: float, rate: float = 10) -> None:
        super().__init__(dtype="float32", autocast=False)
        if not (np.isfinite(strength) and strength >= 0 and rate > 0):
            raise ValueError(f"strength must be ≥ 0, rate > 0. Received: {strength}, {rate}.")
        self.strength, self.rate = float(strength), float(rate)

    def start(self, model: keras.Model, units: Units) -> None:
        """A query of zeros for each layer, as long as its longest unit."""
        if units.sizes.max() == 1:
            raise ValueError(
                "Attention compares units of several weights: use Channel() or Block(rows, cols). "
                f"Received: {units.granularity!r}."
            )
        self.units, self.lengths = units, np.bincount(units.groups)
        longest = np.array([units.sizes[units.groups == g].max() for g in range(len(self.lengths))])
        begins = np.cumsum(longest) - longest
        # Where in the row of queries each weight looks: its layer's begin, plus its place within its unit.
        order = np.argsort(units.members, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(order.size) - (np.cumsum(units.sizes) - units.sizes)[units.members[order]]
        self.places = (begins[units.groups[units.members]] + place).astype(np.int32)
        self.queries = self.add_weight(shape=(int(longest.sum()),), initializer="zeros", name="queries")

    def call(self, weights: dict, step: Any) -> Any:
        """(n,) gates > 0 with mean 1 in each layer."""
        scores, gates, entropies = self._scores(weights), [], []
        ends = np.cumsum(self.lengths)
        for begin, end in zip(ends - self.lengths, ends, strict=True):
            z = scores[begin:end] - ops.stop_gradient(ops.max(scores[begin:end]))
            gate = ops.exp(z) / ops.mean(ops.exp(z))  # n · softmax, and exactly 1 where all are equal
            entropy = ops.log(ops.sum(ops.exp(z))) - ops.mean(gate * z)
            gates.append(gate)
            entropies.append(entropy / np.log(max(end - begin, 2)))
        self.add_loss(self.strength * sum(entropies) / len(entropies))
        return ops.concatenate(gates)

    def _scores(self, weights: dict) -> Any:
        units = self.units
        flat = ops.stop_gradient(ops.concatenate([ops.reshape(weights[p], (-1,)) for p in units.index]))
        groups, count = units.groups[units.members], len(self.lengths)
        squares = ops.segment_sum(ops.square(flat), groups, num_segments=count)
        scale = ops.sqrt(squares / np.bincount(groups).astype(np.float32)) + keras.config.epsilon()
        products = flat / ops.take(scale, groups) * ops.take(self.queries * self.rate, self.places)
        dots = ops.segment_sum(products, units.members, num_segments=units.count)
        return dots / np.sqrt(units.sizes).astype(np.float32)
