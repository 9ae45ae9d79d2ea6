"""A differentiable choice of layer sparsities: Gumbel-softmax over candidates, trained by `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .examples import Loss, mean_loss
from .select import check_sparsity, survivors
from .space import Space
from .trials import Evaluate, Found, attempts, best_of
from .variables import named_variables

CANDIDATES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98)
ops = keras.ops


def gumbel_search(
    space: Space,
    evaluate: Evaluate,
    x: Any,
    y: Any,
    candidates: Sequence[float] = CANDIDATES,
    epochs: int = 5,
    strength: float = 10.0,
    temperature: float = 1.0,
    learning_rate: float = 0.1,
    batch_size: int = 32,
    loss: Loss = None,
    seed: int = 0,
) -> Found:
    """Choose each layer's sparsity among candidates by gradient descent, the weights left as they are.

    Every layer has a logit for each candidate. In a step, each draws a candidate by the softmax of its logits
    (by Gumbel noise), whose mask its weights get; the gradient is that of the soft draw, softmax((logits +
    noise) / temperature): straight-through Gumbel-softmax (Jang et al. 2017, arXiv:1611.01144). Minimised
    over `x`, `y` (training data) is the loss (by default the model's own) + strength · max(0, expected cost /
    budget − 1)², beginning where the expected cost is the budget. What comes out is near the space, not in
    it: `space.nearest` takes it there, once from the likeliest candidates and once from the expected counts,
    and `evaluate` decides. The cost: `epochs` of training and 2 evaluations.

    The space's scores rank the weights. The model runs as in inference, and nothing of it is changed. `x` is
    an array or a structure of arrays, as for `fit`. The same seed gives the same result on one machine.
    Raises: ValueError for fewer than two candidates, numbers out of range, and a model without a loss.
    """
    counts = _counts(space, candidates)
    if not (epochs >= 1 and strength >= 0 and learning_rate > 0 and temperature > 0):
        raise ValueError(
            "epochs must be at least 1, strength at least 0, learning_rate and temperature positive. "
            f"Received: {epochs}, {strength}, {learning_rate}, {temperature}."
        )
    mean_loss(space.model, loss)  # says so if there is none
    choice = _Choice(space, counts, strength, temperature, seed)
    choice.compile(keras.optimizers.Adam(learning_rate), loss or space.model.loss, jit_compile=False)
    # Shuffled here: Keras would draw from the user's global seed.
    order = np.random.default_rng(seed).permutation(len(keras.tree.flatten(x)[0]))
    shuffled = keras.tree.map_structure(lambda a: np.asarray(a)[order], (x, y))
    choice.fit(*shuffled, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    odds = np.asarray(ops.softmax(choice.logits), np.float64)
    with attempts(space, evaluate, 2) as (attempt, trials):
        attempt(space.nearest(counts[np.arange(len(counts)), odds.argmax(axis=1)]))
        attempt(space.nearest((odds * counts).sum(axis=1)))
    return best_of(space, trials)


class _Choice(keras.Model):
    """The space's model with every layer masked by a draw; the only weights it trains are the logits."""

    def __init__(
        self, space: Space, counts: np.ndarray, strength: float, temperature: float, seed: int
    ) -> None:
        super().__init__(dtype="float32", name="choice")
        self.strength, self.temperature = strength, temperature
        self.costs = counts * space.costs[:, None] / space.budget
        self.logits = self.add_weight(shape=counts.shape, initializer="zeros", name="logits")
        self.logits.assign(_first_logits(counts / space.sizes[:, None], self.costs))
        self.noise = keras.random.SeedGenerator(seed)
        masks = [space.masks(column) for column in counts.T]
        # Candidates nest, so how many of them keep a weight says which: one byte a weight.
        levels = [sum(mask[path].astype(np.uint8) for mask in masks) for path in space.paths]
        self.levels = [keras.Variable(level, trainable=False, dtype="uint8") for level in levels]
        weights = named_variables(space.model)
        # In a closure, where Keras does not look for layers to train and to save.
        self.inner = lambda: (space.model, [weights[path] for path in space.paths])

    def call(self, x: Any) -> Any:
        """The outputs of the model under one draw of the masks."""
        noise = -ops.log(-ops.log(keras.random.uniform(self.logits.shape, 1e-7, seed=self.noise)))
        soft = ops.softmax((self.logits + noise) / self.temperature)
        hard = ops.one_hot(ops.argmax(soft, axis=1), soft.shape[1], dtype=soft.dtype)
        kept = self._cumulative(soft + ops.stop_gradient(hard - soft))
        model, weights = self.inner()
        levels = [ops.cast(level, "int32") for level in self.levels]
        gates = [ops.take(row, level) for row, level in zip(kept, levels, strict=True)]
        masked = [(w, w * ops.cast(gate, w.dtype)) for w, gate in zip(weights, gates, strict=True)]
        with keras.StatelessScope(state_mapping=masked):
            outputs = model(x, training=False)
        over = ops.sum(ops.softmax(self.logits) * ops.cast(self.costs, "float32")) - 1
        self.add_loss(self.strength * ops.square(ops.relu(over)))
        return outputs

    @staticmethod
    def _cumulative(draw: Any) -> list:
        """For each layer, by how many candidates keep a weight: the odds that one of these was drawn."""
        return ops.unstack(ops.pad(ops.cumsum(draw, axis=1), ((0, 0), (1, 0))))


def _counts(space: Space, candidates: Sequence[float]) -> np.ndarray:
    """(layers, candidates) numbers of units, the densest candidate first."""
    wanted = sorted({check_sparsity(s, "A candidate") for s in candidates})
    if not 2 <= len(wanted) <= 255:
        raise ValueError(f"Give 2 to 255 different candidates to choose from. Received: {candidates}.")
    return np.array([[survivors(int(n), s) for s in wanted] for n in space.sizes])


def _first_logits(densities: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """The same odds for all layers, as even as they can be where the expected cost is the budget."""
    low, high = 0.0, 1e3
    for _ in range(50):
        middle = (low + high) / 2
        odds = np.exp(-middle * densities)
        over = (odds / odds.sum(axis=1, keepdims=True) * costs).sum() > 1
        low, high = (middle, high) if over else (low, middle)
    return -high * densities
