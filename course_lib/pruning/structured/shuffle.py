"""Channels in another order: the same function, with importance where one wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from ..criteria import Criterion
from ..prune import checked_scores
from ..variables import named_variables, prunable_variables
from .channels import Channels
from .labels import Labels, Weight
from .rebuild import Rebuild
from .rules import Rule


def permuted(
    model: keras.Model, order: Mapping[str, Sequence[int]], rules: Mapping[type, Rule] | None = None
) -> keras.Model:
    """A new model that computes the same, the channels of some groups in another order.

    `order` maps groups of `Channels(model)`, by their keys, to permutations (channels,): at place i will be
    the channel that was at place order[i], in all weights of the group. `np.argsort(-scores)` concentrates
    importance in the first channels (so that the first half of them is a good smaller network), `spread`
    deals it out evenly over runs of channels. Channels of grouped convolutions are in one place of every
    group; see `aligned` for those. The given model stays as it is.
    Raises: ValueError for a group that is not free, or no permutation of its channels.
    """
    channels = Channels(model, rules)
    to = np.arange(len(channels.roots))
    for key, places in order.items():
        if key not in channels.groups:
            raise ValueError(
                f"There is no group {key!r} of channels that are free. Received it for {channels}"
            )
        units = channels.groups[key].units
        if sorted(places) != list(range(len(units))):
            raise ValueError(
                f"An order of {key!r} is a permutation of the numbers from 0 to {len(units) - 1}. "
                f"Received: {list(places)}."
            )
        to[units] = units[np.asarray(places)]
    return _moved(model, channels, _by_home(channels.labels, channels.roots, to))


def aligned(
    model: keras.Model, criterion: Criterion, rules: Mapping[type, Rule] | None = None
) -> keras.Model:
    """A new model that computes the same, importance concentrated at equal places of all groups.

    A grouped convolution loses the same places of every group. So the channels in each of its groups, in and
    out, are put in order, the most important first: what goes together is then unimportant together, and more
    importance is left at any sparsity. Channels never move between groups: that would be another function.
    A channel's importance is the mean score of all weights that make it, as in `Channels`.
    Raises: ValueError if there are no grouped convolutions whose channels are free to move.
    """
    channels = Channels(model, rules)
    roots = channels.labels.roots(alike=False)
    scores = checked_scores(criterion(model), prunable_variables(model))
    cells, importance = _cells(channels, roots), _importance(channels, roots, scores)
    to = np.arange(len(roots))
    for cell in cells:
        to[cell] = cell[np.argsort(-importance[cell], kind="stable")]
    if not cells:
        raise ValueError(
            f"There is nothing to align in {model.name!r}: no grouped convolution with several channels a "
            "group that are free to move."
        )
    return _moved(model, channels, _by_home(channels.labels, roots, to))


def spread(scores: Sequence[float], runs: int) -> np.ndarray:
    """An order for `permuted` that deals channels to runs of equal length, each as important as the others.

    (channels,) scores → (channels,) numbers: the best go one to each run, the next in turn from the other
    end, and so on; a run has its best first. N:M patterns and blocks along channels keep most where
    importance is spread so (channel permutations: Pool & Yu 2021).
    Raises: ValueError unless `runs` divides the channels.
    """
    ranked = np.argsort(-np.asarray(scores), kind="stable")
    if not (isinstance(runs, int | np.integer) and runs >= 1 and len(ranked) % runs == 0):
        raise ValueError(f"runs must divide the number of channels, {len(ranked)}. Received: {runs!r}.")
    rounds = ranked.reshape(-1, runs)
    rounds[1::2] = rounds[1::2, ::-1].copy()
    return rounds.T.reshape(-1)


def _cells(channels: Channels, roots: np.ndarray) -> list[np.ndarray]:
    """Channels in the groups of grouped layers that may change places with each other, in order."""
    draw, names = np.random.default_rng(0), channels.labels
    mark = np.zeros(len(roots), np.uint64)
    sets = [w.axes[w.makes] for w in channels.weights.values() if w.makes is not None] + names.parts
    rows = [row for rows in names.blocks for row in rows]
    for labels in [*sets, *rows]:
        if labels is not None:  # sums of random numbers are equal for equal sets only
            mark[np.unique(roots[labels])] += draw.integers(2**63, dtype=np.uint64)
    free = np.zeros(len(roots), bool)
    free[[root for row in rows for root in roots[row]]] = True
    for labels, _ in names.frozen:
        free[roots[labels]] = False
    free &= roots == np.arange(len(roots))
    return [c for m in np.unique(mark[free]) if len(c := np.flatnonzero(free & (mark == m))) > 1]


def _importance(channels: Channels, roots: np.ndarray, scores: Mapping[str, np.ndarray]) -> np.ndarray:
    total, number = np.zeros(len(roots)), np.zeros(len(roots))
    for path, weight in channels.weights.items():
        if weight.makes is not None and weight.axes[weight.makes] is not None and path in scores:
            others = tuple(i for i in range(scores[path].ndim) if i != weight.makes)
            labels = roots[weight.axes[weight.makes]]
            np.add.at(total, labels, scores[path].mean(axis=others, dtype=np.float64))
            np.add.at(number, labels, 1)
    return total / np.maximum(number, 1)


def _by_home(names: Labels, roots: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Which label takes the place of which, (labels,), from the same for whole channels, by their roots.

    A channel may have several labels; the first of one stands for the first of another, by where each was
    made. Raises: ValueError if that does not fit all that is joined.
    """
    members = np.split(
        np.argsort(roots, kind="stable"), np.cumsum(np.bincount(roots, minlength=len(roots)))[:-1]
    )
    moved = np.arange(len(roots))
    for root in np.flatnonzero(to != np.arange(len(to))):
        if len(members[root]) != len(members[to[root]]):
            raise ValueError("These channels cannot change places: one is in more places than the other.")
        moved[members[root]] = members[to[root]]
    for one, other in names.pairs:
        pairs = {*zip(one.tolist(), other.tolist(), strict=True)}
        if not pairs >= {*zip(moved[one].tolist(), moved[other].tolist(), strict=True)}:
            raise ValueError(
                "These channels cannot change places: they are joined in another order elsewhere."
            )
    return moved


def _moved(model: keras.Model, channels: Channels, to: np.ndarray) -> keras.Model:
    new = Rebuild()(model)
    pairs = zip(named_variables(model).items(), named_variables(new).values(), strict=True)
    for (path, old), variable in pairs:
        value, weight = np.asarray(old), channels.weights.get(path)
        if weight is not None:
            value = _rearranged(value, weight, to, channels.labels.grouped.get(id(weight.variable)))
        variable.assign(value)
    return new


def _rearranged(value: np.ndarray, weight: Weight, to: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    axes = [None if labels is None else _places(labels, to) for labels in weight.axes]
    if groups is not None:  # (…, in, out): the inputs of each group have an order of their own
        parts = np.split(value, len(groups), axis=-1)
        parts = [np.take(p, _places(row, to), axis=-2) for p, row in zip(parts, groups, strict=True)]
        value, axes[-2] = np.concatenate(parts, axis=-1), None
    for axis, places in enumerate(axes):
        if places is not None:
            value = np.take(value, places, axis=axis)
    return value


def _places(labels: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Where on an axis what belongs to each place is now; labels that repeat keep their turn."""
    now, then = np.argsort(labels, kind="stable"), np.argsort(to[labels], kind="stable")
    if not np.array_equal(labels[now], to[labels][then]):
        raise ValueError("These channels cannot change places: some go where the others do not.")
    places = np.empty_like(now)
    places[then] = now
    return places
