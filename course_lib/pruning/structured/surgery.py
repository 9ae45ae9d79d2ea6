"""shrink: a smaller model that computes what the masked one does."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from ..masks import Masks
from ..variables import named_variables
from .alive import living
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
    alive = living(channels, masks)
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
