"""What one unit of pruning is. A granularity has two methods that undo each other in shape:

`pool(scores) → units` turns the scores of single weights into one score a unit, and
`expand(keep, like) → masks` turns the verdict on each unit back into one on every weight of `like`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .select import Arrays


class Granularity(Protocol):
    """What `make_masks` asks of a granularity."""

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores of weights} → {name: scores of units}, larger = keep."""

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{name: bool of units} → {path: bool array shaped as `like[path]`}, True = kept."""


@dataclass(frozen=True)
class Element:
    """Every single weight is a unit of its own: unstructured pruning, both methods are the identity."""

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores} unchanged."""
        return scores

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{path: bool array} unchanged."""
        return keep
