"""Evolution of layer ratios: vary the best allocations, keep what is better."""

from __future__ import annotations

import numpy as np

from .space import Counts, Space
from .trials import Evaluate, Found, Trial, attempts, best_of

_PATIENCE = 100  # children known already, one after the other, before a space counts as explored


def evolve(
    space: Space, evaluate: Evaluate, evaluations: int = 200, population: int = 16, seed: int = 0
) -> Found:
    """Search a space of allocations by steady-state evolution, at a cost of at most `evaluations`.

    It begins with `space.known()` (uniform, global and ERK), so that it cannot end below these baselines, and
    random allocations. Then one child at a time: two parents from the `population` best so far, each the
    better of two drawn; the child takes every layer's share from one of them, some shares are multiplied by
    a random factor, and `space.nearest` puts it into the space. The best is never lost. The same seed gives
    the same trials. It ends early when all it can think of is known. `evaluate`: see `trials.py`.
    Raises: ValueError for evaluations or a population below 1.
    """
    if not population >= 1:
        raise ValueError(f"population must be at least 1. Received: {population}.")
    rng, repeats = np.random.default_rng(seed), 0
    with attempts(space, evaluate, evaluations) as (attempt, trials):
        known = space.known()
        for counts in [*known, *(_scattered(space, rng) for _ in range(population - len(known)))]:
            attempt(counts)
        while len(trials) < evaluations and repeats < _PATIENCE:
            before = len(trials)
            attempt(_child(space, _fittest(trials, population), rng))
            repeats = 0 if len(trials) > before else repeats + 1
    return best_of(space, trials)


def varied(space: Space, counts: Counts, factors: np.ndarray) -> Counts:
    """The allocation of the space nearest to one whose layers keep `factors` times as much."""
    return space.nearest(np.asarray(counts) * factors)


def _fittest(trials: list[Trial], population: int) -> list[Counts]:
    return [trial.counts for trial in sorted(trials, key=lambda trial: -trial.score)[:population]]


def _child(space: Space, fittest: list[Counts], rng: np.random.Generator) -> Counts:
    mother, father = (fittest[rng.integers(len(fittest), size=2).min()] for _ in range(2))
    genes = np.where(rng.random(len(mother)) < 0.5, mother, father)
    changed = rng.random(len(mother)) < max(0.3, 1 / len(mother))
    return varied(space, genes, np.exp(0.5 * rng.normal(size=len(mother)) * changed))


def _scattered(space: Space, rng: np.random.Generator) -> Counts:
    return varied(space, tuple(space.sizes), np.exp(rng.normal(size=len(space.sizes))))
