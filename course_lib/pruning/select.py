"""The k best of many scores: exact counts, ties by position, fast also when most scores are zero."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Literal

import numpy as np

Arrays = dict[str, np.ndarray]
Ties = Literal["first", "keep"]

# np.partition slows down 30 to 80 fold when more than a fifth to a half of its input is one and the same
# value. In pruning that value is zero: every weight already pruned has it.
_MANY_ZEROS = 1 / 8
_PART = 1 << 17
_UNSIGNED = {4: np.uint32, 8: np.uint64}


def check_sparsity(value: float, name: str = "sparsity") -> float:
    """Return `value` if it is a share in [0, 1); otherwise say in one sentence what is wrong.

    Raises: TypeError for anything but a real number, ValueError outside [0, 1) and for NaN.
    """
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a number in [0, 1). Received: {value!r} ({type(value).__name__}).")
    if 0 <= value < 1:
        return float(value)
    hint = f" Did you mean {value / 100:g}?" if 1 < value < 100 else ""
    raise ValueError(f"{name} must be in [0, 1). Received: {value}.{hint}")


def survivors(count: int, sparsity: float) -> int:
    """How many of `count` units a sparsity leaves: round(count · (1 − sparsity)), at least one.

    An exact half goes to the even number, as Python's `round` does. Computed in float64; tfmot computes the
    same formula in float32, so the two may differ by one unit where the product lies next to a half.
    """
    return max(1, round(count * (1 - sparsity)))


def top(scores: Arrays, k: int, ties: Ties = "first") -> dict[str, np.ndarray]:
    """Keep the k largest scores of all arrays together: {path: bool array}, True = kept.

    Scores may be of any real type and sign; −0.0 equals 0.0. Of equal scores at the border,
    `ties="first"` keeps those at the earliest positions (arrays in the order of the dict, each in C order),
    so that exactly k are kept; `ties="keep"` keeps them all, as tfmot does, so that k or more are kept. Time
    grows linearly with the number of scores; memory is at most one copy of them.
    """
    if ties not in ("first", "keep"):
        raise ValueError(f'ties must be "first" or "keep". Received: {ties!r}.')
    border = _kth_largest(scores, k)
    keep = {path: np.asarray(s >= border) for path, s in scores.items()}
    if ties == "first":
        _drop_last_ties(scores, keep, border, sum(map(np.count_nonzero, keep.values())) - k)
    return keep


def _drop_last_ties(scores: Arrays, keep: Arrays, border: float, surplus: int) -> None:
    for path in reversed(scores):
        if surplus <= 0:
            return
        tied = np.flatnonzero(scores[path] == border)[-surplus:]
        keep[path].reshape(-1)[tied] = False  # a comparison's result is contiguous: reshape is a view
        surplus -= tied.size


def _kth_largest(scores: Arrays, k: int) -> np.generic:
    """The k-th largest value, by leaving zeros out of the race where they are many."""
    total = sum(s.size for s in scores.values())
    if not 1 <= k <= total:
        raise ValueError(f"k must be in [1, {total}], the number of scores. Received: {k}.")
    nonzero = sum(map(np.count_nonzero, scores.values()))
    zeros = total - nonzero if total - nonzero > _MANY_ZEROS * total else 0
    race = _gather(scores, total - zeros, without_zeros=zeros > 0)
    positive = np.count_nonzero(race > 0) if zeros else total
    if positive < k <= positive + zeros:
        return race.dtype.type(0)
    return _partitioned(race, k if k <= positive else k - zeros)


def _gather(scores: Arrays, size: int, without_zeros: bool) -> np.ndarray:
    """All scores in one flat buffer of float32 (float64 if any score needs it): the only copy made."""
    buffer = np.empty(size, np.result_type(np.float32, *scores.values()))
    start = 0
    for part in _parts(scores):
        if without_zeros:
            part = np.compress(part != 0, part)  # faster than part[part != 0]: it does not branch
        np.add(part, 0, out=buffer[start : start + part.size])  # + 0 turns −0.0 into 0.0
        start += part.size
    return buffer


def _parts(scores: Arrays) -> Iterator[np.ndarray]:
    """The scores in flat pieces that fit the processor's cache, whose temporary copies are small."""
    for flat in map(np.ravel, scores.values()):
        for start in range(0, flat.size, _PART):
            yield flat[start : start + _PART]


def _partitioned(race: np.ndarray, k: int) -> np.generic:
    """The k-th largest of a buffer that may be reordered."""
    # The bits of non-negative floats are ordered as the floats are, and integers partition 1.4 times faster.
    ordered = race.view(_UNSIGNED[race.itemsize]) if race.min() >= 0 else race
    ordered.partition(race.size - k)
    return race[race.size - k]
