"""Gates: how much of each unit passes, learned by gradient descent with the weights. For `LearnedMasks`.

A gate is a Keras layer with two methods. `start(model, units)` makes its parameters for the n `units` of a
model; `gate(weights, step=...)` gives n gate values from {path: weights as float32}, and may add a loss.
The weights are then multiplied by the gate of their unit. `rate`: how many times faster than with Adam's
learning rate the gates' parameters learn. `strength` penalties are in units of the loss, for the whole model.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .units import Units

ops = keras.ops


class HardConcrete(keras.layers.Layer):
    """Random gates in [0, 1] that are exactly 0 with a learned probability: L0 (Louizos et al. 2018).

    arXiv:1712.01312. While training s = σ((log u − log(1 − u) + log α) / β), u uniform, and the gate is
    s · (ζ − γ) + γ cut to [0, 1]; else the same with s = σ(log α). The loss grows by `strength` times the
    expected share of weights whose gate is not 0, P(gate ≠ 0) = σ(log α − β · log(−γ/ζ)).
    `start`: log α at first; 3 lets 0.99 through.
    """

    def __init__(
        self, strength: float, rate: float = 10, start: float = 3.0, seed: int | None = None
    ) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.strength, self.rate = positive("strength", strength), positive("rate", rate)
        self.first, self.random = start, keras.random.SeedGenerator(seed)
        self.beta, self.gamma, self.zeta = 2 / 3, -0.1, 1.1

    def start(self, model: keras.Model, units: Units) -> None:
        """All log α alike."""
        self.log_alpha = parameter(self, (units.count,), self.first / self.rate, "log_alpha")
        self.shares = (units.sizes / units.sizes.sum()).astype(np.float32)

    def call(self, weights: dict, step: Any, training: bool | None = None) -> Any:
        """(n,) gates in [0, 1], random while training."""
        log_alpha = self.log_alpha * self.rate
        self.add_loss(self.strength * ops.sum(self.shares * self.open(log_alpha)))
        if training:
            u = keras.random.uniform(log_alpha.shape, 1e-6, 1 - 1e-6, seed=self.random)
            log_alpha = (ops.log(u) - ops.log(1 - u) + log_alpha) / self.beta
        return ops.clip(ops.sigmoid(log_alpha) * (self.zeta - self.gamma) + self.gamma, 0.0, 1.0)

    def open(self, log_alpha: Any) -> Any:
        """The probability that a gate is not 0."""
        return ops.sigmoid(log_alpha - self.beta * float(np.log(-self.gamma / self.zeta)))


class Sigmoid(keras.layers.Layer):
    """σ(a) for every unit, pushed down by `strength` times the mean gate: the naive gate, and the control.

    It is never 0. Pruning must cut gates that are still open, and the accuracy falls with them: the
    hardening gap, see `harden`. `start`: a at first; 3 lets 0.95 through.
    """

    def __init__(self, strength: float, rate: float = 10, start: float = 3.0) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.strength, self.rate, self.first = positive("strength", strength), positive("rate", rate), start

    def start(self, model: keras.Model, units: Units) -> None:
        """All gates alike."""
        self.logits = parameter(self, (units.count,), self.first / self.rate, "logits")
        self.shares = (units.sizes / units.sizes.sum()).astype(np.float32)

    def call(self, weights: dict, step: Any) -> Any:
        """(n,) gates in (0, 1)."""
        gates = ops.sigmoid(self.logits * self.rate)
        self.add_loss(self.strength * ops.sum(self.shares * gates))
        return gates


class LearnedThreshold(keras.layers.Layer):
    """Soft thresholds, one learned for each layer: STR (Kusupati et al. 2020, arXiv:2002.03231).

    A unit's gate is max(1 − t / r, 0), r the root mean square of its weights: for single weights the gated
    weight is sign(w) · max(|w| − t, 0). t = σ(s) with a learned s; the loss grows by strength · mean over
    layers of s²/2, which raises t from its low start (the paper's weight decay on s).
    """

    def __init__(self, strength: float, rate: float = 10, start: float = -8.0) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.strength, self.rate, self.first = positive("strength", strength), positive("rate", rate), start

    def start(self, model: keras.Model, units: Units) -> None:
        """One s a layer."""
        self.units, layers = units, len(units.names)
        self.depth = parameter(self, (layers,), self.first / self.rate, "depth")

    def call(self, weights: dict, step: Any) -> Any:
        """(n,) gates in [0, 1)."""
        depth = self.depth * self.rate
        self.add_loss(self.strength * ops.mean(ops.square(depth)) / 2)
        threshold = ops.take(ops.sigmoid(depth), self.units.groups)
        sizes = self.units.norms(weights) / np.sqrt(self.units.sizes).astype(np.float32)
        alive = sizes > threshold
        return ops.where(alive, 1 - threshold / ops.where(alive, sizes, 1.0), 0.0)


def parameter(layer: keras.Layer, shape: tuple, value: Any, name: str) -> keras.Variable:
    """A weight of a gate, in full precision, that starts at a value (broadcast to the shape)."""
    variable = layer.add_weight(shape=shape, initializer="zeros", name=name, autocast=False)
    variable.assign(np.broadcast_to(np.asarray(value, np.float32), shape))
    return variable


def positive(name: str, value: float) -> float:
    """Return a finite number above 0; otherwise raise ValueError."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number. Received: {value}.")
    return float(value)
