"""The k best of many scores: exact counts, ties by position, fast also when most scores are equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Literal

import numpy as np

Arrays = dict[str, np.ndarray]
Ties = Literal["first", "keep"]

# Every 509th score (in smaller models 127th …) tells about where the border lies; should it mislead, once in
# eighty times, more of them do. Primes, because sizes of layers are not: 512 might see one channel only.
_STRIDES = (509, 127, 31, 7)
_ENOUGH = 16_000  # scores in a sample; where none is that large, all scores are sorted
_PART = 1 << 17  # scores looked at in one go: they stay in the processor's cache


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
    grows linearly with the number of scores; no copy of them is made, only the bool arrays returned.
    """
    if ties not in ("first", "keep"):
        raise ValueError(f'ties must be "first" or "keep". Received: {ties!r}.')
    border = _kth_largest(scores, k)
    # In C order whatever that of the scores (a transpose, a broadcast), so that parts of them are views.
    keep = {path: np.asarray(np.greater_equal(s, border, order="C")) for path, s in scores.items()}
    if ties == "first":
        _drop_last_ties(scores, keep, border, sum(map(np.count_nonzero, keep.values())) - k)
    return keep


def _drop_last_ties(scores: Arrays, keep: Arrays, border: float, surplus: int) -> None:
    for path in reversed(scores):
        pairs = zip(_parts(scores[path]), _parts(keep[path]), strict=True)
        for part, kept in reversed(list(pairs)):
            if surplus <= 0:
                return
            tied = part == border
            if np.count_nonzero(tied) > surplus:
                tied[np.flatnonzero(tied)[:-surplus]] = False
            kept &= ~tied
            surplus -= np.count_nonzero(tied)


def _kth_largest(scores: Arrays, k: int) -> np.generic:
    """The k-th largest value: a sample tells about where it is, then only what lies there is sorted.

    Floyd & Rivest 1975 (SELECT), with both ends of the bracket counted apart. np.partition moves every value,
    and takes 30 to 80 times as long where many are equal, as weights already pruned are.
    """
    total = sum(s.size for s in scores.values())
    if not 1 <= k <= total:
        raise ValueError(f"k must be in [1, {total}], the number of scores. Received: {k}.")
    for stride in (stride for stride in _STRIDES if total >= stride * _ENOUGH):
        found = _within(scores, k, *_bracket(scores, k / total, stride))
        if found is not None:
            return found
    return _sorted((s.reshape(-1) for s in scores.values()), scores)[total - k]


def _bracket(scores: Arrays, share: float, stride: int) -> tuple[np.generic, np.generic]:
    """Two values with the border between them, most probably: 2.5 standard errors away from its rank."""
    sample = _sorted((s.reshape(-1)[::stride] for s in scores.values()), scores)
    place, error = sample.size * (1 - share), 2.5 * np.sqrt(sample.size * share * (1 - share)) + 1
    return sample[max(0, int(place - error))], sample[min(sample.size - 1, int(place + error))]


def _within(scores: Arrays, k: int, low: np.generic, high: np.generic) -> np.generic | None:
    """The k-th largest value if it is in [low, high]. Both ends may be the value of very many scores."""
    over_low, inside = 0, []
    for part in (part for s in scores.values() for part in _parts(s)):
        over = part > low
        over_low += np.count_nonzero(over)
        inside.append(np.compress(over & (part < high), part))  # part[...] branches, and takes twice as long
    from_high = over_low - sum(part.size for part in inside)
    if k > over_low:
        return low if k <= over_low + _count(scores, low) else None
    if k > from_high:
        return _sorted(inside, scores)[from_high - k]
    return high if low < high and k > from_high - _count(scores, high) else None


def _count(scores: Arrays, value: np.generic) -> int:
    return sum(np.count_nonzero(part == value) for s in scores.values() for part in _parts(s))


def _parts(scores: np.ndarray) -> Iterator[np.ndarray]:
    """The scores in flat pieces, whose temporary copies are small."""
    flat = np.ravel(scores)
    for start in range(0, flat.size, _PART):
        yield flat[start : start + _PART]


def _sorted(parts: Iterable[np.ndarray], among: Arrays) -> np.ndarray:
    """All values of flat parts, in the one type that holds those of all arrays, smallest first."""
    kind = np.result_type(np.float32, *among.values())
    return np.sort(np.concatenate([part.astype(kind, copy=False) for part in parts]))
