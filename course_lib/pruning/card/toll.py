"""Who pays for the pruning: accuracy by class before and after, and the examples that changed.

Hooker et al. 2019, arXiv:1911.05248: overall accuracy may hold while a few classes, and the examples that are
hard anyway, lose much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import Any, NamedTuple

import keras
import numpy as np

from ..table import as_html, as_text
from .predictions import labels, paired_error, predicted


class ClassToll(NamedTuple):
    """One class: its number of examples, accuracies before and after, and how far noise explains the change.

    `error` is the standard error of the change, `p` the probability of a change at least as large if pruning
    harmed and helped this class alike; with many classes, Holm's correction is in it.
    """

    name: str
    count: int
    before: float
    after: float
    error: float
    p: float

    @property
    def change(self) -> float:
        """Accuracy after minus before."""
        return self.after - self.before


class Toll(tuple[ClassToll, ...]):
    """The classes of `who_pays(...)`, those that lose most first; prints as a table.

    `all` is the row of all examples; `changed` are the numbers of the examples with another prediction than
    before, `lost` of those that were right and no longer are, `gained` of those that are right now.
    """

    all: ClassToll
    changed: np.ndarray
    lost: np.ndarray
    gained: np.ndarray

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "class", "verdict", "examples", "before", "after", "change", "p"
        for row in (*self, self.all):
            verdict = "within noise" if row.p >= 0.05 else "loses" if row.change < 0 else "gains"
            change = f"{100 * row.change:+.1f} ± {100 * row.error:.1f}"
            shares = f"{row.before:.1%}", f"{row.after:.1%}"
            yield (
                row.name,
                verdict,
                f"{row.count:,}",
                *shares,
                change,
                "< 0.001" if row.p < 1e-3 else f"{row.p:.3f}",
            )

    def __repr__(self) -> str:
        counts = f"{len(self.changed)} predictions changed: {len(self.lost)} lost, {len(self.gained)} gained"
        return f"{as_text(self._rows(), left=2)}\n{counts}"

    def _repr_html_(self) -> str:
        return as_html(self._rows(), left=2, caption=f"{len(self.changed)} predictions changed")


def who_pays(
    before: keras.Model,
    after: keras.Model,
    x: Any,
    y: Any,
    names: Sequence[str] | None = None,
    threshold: float | None = None,
) -> Toll:
    """Accuracy by class of two models on the same examples, with a paired test, so noise is not read as harm.

    Of the examples on which one model is right and the other wrong, half should favour either if pruning
    does no harm: the exact McNemar test. `y` as in `accuracy_on`; `names` of the classes 0, 1, …;
    `threshold` as in `predicted`, for models with one output. Use examples that no training and no
    choice has seen.
    Raises: ValueError as `predicted` and `labels` do.
    """
    return compared(predicted(before, x, threshold), predicted(after, x, threshold), y, names)


def compared(before: np.ndarray, after: np.ndarray, y: Any, names: Sequence[str] | None = None) -> Toll:
    """`who_pays` from what was predicted before and after. Raises: ValueError for shapes that differ."""
    if before.shape != after.shape:
        raise ValueError(
            f"The models must answer alike. Received: predictions of shapes {before.shape} and {after.shape}."
        )
    truth = labels(y, before)
    old, new, flat = (before == truth).ravel(), (after == truth).ravel(), truth.ravel()
    rows = []
    for c in np.unique(flat):
        title = str(names[c]) if names is not None and 0 <= c < len(names) else str(c)
        rows.append(_row(title, old[flat == c], new[flat == c]))
    adjusted = holm([row.p for row in rows])
    rows = [row._replace(p=p) for row, p in zip(rows, adjusted, strict=True)]
    toll = Toll(sorted(rows, key=lambda row: row.change))
    toll.all = _row("all", old, new)
    toll.changed = np.flatnonzero((before != after).ravel())
    toll.lost, toll.gained = np.flatnonzero(old & ~new), np.flatnonzero(new & ~old)
    return toll


def mcnemar(lost: int, gained: int) -> float:
    """The exact two-sided p: 2 · P(X ≤ min(lost, gained)), X binomial (lost + gained, ½), at most 1."""
    n = lost + gained
    return min(1.0, 2 * sum(comb(n, i) for i in range(min(lost, gained) + 1)) / 2**n)


def holm(p: Sequence[float]) -> list[float]:
    """p-values of several tests, raised so that any false alarm at all has the probability they say."""
    order, result, largest = np.argsort(p), [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        result[i] = largest
    return result


def _row(name: str, old: np.ndarray, new: np.ndarray) -> ClassToll:
    p = mcnemar(int((old & ~new).sum()), int((new & ~old).sum()))
    return ClassToll(name, len(old), float(old.mean()), float(new.mean()), paired_error(old, new), p)
