"""How much a weight matters. A criterion is a function model → {variable path: scores}, larger = keep.

It scores the model's prunable variables; scores have the shape of the variable and may be of any real type
and sign. To write your own, return such a dict: `make_masks` checks it. Those from gradients are in
`gradients.py` and `curvature.py`, those from activations in `activations.py` and `filters.py`.

A criterion that draws (`random`, `sampled`) draws the same at every call. Its `anew(k)` is the same criterion
with the k-th other draw: `Regrow` asks for one at each update.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import keras
import numpy as np

from .examples import picked
from .select import Arrays
from .variables import prunable_variables, read

Criterion = Callable[[keras.Model], Arrays]


def magnitude(p: float = 1) -> Criterion:
    """Scores |w|^p: small weights change the output least (Han et al. 2015, arXiv:1506.02626).

    For single weights every p > 0 ranks alike; p matters once a granularity takes the mean over the weights
    of a unit (p=1: ranks as the L1 norm, p=2: as the L2 norm). Raises: ValueError unless p > 0, TypeError for
    what is no number.
    """
    if not isinstance(p, Real):
        raise TypeError(f"p must be a number; write criterion=magnitude() with brackets. Received: {p!r}.")
    if not p > 0:
        raise ValueError(f"p must be positive. Received: {p}.")

    def score(model: keras.Model) -> Arrays:
        return {path: _power(_absolute(read(v)), p) for path, v in prunable_variables(model).items()}

    return score


def _absolute(weights: np.ndarray) -> np.ndarray:
    """|w| in place, half the memory: the array is a copy already."""
    return np.abs(weights, out=weights)


def _power(sizes: np.ndarray, p: float) -> np.ndarray:
    # One array at a time: a second copy of all weights is what large models have no room for.
    return sizes if p == 1 else sizes**p


def random(seed: int) -> Criterion:
    """Scores drawn uniformly from [0, 1): the control that every other criterion must beat.

    The same seed gives the same scores for the same variables on every call, so masks of growing sparsity
    nest.
    """

    def of(draw: np.random.Generator) -> Criterion:
        return lambda model: {
            path: draw.random(tuple(v.shape), np.float32) for path, v in prunable_variables(model).items()
        }

    return _drawn(of, seed)


def sampled(
    criterion: Callable[[Any, Any], Criterion], x: Any, y: Any, size: int, seed: int = 0
) -> Criterion:
    """`criterion(x, y)` on `size` examples drawn at random: `sampled(gradient, x, y, 64)`.

    In `Regrow` each update draws others, as RigL looks at the mini-batch at hand (arXiv:1911.11134). With
    fewer than `size` examples all are taken. Raises: ValueError unless size ≥ 1, and as the criterion does.
    """
    if not size >= 1:
        raise ValueError(f"size must be at least 1 example. Received: {size}.")

    def of(draw: np.random.Generator) -> Criterion:
        return criterion(*picked(x, y, lambda count: draw.permutation(count)[:size]))

    return _drawn(of, seed)


def _drawn(of: Callable[[np.random.Generator], Criterion], seed: Any) -> Criterion:
    def score(model: keras.Model) -> Arrays:
        return of(np.random.default_rng(seed))(model)

    score.anew = lambda k: _drawn(of, [seed, k])
    return score
