"""Scopes that give each layer its own budget: by a table, by its shape (ERK), or by its scores (LAMP)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from .scopes import Scope, check_call, check_scores, globally
from .select import Arrays, Ties, check_sparsity, survivors, top


def per_layer(table: Mapping[str, float], ties: Ties = "first") -> Scope:
    """Every layer has the sparsity that a table gives it: {"conv1": 0.3, "block2": 0.8, "out/kernel": 0.5}.

    A key is a path, or a layer's name on the way to one (a nested model stands for all its layers). Where
    several entries fit a path, the last of them holds. Layers without an entry get the sparsity the scope is
    called with; `make_masks(model, None, scope=per_layer(table))` leaves them whole. Counts as `layerwise`.
    Raises: ValueError or TypeError for a share outside [0, 1), a key that names no layer, and NaN.
    """
    shares = {key: check_sparsity(share, f"The sparsity of {key!r}") for key, share in table.items()}

    def scope(units: Arrays, sparsity: float | None = None) -> Arrays:
        default = 0.0 if sparsity is None else check_sparsity(sparsity)
        check_scores(units)
        _check_names(shares, units)
        given = {p: [share for key, share in shares.items() if _names(key, p)] for p in units}
        budgets = {p: survivors(u.size, [default, *given[p]][-1]) for p, u in units.items()}
        return {p: top({p: u}, budgets[p], ties)[p] for p, u in units.items()}

    return scope


def erk(units: Arrays, sparsity: float | None, ties: Ties = "first") -> Arrays:
    """Small layers stay denser: a layer of shape (n₁, n₂, …) keeps in proportion to n₁ + n₂ + … of its units.

    Its density is ε · (n₁ + n₂ + …) / (n₁ · n₂ · …): Erdős–Rényi–Kernel (Evci et al. 2020, arXiv:1911.11134;
    for matrices Mocanu et al. 2018). ε is such that exactly round(n · (1 − sparsity)) of all n units survive;
    a layer has at least one and at most all, and what it cannot take goes to the others. Whole numbers by
    D'Hondt's method, so that no layer's budget grows with the sparsity. Units that score −inf count as gone.
    The shape is that of the units: channels (one axis) get one density everywhere.
    Raises: ValueError if `sparsity` is None or a score is NaN.
    """
    check_call(units, sparsity, "erk")
    room = np.array([max(1, np.count_nonzero(u > -np.inf)) for u in units.values()])
    total = max(survivors(sum(u.size for u in units.values()), sparsity), len(units))
    budgets = _apportion(min(total, room.sum()), np.array([sum(u.shape) for u in units.values()]), room)
    return {p: top({p: u}, int(k), ties)[p] for (p, u), k in zip(units.items(), budgets, strict=True)}


def lamp(units: Arrays, sparsity: float | None, ties: Ties = "first") -> Arrays:
    """All units compete, each by its share of the energy that would be left of its layer.

    Layer-adaptive magnitude pruning (Lee et al. 2021, arXiv:2010.07611): score(w) = w² / Σ w'² over the
    weights of the layer with w'² ≥ w²; then as `globally`, with the same counts. Within a layer the ranking
    stays that of the scores, which take the part of |w|: use `magnitude(1)`. Negative scores, which some
    criteria give (OBD: the loss falls without the weight), are below all others of all layers, and among
    themselves stand as −w² / Σ w'² over the negative ones of their layer.
    Raises: ValueError if `sparsity` is None, or a score is NaN.
    """
    check_call(units, sparsity, "lamp")
    # Within a layer LAMP ranks as the scores do: how many win is all that it decides, so order may be lost.
    winners = globally({path: _sorted_lamp(u) for path, u in units.items()}, sparsity, ties)
    return {p: top({p: u}, np.count_nonzero(winners[p]), ties)[p] for p, u in units.items()}


def multiples(of: int, scope: Scope = globally) -> Scope:
    """As another scope, but each layer keeps a multiple of `of` units: the nearest one, at least one.

    Hardware and its libraries like channels in eights. A layer with fewer units keeps them all, so the
    sparsity is only about the one asked for. Raises: ValueError unless of ≥ 1, and as the scope does.
    """
    if not (isinstance(of, int | np.integer) and of >= 1):
        raise ValueError(f"multiples(of) needs a whole number of at least 1. Received: {of!r}.")

    def rounded(units: Arrays, sparsity: float | None) -> Arrays:
        kept = {path: np.count_nonzero(k) for path, k in scope(units, sparsity).items()}
        room = {path: np.count_nonzero(u > -np.inf) for path, u in units.items()}  # dead ones stay dead
        counts = {path: min(max(of, round(k / of) * of), max(1, room[path])) for path, k in kept.items()}
        return {path: top({path: u}, counts[path])[path] for path, u in units.items()}

    return rounded


def _sorted_lamp(units: np.ndarray) -> np.ndarray:
    """The LAMP scores of one layer, the largest first."""
    sizes = np.sort(units, axis=None)[::-1].astype(np.float64)
    energy = _shares(np.maximum(sizes, 0))
    left = np.cumsum(energy)
    left[:-1][sizes[:-1] == sizes[1:]] = np.inf  # equals have one score: with the sum at the last of them
    left = np.minimum.accumulate(left[::-1])[::-1]
    np.divide(energy, left, out=energy, where=left > 0)
    negative = sizes < 0
    energy[negative] = -_shares(np.where(np.isinf(sizes), 0, -sizes)[negative])
    energy[sizes == -np.inf] = -np.inf  # dead before
    return energy


def _shares(sizes: np.ndarray) -> np.ndarray:
    """The squares of numbers from 0, over their sum; scaled before, so that none overflows."""
    squares = np.square(sizes / (sizes.max(initial=0) or 1.0))
    return squares / (squares.sum() or 1.0)


def _apportion(total: int, weights: np.ndarray, room: np.ndarray) -> np.ndarray:
    """D'Hondt: each next of `total` places goes where weight / (places + 1) is largest and there is room.

    Everyone begins with one place. As places are given one after the other, a larger total takes none away;
    rounding quotas to whole numbers could (the Alabama paradox).
    """
    # Below the common quota that would fill all places, everyone's whole part is safe: begin there. One less,
    # so that rounding errors of the quota cannot decide; the places themselves are given by exact rules.
    low, high = 0.0, float((room / weights).max())
    while low < (middle := (low + high) / 2) < high:
        enough = np.clip(middle * weights, 1, room).sum() <= total
        low, high = (middle, high) if enough else (low, middle)
    places = np.clip(np.floor(low * weights).astype(int) - 1, 1, room)
    while places.sum() < total:
        places[np.argmax(np.where(places < room, weights / (places + 1), -1))] += 1
    return places


def _names(key: str, path: str) -> bool:
    """Is `key` this path, or one or more layers on the way to it? Coupled kernels are "path + path"."""
    ways = [f"/{one.rpartition('/')[0]}/" for one in path.split(" + ")]
    return key == path or any(f"/{key}/" in way for way in ways)


def _check_names(shares: Mapping[str, float], units: Arrays) -> None:
    for key in shares:
        if not any(_names(key, path) for path in units):
            known = [*units, *(part for path in units for part in path.split("/")[:-1])]
            close = get_close_matches(str(key), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(units)}."
            raise ValueError(f"The table names no layer that takes part. Received: {key!r}.{hint}")
