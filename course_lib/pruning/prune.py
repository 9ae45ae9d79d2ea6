"""make_masks: score, pool, scope, expand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras
import numpy as np

from .criteria import Criterion, magnitude
from .granularity import Element, Granularity
from .masks import Masks
from .scopes import Scope, globally
from .select import Arrays, check_sparsity
from .variables import Variables, prunable_variables


def make_masks(
    model: keras.Model,
    sparsity: float | None,
    criterion: Criterion = magnitude(),  # noqa: B008 (a pure function: one for all calls is fine)
    granularity: Granularity = Element(),  # noqa: B008 (frozen)
    scope: Scope = globally,
    within: Iterable[str | keras.Layer] | None = None,
    among: Masks | None = None,
) -> Masks:
    """Decide which weights of a model to keep; the model itself is not changed.

    `sparsity` is the share to prune, in [0, 1), of all weights that take part (None for scopes that decide it
    themselves, as `above` does). `within` names the layers that take part, by default all with prunable
    weights. `among` is a previous result: what it prunes stays pruned, so that masks nest.
    Raises: TypeError or ValueError, one sentence each: see `check_sparsity`, `prunable_variables`, the scope.
    """
    if sparsity is not None:
        check_sparsity(sparsity)
    _check_parts(criterion, granularity, scope)
    variables = prunable_variables(model, within)
    scores = checked_scores(criterion(model), variables)
    units = granularity.pool(scores)
    if among is not None:
        units = _without_dead(units, granularity.pool(_alive(among, scores)))
    keep = scope(units, sparsity)
    masks = granularity.expand(keep, like=scores)
    # What coupled channels take along, biases for one, may have no mask in `among` yet.
    return Masks({path: m & among[path] if path in (among or ()) else m for path, m in masks.items()})


def _check_parts(criterion: object, granularity: object, scope: object) -> None:
    """Names in quotes, and makers that were not called: `criterion=magnitude`, `granularity=Block`."""
    for name, part, example in [("criterion", criterion, "magnitude()"), ("scope", scope, "globally")]:
        if not callable(part):
            raise TypeError(f"{name} must be a function, as {example} is. Received: {part!r}.")
    if isinstance(granularity, type) or not (hasattr(granularity, "pool") and hasattr(granularity, "expand")):
        raise TypeError(
            "granularity must have `pool` and `expand`, as Element() and Block(4, 1) have. "
            f"Received: {granularity!r}."
        )


def checked_scores(scores: Arrays, variables: Variables) -> Arrays:
    """The scores of these variables only, after a look at names, shapes and values. Raises: ValueError."""
    if not isinstance(scores, Mapping):
        raise TypeError(
            "A criterion gives {path: scores}, one array for each prunable variable. "
            f"Received: {type(scores).__name__}. Should it be called first, as in criterion=magnitude()?"
        )
    for path, variable in variables.items():
        if path not in scores:
            raise ValueError(
                f"The criterion gave no scores for {path!r}. Received: {', '.join(scores) or 'none'}. "
                f"Use the names of prunable_variables(model){_rest(variables, scores)}."
            )
        if np.shape(scores[path]) != tuple(variable.shape):
            raise ValueError(
                f"The scores of {path!r} must have the shape of the variable, {tuple(variable.shape)}. "
                f"Received: {np.shape(scores[path])}."
            )
        _check_finite(path, scores[path])
    return {path: scores[path] for path in variables}


def _rest(variables: Variables, scores: Arrays) -> str:
    """The way out where a criterion knows only some kinds of layers."""
    layers = sorted({path.split("/")[-2] for path in variables if path in scores and "/" in path})
    return f", or prune the layers it can score: within={layers}" if layers else ""


def _check_finite(path: str, scores: np.ndarray) -> None:
    # Extremes instead of isfinite(...).all(): NaN and ±inf show up in them, and no array is made.
    if not np.isfinite([scores.min(), scores.max()]).all():
        bad = np.count_nonzero(~np.isfinite(scores))
        raise ValueError(
            f"The scores of {path!r} must be finite. Received: {bad} that are NaN or infinite. "
            "Did training diverge?"
        )


def _alive(among: Masks, scores: Arrays) -> Arrays:
    for path, score in scores.items():
        if np.shape(among.get(path)) != score.shape:
            raise ValueError(
                f"`among` must hold a mask of shape {score.shape} for {path!r}. Received: {among!r}."
            )
    return {path: among[path].astype(np.float32) for path in scores}


def _without_dead(units: Arrays, alive: Arrays) -> Arrays:
    """Units whose every weight is pruned already score −inf: they cannot come back."""
    return {name: np.minimum(u, _never(alive[name] == 0, u.dtype)) for name, u in units.items()}


def _never(where: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """−inf where it is true, else +inf: without the branches of `np.where`, a fifth of its time."""
    return np.subtract(0.5, where, dtype=np.result_type(dtype, np.float32)) * np.float32(np.inf)
