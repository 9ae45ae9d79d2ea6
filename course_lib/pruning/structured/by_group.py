"""What each group of coupled channels costs, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import keras
import numpy as np

from ..macs import uses
from ..masks import Masks
from ..variables import prunable_variables
from .alive import living
from .channels import Channels
from .costs import Sizes
from .labels import Weight


class GroupRow(NamedTuple):
    """One line of `by_group`: pairs (before, after) of numbers of channels, of parameters and of MACs."""

    name: str
    channels: tuple[int, int]
    parameters: tuple[int, int]
    macs: tuple[int, int]


def by_group(
    model: keras.Model, channels: Channels, masks: Mapping[str, np.ndarray], x: Any = None
) -> list[GroupRow]:
    """The groups of a model, frozen ones too, with what `shrink(model, masks)` leaves of each.

    A weight counts where it makes channels (γ, β and biases: where they go with them), a kernel that makes
    channels of several groups by its share in each; the last row, "the rest", has what goes with no channel.
    So the columns add up to `parameters` and to `macs(..., x=x)` of the model and of the shrunk one.
    Raises: ValueError as `shrink` and `macs` do.
    """
    masks = Masks(masks)
    masks.variables(model)
    alive = living(channels, masks)
    groups = [*channels.groups.values(), *channels.frozen]
    table = np.zeros((len(groups) + 1, 3, 2), np.int64)
    for i, group in enumerate(groups):
        table[i, 0] = len(group.units), np.count_nonzero(alive[group.units])
    sizes, used = Sizes(model, channels), uses(model, x)
    used = {path: used.get(path, 0) for path in prunable_variables(model)}
    home = np.full(len(channels.roots), len(groups))
    for i, group in enumerate(groups):
        home[group.units] = i
    for when, left in enumerate((np.ones_like(alive), alive)):
        shapes, times = sizes.shapes(left), sizes.uses(used, left)
        for path, shape in shapes.items():
            share = _share(channels.weights.get(path), left, home[channels.roots], len(table))
            table[:, 1, when] += share * (prod(shape) // share.sum())
            table[:, 2, when] += share * (prod(shape) // share.sum()) * times.get(path, 0)
    names = [group.name for group in groups] + ["the rest"]
    return [
        GroupRow(name, *(tuple(pair) for pair in row.tolist()))
        for name, row in zip(names, table, strict=True)
    ]


def _share(weight: Weight | None, alive: np.ndarray, home: np.ndarray, count: int) -> np.ndarray:
    """How many living channels of each group a weight makes, (groups,); 1 of the rest if of none."""
    named = [axis for axis in weight.axes if axis is not None] if weight else []
    made = weight.axes[weight.makes] if weight and weight.makes is not None else None
    if made is None and not named:
        return np.eye(count, dtype=np.int64)[-1]
    labels = named[-1] if made is None else made
    return np.bincount(home[labels[alive[labels]]], minlength=count)
