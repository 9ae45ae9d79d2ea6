"""Channels have names: one whole number per position of an axis. What must live or die together is united.

A rule (see `rules.py`) says of one kind of operation how names pass through it, and tells a `Labels` what it
finds on the way: fresh names, weights and the names of their axes, and sizes that a configuration holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

Axis = np.ndarray | None  # the labels of an axis, or None: its positions are not channels
Size = Any  # labels (how many are alive), a number, a function alive → value, or a tuple of such


@dataclass(frozen=True)
class Tensor:
    """What a rule sees in place of a tensor: its shape, and for each axis the labels (or None).

    `zero`: a removed channel carries zeros here while it is only masked; not so after a sigmoid.
    """

    shape: tuple[int | None, ...]
    axes: tuple[Axis, ...]
    zero: bool = False

    def named(self, axis: int, labels: Axis, zero: bool | None = None) -> Tensor:
        """The same tensor with other labels on one axis."""
        axes, shape = list(self.axes), list(self.shape)
        axes[axis], shape[axis] = labels, shape[axis] if labels is None else len(labels)
        return Tensor(tuple(shape), tuple(axes), self.zero if zero is None else zero)

    def dead_as(self, zero: bool) -> Tensor:
        """The same tensor, with another opinion of what removed channels carry."""
        return replace(self, zero=zero)


@dataclass(frozen=True)
class Weight:
    """A weight and the labels of its axes; `makes` is the axis along which it makes channels, if any."""

    variable: keras.Variable
    axes: tuple[Axis, ...]
    makes: int | None


class Labels:
    """The labels of one model while rules are applied, and all that the rules have found.

    Attributes: `shapes`, those of the outputs of the operation at hand; `weights`, {id: Weight};
    `sizes`, {id of an operation: {configuration key: Size}}; `factors`, {id of a weight: function alive →
    factor}; `keys`, {id of an x[key]: function alive → key}; `repeats`, {id of a kernel: for each call the
    sizes of axes with names along which it is used again and again}; `frozen`, a list of (labels, why);
    `parts`, labels that must not all go; `inexact`, a list of sentences.
    """

    def __init__(self) -> None:
        self.count = 0
        self.shapes: list[tuple[int | None, ...]] = []
        self.operation: keras.Operation | None = None
        self.weights: dict[int, Weight] = {}
        self.sizes: dict[int, dict[str, Size]] = {}
        self.factors: dict[int, Callable] = {}
        self.keys: dict[int, Callable] = {}
        self.repeats: dict[int, list[tuple]] = {}
        self.frozen: list[tuple[np.ndarray, str]] = []
        self.parts: list[np.ndarray] = []
        self.blocks: list[np.ndarray] = []
        self.grouped: dict[int, np.ndarray] = {}
        self.inexact: list[str] = []
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._alike: list[tuple[np.ndarray, np.ndarray]] = []

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of the first output of the operation at hand."""
        return self.shapes[0]

    def fresh(self, size: int) -> np.ndarray:
        """New labels for channels that are made here."""
        self.count += size
        return np.arange(self.count - size, self.count)

    def unite(self, one: Axis, other: Axis) -> Axis:
        """Labels at equal places live or die together; where one axis has none, the other's are frozen."""
        if one is None or other is None:
            self.freeze(one, "joined with positions that are no channels")
            self.freeze(other, "joined with positions that are no channels")
            return one if other is None else other
        if one is not other:
            self.pairs.append((one, other))
        return one

    def alike(self, rows: np.ndarray) -> None:
        """Every row, (groups, n), loses the same places; within a row channels may change places."""
        self._alike += [(rows[0], row) for row in rows[1:]]
        self.blocks.append(rows)

    def whole(self, rows: np.ndarray) -> None:
        """Every row, (groups, n), lives or dies as one; within a row channels may change places."""
        self._alike += [(rows[:, 0], place) for place in rows.T[1:]]
        self.blocks.append(rows)

    def freeze(self, labels: Axis, why: str) -> None:
        """These channels stay; `why` completes "add: …"."""
        if labels is not None and len(labels):
            self.frozen.append((labels, f"{self.operation.name}: {why}" if self.operation else why))

    def freeze_all(self, tensor: Any, why: str, but: Sequence[int] = ()) -> None:
        """Freeze all axes of a tensor, or of all tensors in a structure, except those given."""
        for leaf in keras.tree.flatten(tensor):
            if isinstance(leaf, Tensor):
                spared = {axis % len(leaf.axes) for axis in but}
                for axis, labels in enumerate(leaf.axes):
                    if axis not in spared:
                        self.freeze(labels, why)

    def part(self, labels: Axis) -> Axis:
        """Labels that are alone in a tensor from here on (a slice, a split): one of them must survive."""
        if labels is not None:
            self.parts.append(labels)
        return labels

    def weight(self, variable: Any, axes: Sequence[Axis], makes: int | None = None) -> None:
        """Record the labels of a weight's axes (None: leave the variable out); called again, unite them."""
        if variable is None:
            return
        before = self.weights.get(id(variable))
        if before is not None:
            axes = [self.unite(a, b) for a, b in zip(before.axes, axes, strict=True)]
        self.weights[id(variable)] = Weight(variable, tuple(axes), makes)

    def size(self, operation: keras.Operation, **sizes: Size) -> None:
        """Entries of an operation's configuration that are numbers of channels; called again, unite them."""
        before = self.sizes.setdefault(id(operation), {})
        for key in before.keys() & sizes.keys():
            self._same_length(before[key], sizes[key])
        before.update(sizes)

    def _same_length(self, one: Size, other: Size) -> None:
        if isinstance(one, tuple) and isinstance(other, tuple):
            for pair in zip(one, other, strict=True):
                self._same_length(*pair)
        elif isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            self.unite(*(size if isinstance(size, np.ndarray) else None for size in (one, other)))

    def repeat(self, kernel: Any, axes: Sequence[Axis], shape: Sequence[int | None]) -> None:
        """A call of a layer uses its kernel once for every position along these axes."""
        sizes = tuple(n or 1 if a is None else a for n, a in zip(shape, axes, strict=True))
        self.repeats.setdefault(id(kernel), []).append(sizes)

    def roots(self, alike: bool = True) -> np.ndarray:
        """For each label the smallest label it is united with, directly or not: (count,).

        Without `alike`, only what is one channel: not equal places of several groups.
        """
        root = np.arange(self.count)
        pairs = self.pairs + self._alike * alike
        if not pairs:
            return root
        left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        while (root[left] != root[right]).any():
            low = np.minimum(root[left], root[right])
            np.minimum.at(root, np.maximum(root[left], root[right]), low)
            while ((above := root[root]) != root).any():
                root = above
        return root


def length(size: Size, alive: np.ndarray) -> Any:
    """What a configuration entry becomes when only some labels are alive: alive is bool (count,)."""
    if isinstance(size, np.ndarray):
        return int(np.count_nonzero(alive[size]))
    if isinstance(size, tuple):
        return tuple(length(part, alive) for part in size)
    return size(alive) if callable(size) else size
