"""Scopes that give the same few places to every small group of weights: N:M and kernel patterns.

The group decides the sparsity, so `make_masks(model, None, scope=n_of_m(2, 4))` needs none.
"""

from __future__ import annotations

from math import isclose

import numpy as np

from .scopes import Scope, check_scores
from .select import Arrays


def n_of_m(n: int, m: int, axis: int = -2) -> Scope:
    """Keep the n best of every m consecutive units along an axis: 2:4 is `n_of_m(2, 4)`.

    The default axis is the last but one, the inputs that one output adds up (Dense: in, out; Conv2D: height,
    width, in, out): sparse tensor cores want it so (Mishra et al. 2021, arXiv:2104.08378), and the masks
    equal those of tfmot's `sparsity_m_by_n=(m − n, m)`, which counts zeros. For `Channel()`, whose units have
    one axis, pass `axis=-1`. Of equals the first stay. A last group of t < m keeps min(n, t): filled up with
    zeros it is still n of m. In GradualPruning the schedule is `one_shot(1 - n / m, at=step)`: there is no
    sparsity between 0 and that.
    Raises: ValueError unless 1 ≤ n ≤ m, for a sparsity other than None or 1 − n/m, for units without that
    axis, and for NaN.
    """
    whole = all(isinstance(x, int | np.integer) for x in (n, m))
    if not (whole and 1 <= n <= m):
        raise ValueError(f"n_of_m(n, m) keeps n of m: whole numbers, 1 <= n <= m. Received: n={n}, m={m}.")

    def scope(units: Arrays, sparsity: float | None = None) -> Arrays:
        if sparsity is not None and not isclose(sparsity, 1 - n / m):
            raise ValueError(
                f"n_of_m({n}, {m}) prunes {1 - n / m:.4g} of each group: pass that or None. "
                f"Received: {sparsity}."
            )
        check_scores(units)
        return {path: _best_of_groups(_with_axis(path, u, axis), n, m, axis) for path, u in units.items()}

    return scope


def patterns(entries: int = 4, kinds: int = 8) -> Scope:
    """Each kernel window of a Conv2D keeps `entries` places, laid out in one of `kinds` shared patterns.

    Pattern pruning (PCONV: Ma et al. 2020, arXiv:1909.05073; PatDNN: Niu et al. 2020, arXiv:2001.00138).
    A kernel is the height × width window from one input to one output channel. Its natural pattern is the
    centre with the `entries − 1` best of its other places; the `kinds` most common ones of all layers with
    that window are the set, and each kernel takes from it the pattern with the largest sum of scores (with
    `magnitude(2)`, the projection of both papers). For single weights; what has no window larger than
    `entries` (Dense, 1 × 1) stays whole. A scope, not a granularity: within a kernel a fixed number wins, as
    with N:M, and which weights are one unit is the result of that contest.
    Raises: ValueError unless both numbers are positive, for a sparsity, without any such kernel, and for NaN.
    """
    if not all(isinstance(x, int | np.integer) and x >= 1 for x in (entries, kinds)):
        raise ValueError(
            f"patterns(entries, kinds) needs whole numbers of at least 1. Received: {entries}, {kinds}."
        )

    def scope(units: Arrays, sparsity: float | None = None) -> Arrays:
        if sparsity is not None:
            raise ValueError(f"patterns decides the sparsity itself: pass None. Received: {sparsity}.")
        check_scores(units)
        windows = _windows(units, entries)
        keep = {path: np.ones(u.shape, bool) for path, u in units.items()}
        for window in set(windows.values()):
            paths = [path for path in windows if windows[path] == window]
            common = _common([_natural(_kernels(units[path]), window, entries) for path in paths], kinds)
            keep |= {path: _fitted(_kernels(units[path]), common, units[path].shape) for path in paths}
        return keep

    return scope


def _windows(units: Arrays, entries: int) -> dict[str, tuple[int, int]]:
    windows = {p: u.shape[:2] for p, u in units.items() if u.ndim == 4 and u.shape[0] * u.shape[1] > entries}
    if not windows:
        shapes = ", ".join(f"{path!r} {u.shape}" for path, u in units.items())
        raise ValueError(
            f"patterns needs single weights (Element) of Conv2D kernels with more than {entries} places. "
            f"Received: {shapes}."
        )
    return windows


def _kernels(units: np.ndarray) -> np.ndarray:
    """(height, width, in, out) → a copy (places, kernels); a dead place costs more than any others gain."""
    kernels = units.reshape(units.shape[0] * units.shape[1], -1).astype(np.result_type(np.float32, units))
    dead = kernels == -np.inf
    low, high = (reduce(kernels, where=~dead, initial=0) for reduce in (np.min, np.max))
    kernels[dead] = low - len(kernels) * (high - low) - 1  # finite: sums of −inf have no rank
    return kernels


def _natural(kernels: np.ndarray, window: tuple[int, int], entries: int) -> np.ndarray:
    """The pattern each kernel would choose, as bits: (⌈places / 8⌉, kernels)."""
    kernels[window[0] // 2 * window[1] + window[1] // 2] = np.inf  # the centre is in every pattern
    return np.packbits(_best_of_groups(kernels, entries, len(kernels), axis=0), axis=0)


def _common(natural: list[np.ndarray], kinds: int) -> np.ndarray:
    """The most common patterns, as bits: (⌈places / 8⌉, at most `kinds`)."""
    found, counts = np.unique(np.concatenate(natural, axis=1), axis=1, return_counts=True)
    return found[:, np.argsort(-counts, kind="stable")[:kinds]]


def _fitted(kernels: np.ndarray, common: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The pattern with the largest sum for each kernel, as a mask of this shape."""
    bits = np.unpackbits(common, axis=0, count=len(kernels)).astype(bool)
    return bits[:, np.argmax(bits.T.astype(kernels.dtype) @ kernels, axis=0)].reshape(shape)


def _with_axis(path: str, units: np.ndarray, axis: int) -> np.ndarray:
    if not -units.ndim <= axis < units.ndim:
        hint = " Pass axis=-1." if units.ndim == 1 else ""
        raise ValueError(
            f"n_of_m needs units that have axis {axis}. Received: {path!r} of shape {units.shape}.{hint}"
        )
    return units


def _best_of_groups(units: np.ndarray, n: int, m: int, axis: int) -> np.ndarray:
    """A unit stays if fewer than n of its group beat it."""
    # Every pair of places plays one match: no sort, no padding, and a count of a byte or two per unit.
    lines = np.moveaxis(units, axis, 0)
    beaten_by = np.zeros(units.shape, np.min_scalar_type(m))
    beaten = np.moveaxis(beaten_by, axis, 0)
    for late in range(1, min(m, len(lines))):
        rivals = lines[late::m]
        for early in range(late):
            wins = lines[early::m][: len(rivals)] >= rivals
            beaten[late::m] += wins
            beaten[early::m][: len(rivals)] += ~wins
    return beaten_by < n
