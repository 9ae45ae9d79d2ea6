"""A bandit that learns which layer to prune more, and by how much."""

from __future__ import annotations

import numpy as np

from .space import Space
from .trials import Evaluate, Found, attempts, best_of

_FACTORS = (0.5, 0.8, 1.25, 2.0)


def ucb_search(space: Space, evaluate: Evaluate, evaluations: int = 200, seed: int = 0) -> Found:
    """Search a space of allocations with UCB1 (Auer et al. 2002), at a cost of at most `evaluations`.

    It walks, from the best of `space.known()`: an arm (layer, factor) makes that layer keep about 0.5, 0.8,
    1.25 or 2 times as much (the factor to a power drawn from [0.5, 1.5]), what is freed or needed falls on
    the others in proportion, and a step that does not lower the score is taken. The reward is 1 if the score
    rose, else 0. Pulled is the arm with the largest mean reward + √(2 ln t / pulls), at first each arm once.

    Reinforcement learning without a state: rewards change as the walk goes on, so UCB1's bounds do not
    hold, and with fewer evaluations than 4 × layers it tries arms and learns nothing. The same seed gives the
    same trials. It ends early when its steps lead nowhere new. `evaluate`: see `trials.py`.
    Raises: ValueError for evaluations below 1.
    """
    arms = [(layer, factor) for layer in range(len(space.paths)) for factor in _FACTORS]
    rng = np.random.default_rng(seed)
    pulls, rewards, luck = np.zeros(len(arms)), np.zeros(len(arms)), rng.permutation(len(arms))
    with attempts(space, evaluate, evaluations) as (attempt, trials):
        for counts in space.known():
            attempt(counts)
        here, score = max(((t.counts, t.score) for t in trials), key=lambda pair: pair[1])
        idle = 0
        while len(trials) < evaluations and idle < 10 * len(arms):
            arm = _chosen(pulls, rewards, luck)
            layer, factor = arms[arm]
            before = len(trials)
            factors = np.where(np.arange(len(here)) == layer, factor ** rng.uniform(0.5, 1.5), 1.0)
            there = space.nearest(here * factors)
            found = attempt(there)
            idle = 0 if len(trials) > before else idle + 1
            pulls[arm] += 1
            rewards[arm] += found > score
            if found >= score:
                here, score = there, found
    return best_of(space, trials)


def _chosen(pulls: np.ndarray, rewards: np.ndarray, luck: np.ndarray) -> int:
    """The arm with the largest upper confidence bound; `luck` breaks ties."""
    if not pulls.all():
        bounds = np.where(pulls == 0, np.inf, 0.0)
    else:
        bounds = rewards / pulls + np.sqrt(2 * np.log(pulls.sum()) / pulls)
    return int(np.lexsort((luck, -bounds))[0])
