"""The k best of many scores: exact counts, ties by position, fast also when most scores are equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Literal

import numpy as np

Arrays = dict[str, np.ndarray]
Ties = Literal["first", "keep"]
Pairs = list[tuple[np.ndarray, np.ndarray]]  # a flat part of the scores, and the same part of the masks

# Every 509th score (in smaller models 127th …) tells about where the border lies; should it mislead, once in
# eighty times, more of them do. Primes, because sizes of layers are not: 512 might see one channel only.
_STRIDES = (509, 127, 31, 7)
_ENOUGH = 16_000  # scores in a sample; where none is that large, all scores are partitioned
_PART = 1 << 19  # scores looked at in one go: what is made of them stays in the processor's cache


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
    grows linearly with the number of scores; no copy is made of those that lie in C order.
    """
    if ties not in ("first", "keep"):
        raise ValueError(f'ties must be "first" or "keep". Received: {ties!r}.')
    total = sum(s.size for s in scores.values())
    if not 1 <= k <= total:
        raise ValueError(f"k must be in [1, {total}], the number of scores. Received: {k}.")
    # In C order whatever that of the scores (a transpose, a broadcast), so that parts of it are views.
    keep = {path: np.empty(s.shape, bool) for path, s in scores.items()}
    pairs = [pair for path, s in scores.items() for pair in zip(_parts(s), _parts(keep[path]), strict=True)]
    kind = np.result_type(np.float32, *scores.values())  # holds the values of all
    for stride in (stride for stride in _STRIDES if total >= stride * _ENOUGH):
        sample = _joined([s.reshape(-1)[::stride] for s in scores.values()], kind)
        if _settle_between(pairs, k, ties, *_bracket(sample, k / total)):
            return keep
    _settle(pairs, k, ties, _ranked(_joined([part for part, _ in pairs], kind), total - k)[0])
    return keep


def _bracket(sample: np.ndarray, share: float) -> np.ndarray:
    """Two values with the border between them, most probably: 2.5 standard errors away from its rank."""
    place, error = sample.size * (1 - share), 2.5 * np.sqrt(sample.size * share * (1 - share)) + 1
    return _ranked(sample, max(0, int(place - error)), min(sample.size - 1, int(place + error)))


def _settle_between(pairs: Pairs, k: int, ties: Ties, low: np.generic, high: np.generic) -> bool:
    """Mark the k largest scores if the smallest of them is in [low, high]; otherwise say so.

    Floyd & Rivest 1975 (SELECT), with both ends of the bracket counted apart, as they may be the value of
    very many scores. np.partition moves every score. Here all are read once, and only those between moved.
    """
    places, inside, above = zip(*(_between(part, kept, low, high) for part, kept in pairs), strict=True)
    count, above = sum(map(len, inside)), sum(above)
    if above < k <= above + count:
        chosen = _chosen(np.concatenate(inside).astype(low.dtype, copy=False), k - above, ties)
        of_parts = np.split(chosen, np.cumsum([*map(len, inside)])[:-1])
        for (_, kept), place, verdict in zip(pairs, places, of_parts, strict=True):
            kept[place[verdict]] = True
        return True
    at_high = k <= above < k + _count(pairs, high)
    at_low = low < high and above + count < k <= above + count + _count(pairs, low)
    if at_high or at_low:
        _settle(pairs, k, ties, high if at_high else low)
    return at_high or at_low


def _between(
    part: np.ndarray, kept: np.ndarray, low: np.generic, high: np.generic
) -> tuple[np.ndarray, np.ndarray, int]:
    """Mark the scores from `high` on as kept; places, values of those between; the count of the kept."""
    np.greater_equal(part, high, out=kept)
    places = np.flatnonzero((part > low) > kept)
    return places, part.take(places), np.count_nonzero(kept)


def _chosen(values: np.ndarray, k: int, ties: Ties) -> np.ndarray:
    """The k largest of some values, as bools."""
    chosen = np.empty(values.size, bool)
    _settle([(values, chosen)], k, ties, _ranked(values.copy(), values.size - k)[0])
    return chosen


def _settle(pairs: Pairs, k: int, ties: Ties, border: np.generic) -> None:
    """Mark the scores from `border` on as kept; the last of its equals only if they may be more than k."""
    for part, kept in pairs:
        np.greater_equal(part, border, out=kept)
    surplus = sum(np.count_nonzero(kept) for _, kept in pairs) - k if ties == "first" else 0
    for part, kept in reversed(pairs):
        if surplus <= 0:
            return
        tied = part == border
        if np.count_nonzero(tied) > surplus:
            tied[np.flatnonzero(tied)[:-surplus]] = False
        kept &= ~tied
        surplus -= np.count_nonzero(tied)


def _count(pairs: Pairs, value: np.generic) -> int:
    return sum(np.count_nonzero(part == value) for part, _ in pairs)


def _parts(scores: np.ndarray) -> Iterator[np.ndarray]:
    """The scores in flat pieces, whose temporary copies are small."""
    flat = np.ravel(scores)
    for start in range(0, flat.size, _PART):
        yield flat[start : start + _PART]


def _joined(parts: Sequence[np.ndarray], kind: np.dtype) -> np.ndarray:
    """All values of flat parts, as a copy."""
    return np.concatenate([part.astype(kind, copy=False) for part in parts])


def _ranked(values: np.ndarray, *ranks: int) -> np.ndarray:
    """The values at these ranks, 0 for the smallest; reorders `values`.

    NumPy selects one rank by another method than several, which takes 25 times as long where most values are
    equal: so there are always two here.
    """
    values.partition([*ranks, ranks[-1]])
    return values[list(ranks)]
