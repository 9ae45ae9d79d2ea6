"""Channels: the coupled channels of a model as units of pruning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from ..select import Arrays
from ..variables import named_variables
from .labels import Weight
from .rules import Rule
from .trace import trace


@dataclass
class Group:
    """Channels that the same kernels make: they live or die one by one, but through all these layers.

    `makers` and `consumers` are paths of kernels; `units` (channels,) has a label for each channel; `frozen`
    says why they stay, if they do.
    """

    units: np.ndarray
    makers: list[str] = field(default_factory=list)
    consumers: list[str] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The layers that make these channels."""
        return " + ".join(dict.fromkeys(path.rpartition("/")[0] for path in self.makers))

    def __str__(self) -> str:
        users = len(set(self.consumers) - set(self.makers))
        why = f": {'; '.join(dict.fromkeys(self.frozen))}" if self.frozen else ""
        return f"{self.name}, {_count(len(self.units), 'channel')}, {_count(users, 'consumer')}{why}"


class Channels:
    """The coupled channels of a Functional or Sequential model, a granularity: one unit is one channel.

    With a channel goes its slice of each kernel that makes it, of biases, γ, β and moving statistics, and
    of each kernel that uses it; through additions the channels of several layers are one. So these masks are
    those of a smaller model, which `shrink` returns. A unit's score is the mean over all kernel weights that
    make it (group-wise importance); a sparsity counts channels. Inputs, outputs and whatever meets an
    operation without a rule stay; `print(Channels(model))` lists them and says why.

    `rules` adds rules for layers of your own, {class: rule}; see `rules`. Found once: make it anew if the
    model changes. Raises: TypeError or ValueError unless the model is built, and Functional or Sequential.
    """

    def __init__(self, model: keras.Model, rules: Mapping[type, Rule] | None = None) -> None:
        self.labels = trace(model, rules)
        found, self.model_name = self.labels.weights, model.name
        named = named_variables(model).items()
        self.weights: dict[str, Weight] = {path: found[id(v)] for path, v in named if id(v) in found}
        self.roots = self.labels.roots()
        everything = self._groups()
        self.groups = {" + ".join(g.makers): g for g in everything if not g.frozen}
        self.frozen = [g for g in everything if g.frozen]

    def pool(self, scores: Arrays) -> Arrays:
        """{path: scores of kernels} → {group: scores (channels,)}, float64: means over what makes a channel.

        Groups none of whose makers is scored take no part. Raises: ValueError if that leaves none.
        """
        total, number = np.zeros(len(self.roots)), np.zeros(len(self.roots))
        for path, weight in self.weights.items():
            if weight.makes is not None and weight.axes[weight.makes] is not None and path in scores:
                self._add(total, number, weight, scores[path])
        part = {key: g.units for key, g in self.groups.items() if number[g.units].all()}
        if not part:
            raise ValueError(f"There are no channels to prune among {', '.join(scores)}. {self}")
        return {key: total[units] / number[units] for key, units in part.items()}

    def expand(self, keep: Arrays, like: Arrays) -> Arrays:
        """{group: bool (channels,)} → {path: bool array} of every weight with a slice of such a channel.

        Also of weights that `like` lacks: biases, normalisations, the consumers' kernels.
        """
        alive, touched = self.alive(keep), ~self.alive({key: np.zeros_like(k) for key, k in keep.items()})
        masks = {path: np.ones(np.shape(scores), bool) for path, scores in like.items()}
        for path, weight in self.weights.items():
            if any(touched[a].any() for a in weight.axes if a is not None):
                masks[path] = sliced(weight, alive)
        return masks

    def alive(self, keep: Arrays) -> np.ndarray:
        """{group: bool (channels,)} → bool (labels,): is the channel of a label kept? Others are."""
        alive = np.ones(len(self.roots), bool)
        for key, verdict in keep.items():
            alive[self.groups[key].units] = verdict
        return alive[self.roots]

    def slices(self, paths: Iterable[str]) -> dict[str, list[tuple[int, np.ndarray]]]:
        """Where the weights of each channel lie: {path: [(axis, channel at each place of it, or −1)]}.

        All slices of kernels that make or use a channel and of scales (γ), not of biases, β and statistics;
        of the groups that any of `paths` makes, whose channels are numbered one after the other. A kernel's
        weight is in the slices of two channels: that which it makes and that which it uses.
        """
        taking = [g for g in self.groups.values() if not set(paths).isdisjoint(g.makers)]
        number = np.full(len(self.roots), -1)
        for group in taking:
            number[group.units] = np.arange(len(group.units)) + number.max() + 1
        found: dict[str, list[tuple[int, np.ndarray]]] = {}
        for path, weight in self.weights.items():
            if weight.makes is not None or path.endswith(("gamma", "scale")):
                places = [(i, number[self.roots[a]]) for i, a in enumerate(weight.axes) if a is not None]
                found[path] = [(axis, units) for axis, units in places if (units >= 0).any()]
        return {path: places for path, places in found.items() if places}

    def _add(self, total: np.ndarray, number: np.ndarray, weight: Weight, scores: np.ndarray) -> None:
        others = tuple(i for i in range(scores.ndim) if i != weight.makes)
        sums, units = scores.sum(axis=others, dtype=np.float64), self.roots[weight.axes[weight.makes]]
        total += np.bincount(units, sums, minlength=len(total))
        number += np.bincount(units, minlength=len(total)) * (scores.size / len(sums))

    def _groups(self) -> list[Group]:
        group_of, groups = self._partition()
        for path, weight in self.weights.items():
            for axis, labels in enumerate(weight.axes):
                if labels is not None and weight.makes is not None:
                    for index in np.unique(group_of[self.roots[labels]]):
                        group = groups[index]
                        (group.makers if axis == weight.makes else group.consumers).append(path)
        for labels, why in self.labels.frozen:
            for index in np.unique(group_of[self.roots[labels]]):
                groups[index].frozen.append(why)
        return [g for g in groups if g.makers]

    def _partition(self) -> tuple[np.ndarray, list[Group]]:
        """Which group each label's channel belongs to: channels made by the same kernels are one group."""
        made = [w.axes[w.makes] for w in self.weights.values() if w.makes is not None]
        stays = [labels for labels, _ in self.labels.frozen]
        draw, signature = np.random.default_rng(0), np.zeros(len(self.roots), np.uint64)
        for labels in [*made, *self.labels.parts, np.concatenate([*stays, self.roots[:0]])]:
            if labels is not None:  # sums of random numbers are equal for equal sets only
                signature[np.unique(self.roots[labels])] += draw.integers(2**63, dtype=np.uint64)
        units = np.unique(self.roots)
        _, first, group = np.unique(signature[units], return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))[group]  # in the order of the model
        group_of = np.zeros(len(self.roots), int)
        group_of[units] = order
        return group_of, [Group(units[order == i]) for i in range(len(first))]

    def __str__(self) -> str:
        return "\n".join(
            [f"Channels of {self.model_name!r}: {_count(len(self.groups), 'group')}, "
             f"{_count(sum(len(g.units) for g in self.groups.values()), 'channel')}"]
            + [f"  {group}" for group in self.groups.values()]
            + ["Frozen:"] * bool(self.frozen)
            + [f"  {group}" for group in self.frozen]
            + ["Never exact:"] * bool(self.labels.inexact)
            + [f"  {line}" for line in dict.fromkeys(self.labels.inexact)]
        )  # fmt: skip

    __repr__ = __str__


def sliced(weight: Weight, alive: np.ndarray) -> np.ndarray:
    """The mask of a weight, True where the channels of all its axes are alive; alive is bool (labels,)."""
    mask = np.ones(tuple(weight.variable.shape), bool)
    for axis, labels in enumerate(weight.axes):
        if labels is not None:
            mask &= alive[labels].reshape([-1 if i == axis else 1 for i in range(mask.ndim)])
    return mask


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s'[number == 1 :]}"
