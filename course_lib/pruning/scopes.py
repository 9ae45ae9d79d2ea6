"""Who competes with whom: scopes map units {path: scores} and a sparsity to keep {path: bool array}.

"Layer" means one entry of `units`, that is one weight tensor. No scope prunes a layer to its last unit: a
layer with no weights left would cut the network in two. Count and ties: see `select.top`.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np

from .select import Arrays, Ties, check_sparsity, survivors, top

Scope = Callable[[Arrays, float | None], Arrays]


def globally(units: Arrays, sparsity: float | None, ties: Ties = "first") -> Arrays:
    """All units compete in one ranking, so layers may end at different sparsities.

    Exactly round(n · (1 − sparsity)) of all n units survive, at least one a layer: a layer's best unit that
    loses the ranking takes the place of the worst winner. With more layers than survivors, one a layer is
    kept. Sparsity s is the threshold np.percentile(all scores, 100·s), but exact where scores are equal.
    Units: as scores, any shape. Raises: ValueError if `sparsity` is None or a score is NaN.
    """
    check_call(units, sparsity, "globally")
    k = max(survivors(sum(u.size for u in units.values()), sparsity), len(units))
    keep = top(units, k, ties)
    while dead := [path for path in keep if not keep[path].any()]:
        units = units | {path: _crowned(units[path]) for path in dead}
        keep = top(units, k, ties)
    return keep


def layerwise(units: Arrays, sparsity: float | None, ties: Ties = "first") -> Arrays:
    """Units compete within their layer, so every layer ends at the same sparsity.

    Exactly round(n · (1 − sparsity)) of the n units of each layer survive, at least one.
    `functools.partial(layerwise, ties="keep")` is the rule of tfmot's prune_low_magnitude.
    Raises: ValueError if `sparsity` is None or a score is NaN.
    """
    check_call(units, sparsity, "layerwise")
    return {p: top({p: u}, survivors(u.size, sparsity), ties)[p] for p, u in units.items()}


def above(threshold: float) -> Scope:
    """Keep the units whose score is strictly above a threshold: it, not a count, decides the sparsity.

    `threshold` is in the units of the scores (for magnitude: of |weight|). A layer with no unit above it
    keeps its best one (the first of equals). Use with `make_masks(model, None, scope=above(0.05))`.
    Raises: TypeError for what is no number; ValueError if the scope is given a sparsity as well, or a score
    is NaN.
    """
    if not isinstance(threshold, Real):
        raise TypeError(f"threshold must be a number. Received: {threshold!r}.")

    def scope(units: Arrays, sparsity: float | None = None) -> Arrays:
        if sparsity is not None:
            raise ValueError(
                f"above(threshold) decides the sparsity itself: pass None for it. Received: {sparsity}."
            )
        check_scores(units)
        keep = {path: np.asarray(u > threshold) for path, u in units.items()}
        return {p: m if m.any() else top({p: units[p]}, 1)[p] for p, m in keep.items()}

    return scope


def _crowned(scores: np.ndarray) -> np.ndarray:
    """The scores with the first of the best raised above all rivals."""
    crowned = scores.astype(np.result_type(np.float32, scores))
    crowned.flat[np.argmax(scores)] = (
        np.inf
    )  # not reshape: scores may be a broadcast, whose copy has any order
    return crowned


def check_call(units: Arrays, sparsity: float | None, scope: str) -> None:
    """What a scope with a target needs: a sparsity, and scores that have a rank. Raises: ValueError."""
    if sparsity is None:
        raise ValueError(f"scope {scope} needs a sparsity in [0, 1). Received: None.")
    check_sparsity(sparsity)
    check_scores(units)


def check_scores(units: Arrays) -> None:
    """NaN has no rank; −inf is allowed: it marks a unit that was dead before. Raises: ValueError."""
    for path, scores in units.items():
        if np.isnan(scores.max()):
            raise ValueError(
                f"The scores of {path!r} must not be NaN. Check the weights: did training diverge?"
            )
