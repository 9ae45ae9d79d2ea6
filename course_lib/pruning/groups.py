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
    zeros it is still n of m.
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
