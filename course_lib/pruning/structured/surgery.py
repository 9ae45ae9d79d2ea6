"""shrink: a smaller model that computes what the masked one does."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from ..masks import Masks
from ..variables import named_variables
from .channels import Channels
from .folding import folded, leftovers, warn_unless_equal
from .labels import Weight
from .rebuild import Rebuild
from .rules import Rule


def shrink(
    model: keras.Model,
    masks: Mapping[str, np.ndarray],
    rules: Mapping[type, Rule] | None = None,
    optimizer_state: bool = False,
) -> keras.Model:
    """A new, smaller Keras model without the channels that the masks remove; the given model stays as it is.

    `masks` are those of `make_masks(model, ..., granularity=Channels(model))`: the new model computes what
    the given one does with the masks applied, to float error, except behind a LayerNormalization (`print` the
    `Channels`). Masked weights within living channels stay, as zeros. It has the same type, names, inputs and
    outputs, is compiled the same way, and saves, loads and trains as any model; `optimizer_state=True`
    carries the memory of the optimizer over, too. `rules` are those given to `Channels`.

    Masks of kernels alone will do where layers are not coupled: then a removed channel was the constant
    f(bias), which is folded into the next layer's bias where that is exact (Dense; Conv with padding
    "valid"); otherwise a warning says that the result differs.
    Raises: ValueError for masks of another model, that remove no channel, or that do not follow the coupling.
    """
    masks = Masks(masks)
    masks.variables(model)
    channels = Channels(model, rules)
    alive = _alive(channels, masks)
    values = {path: _masked(np.asarray(v), masks.get(path)) for path, v in named_variables(model).items()}
    left = leftovers(channels, values, alive)
    if left:
        biases, x, expected = folded(model, masks, channels, values, alive)
        values |= biases
    new = Rebuild(channels.labels, alive)(model)
    # By place, as a layer that gives its weights no name has another path in every copy.
    for (path, value), variable in zip(values.items(), named_variables(new).values(), strict=True):
        variable.assign(_small(value, channels, path, alive))
    if left:
        warn_unless_equal(new, x, expected, left)
    if optimizer_state:
        _copy_slots(model, new, channels, alive)
    return new


def _alive(channels: Channels, masks: Masks) -> np.ndarray:
    """Which labels are left, (count,): those of channels that any kernel still makes."""
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


def _masked(value: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    return value if mask is None or mask.all() else np.where(mask, value, np.zeros((), value.dtype))


def _small(value: np.ndarray, channels: Channels, path: str, alive: np.ndarray) -> np.ndarray:
    weight = channels.weights.get(path)
    if weight is None:
        return value
    factor = channels.labels.factors.get(id(weight.variable))
    value = _cut(value, weight, alive)
    return value if factor is None else value * factor(alive).astype(value.dtype)


def _cut(value: np.ndarray, weight: Weight, alive: np.ndarray) -> np.ndarray:
    for axis, labels in enumerate(weight.axes):
        if labels is not None and not alive[labels].all():
            value = np.compress(alive[labels], value, axis=axis)
    return value


def _copy_slots(model: keras.Model, new: keras.Model, channels: Channels, alive: np.ndarray) -> None:
    """Momentum and its like are lists as long as the trainable weights, in their order."""
    optimizers = [getattr(m, "optimizer", None) for m in (model, new)]
    old, fresh = (getattr(o, "inner_optimizer", o) for o in optimizers)  # mixed_float16 wraps it
    if old is None or not old.built:
        raise ValueError(
            "optimizer_state=True carries over what the optimizer remembers. Received: a model that was "
            "not trained."
        )
    fresh.build(new.trainable_variables)
    cuts = channels.labels.weights
    for name, slots in vars(old).items():
        if isinstance(slots, list) and len(slots) == len(old._trainable_variables) and slots:
            for slot, twin, owner in zip(slots, getattr(fresh, name), old._trainable_variables, strict=True):
                same = isinstance(slot, keras.Variable) and slot is not owner and slot.shape == owner.shape
                if same:
                    value = np.asarray(slot)
                    twin.assign(_cut(value, cuts[id(owner)], alive) if id(owner) in cuts else value)
    for variable, twin in zip(old.variables, fresh.variables, strict=True):
        if len(variable.shape) == 0:  # the clock, the learning rate, loss scales
            twin.assign(variable)
