"""Candidates tried on a model, whose weights are as before when the search ends, however it ends.

A search asks one thing of its user: `evaluate(model) → float`, larger = better, called while the weights of a
candidate are in the model. Let it look at validation data: whoever searches on test data has none left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..masks import Masks, zeroed_array
from ..variables import named_variables, write
from .space import Counts, Space

Evaluate = Callable[[keras.Model], float]


class Trial(NamedTuple):
    """One candidate: how many units each layer keeps, the share it prunes of them, and the score."""

    counts: Counts
    table: dict[str, float]
    score: float


class Found(NamedTuple):
    """What a search found: the best masks, their sparsity by layer and score, and every trial in order.

    `len(trials)` is what the search cost, in evaluations; a candidate met again is not evaluated again.
    """

    masks: Masks
    table: dict[str, float]
    score: float
    trials: list[Trial]


@contextmanager
def trying(model: keras.Model) -> Iterator[Callable[[Masks], None]]:
    """A function that puts masks on the weights the model has now; at the end it has these again, bit by bit.

    All weights come back, also after errors and Ctrl-C, and before each candidate: `evaluate` may train.
    """
    # Copies: what NumPy sees of a variable may be its own memory.
    before = [
        (path, variable, np.asarray(variable).copy()) for path, variable in named_variables(model).items()
    ]

    def put(masks: Masks) -> None:
        for path, variable, value in before:
            write(variable, zeroed_array(value, masks[path]) if path in masks else value)

    try:
        yield put
    finally:
        for _, variable, value in before:
            variable.assign(value)


def scored(evaluate: Evaluate, model: keras.Model) -> float:
    """The score of a model as it is. Raises: TypeError if it is no number, ValueError if it is NaN."""
    score = evaluate(model)
    if isinstance(score, np.ndarray | tf.Tensor) and np.ndim(score) == 0:
        score = np.asarray(score).item()
    if not isinstance(score, Real):
        raise TypeError(f"evaluate(model) must return a number, larger = better. Received: {score!r}.")
    if np.isnan(score):
        raise ValueError("evaluate(model) must not return NaN, which cannot be ranked. Received: nan.")
    return float(score)


@contextmanager
def attempts(
    space: Space, evaluate: Evaluate, most: int
) -> Iterator[tuple[Callable[[Counts], float | None], list[Trial]]]:
    """A function allocation → score, and the list of trials that it fills; `most` evaluations, then None.

    An allocation met again costs nothing. The model has its own weights back at the end.
    """
    if not most >= 1:
        raise ValueError(f"evaluations must be at least 1. Received: {most}.")
    scores: dict[Counts, float] = {}
    trials: list[Trial] = []
    with trying(space.model) as put:

        def attempt(counts: Counts) -> float | None:
            if counts not in scores and len(trials) < most:
                put(space.masks(counts))
                scores[counts] = scored(evaluate, space.model)
                trials.append(Trial(counts, space.table(counts), scores[counts]))
            return scores.get(counts)

        yield attempt, trials


def best_of(space: Space, trials: list[Trial]) -> Found:
    """The best trial, of equals the first, with its masks."""
    best = max(trials, key=lambda trial: trial.score)
    return Found(space.masks(best.counts), best.table, best.score, trials)
