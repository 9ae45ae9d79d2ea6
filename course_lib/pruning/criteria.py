"""How much a weight matters. A criterion is a function model → {variable path: scores}, larger = keep.

It scores the model's prunable variables; scores have the shape of the variable and may be of any real type
and sign. To write your own, return such a dict: `make_masks` checks it.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from .select import Arrays
from .variables import prunable_variables

Criterion = Callable[[keras.Model], Arrays]


def magnitude(p: float = 1) -> Criterion:
    """Scores |w|^p: small weights change the output least (Han et al. 2015, arXiv:1506.02626).

    For single weights every p > 0 ranks alike; p matters once a granularity sums over the weights of a
    unit (p=1: L1 norm, p=2: squared L2 norm). Raises: ValueError unless p > 0.
    """
    if not p > 0:
        raise ValueError(f"p must be positive. Received: {p}.")

    def score(model: keras.Model) -> Arrays:
        sizes = {path: np.abs(np.asarray(v)) for path, v in prunable_variables(model).items()}
        return sizes if p == 1 else {path: size**p for path, size in sizes.items()}

    return score


def random(seed: int) -> Criterion:
    """Scores drawn uniformly from [0, 1): the control that every other criterion must beat.

    The same seed gives the same scores for the same variables on every call, so masks of growing sparsity
    nest.
    """

    def score(model: keras.Model) -> Arrays:
        draw = np.random.default_rng(seed).random
        return {p: draw(tuple(v.shape), np.float32) for p, v in prunable_variables(model).items()}

    return score
