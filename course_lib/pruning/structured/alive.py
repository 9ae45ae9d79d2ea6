"""Which channels masks leave."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .channels import Channels
from .labels import Weight


def living(channels: Channels, masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which labels are left, bool (labels,): those of channels that any kernel still makes.

    Raises: ValueError for masks that remove no channel, or that do not follow the coupling.
    """
    makers = [
        w for w in channels.weights.items() if w[1].makes is not None and w[1].axes[w[1].makes] is not None
    ]
    dead, made = np.zeros(len(channels.roots), bool), {}
    for path, weight in makers:
        units, gone = channels.roots[weight.axes[weight.makes]], _masked_slices(weight, masks.get(path))
        made[path] = units, gone
        dead[units[gone]] = True
    for path, (units, gone) in made.items():
        if (dead[units] & ~gone).any():
            raise ValueError(_uncoupled(channels, path, made, int(units[dead[units] & ~gone][0])))
    for group in channels.frozen:
        dead[group.units] = False
    for group in channels.groups.values():
        if dead[group.units].all():
            raise ValueError(
                f"The masks would leave nothing of {group.name}. Received: all {len(group.units)} channels "
                "masked. Keep one, or take the layers out."
            )
    if not dead.any():
        raise ValueError(
            f"No channel can be removed: none is masked in all its weights. Received: {masks!r}. Make them "
            "with make_masks(model, ..., granularity=Channels(model))."
        )
    return ~dead[channels.roots]


def _masked_slices(weight: Weight, mask: np.ndarray | None) -> np.ndarray:
    """For each channel that a kernel makes: is every weight of it masked?"""
    if mask is None:
        return np.zeros(weight.variable.shape[weight.makes], bool)
    return ~mask.any(axis=tuple(i for i in range(mask.ndim) if i != weight.makes))


def _uncoupled(channels: Channels, path: str, made: dict, unit: int) -> str:
    other = next(p for p, (units, gone) in made.items() if unit in units[gone])
    place = int(np.flatnonzero(made[path][0] == unit)[0])
    return (
        f"The masks do not follow the coupling of {channels.model_name!r}: a channel of {other!r} is "
        f"masked, but not channel {place} of {path!r}, which must go with it. Received: masks of "
        f"{len(made)} kernels. "
        "Make them with make_masks(model, ..., granularity=Channels(model))."
    )
