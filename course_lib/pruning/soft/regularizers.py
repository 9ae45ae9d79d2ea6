"""Penalties that prepare a model for pruning, put on and taken off without building it anew.

Keras adds `variable.regularizer(variable)` of every trainable weight to the loss, so a penalty is any
function tensor → scalar: `keras.regularizers.L1(1e-4)`, `keras.regularizers.L2(1e-4)`, a `GroupLasso`, one
of your own.

None of them makes zeros by itself: a gradient step jumps over 0, and Adam's never stops there. They make
small weights, which pruning then cuts; for exact zeros see `ThresholdDecay`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from ..granularity import Channel, Granularity
from ..holding import retrace
from ..variables import Variables, check_model, named_variables, prunable_variables
from .coupled import Coupled
from .units import Units

Penalty = Callable[[Any], Any]
ops = keras.ops


class GroupLasso:
    """strength · Σ over units of √(number of weights) · ‖w_unit‖₂: shrinks whole units (Yuan & Lin 2006).

    Inside networks: Wen et al. 2016, arXiv:1608.03665. A unit is what the granularity says: `Channel()`, a
    `Block(rows, cols)` (also the smaller ones at the edge), `Element()`, which makes it L1, or the weights of
    one input, `Block(1, columns)` with at least as many columns as the kernel has. The gradient of a unit
    that is all zero is 0.

    With `Channels(model)`, for `penalize` only, a unit is a coupled channel: its slices of all kernels that
    make it, of scales (γ) and of all kernels that use it have one norm, and shrink together (the group
    sparsity of DepGraph, Fang et al. 2023, arXiv:2301.12900).
    Raises: ValueError unless strength is a finite number ≥ 0.
    """

    def __init__(self, strength: float, granularity: Granularity = Channel()) -> None:  # noqa: B008 (frozen)
        if not (np.isfinite(strength) and strength >= 0):
            raise ValueError(f"strength must be a finite number, 0 or more. Received: {strength}.")
        self.strength, self.granularity = strength, granularity

    def __call__(self, weights: Any) -> Any:
        """The penalty of one tensor of weights, a scalar."""
        if self.coupled:
            raise TypeError(
                "Coupled channels lie in many weights: use penalize(model, GroupLasso(strength, "
                f"Channels(model))). Received: one tensor of shape {tuple(weights.shape)}."
            )
        units = Units(self.granularity, {"weights": tuple(weights.shape)})
        norms = units.norms({"weights": ops.convert_to_tensor(weights)})
        return self.strength * ops.sum(ops.cast(np.sqrt(units.sizes), norms.dtype) * norms)

    @property
    def coupled(self) -> bool:
        """Do its units reach over several weights of a model?"""
        return hasattr(self.granularity, "slices")

    def over(self, named: Variables, paths: Iterable[str]) -> Callable[[Any], Any]:
        """For coupled units: the penalty of all that these kernels make, whatever the function is given."""
        slices = self.granularity.slices(paths)
        if not slices:
            raise ValueError(
                "There is nothing to penalize: none of these kernels makes channels that are free to go. "
                f"Received: {', '.join(paths)}. {self.granularity}"
            )
        if missing := [path for path in slices if path not in named]:
            raise ValueError(f"These are the channels of another model. Received: {missing[0]!r} among them.")
        units = Coupled(slices, {path: tuple(named[path].shape) for path in slices})

        def penalty(_: Any) -> Any:
            return self.strength * ops.sum(np.sqrt(units.sizes) * units.norms(named))

        return penalty

    def __repr__(self) -> str:
        return f"GroupLasso({self.strength}, {self.granularity!r})"


def penalize(
    model: keras.Model, *penalties: Penalty, within: Iterable[str | keras.Layer] | None = None
) -> None:
    """Add penalties on the prunable weights of a model to its loss, until `unpenalize`.

    They come on top of the regularizers the layers have, and replace the penalties of an earlier call.
    `within` limits them to these layers. Frozen layers are not penalized. A saved model knows nothing of
    them. Penalize the model you train, not a part of it.
    Raises: TypeError or ValueError, with nothing changed, for no penalty, one that is no function, or one
    that does not give a finite number for some weight.
    """
    if not penalties:
        raise ValueError("Give at least one penalty, as keras.regularizers.L1(1e-4); see also `unpenalize`.")
    variables, named = prunable_variables(model, within), named_variables(model)
    each = tuple(p for p in penalties if not getattr(p, "coupled", False))
    across = tuple(p.over(named, variables) for p in penalties if p not in each)
    # One variable of the loss carries what is about all of them; Keras asks only those that train.
    carrier = next((path for path, v in variables.items() if v.trainable), None)
    parts = {path: each + (across if path == carrier else ()) for path in variables}
    for path, variable in variables.items():
        for penalty in parts[path]:
            _check(penalty, path, variable)
    _take_off(model)
    for path in (path for path in variables if parts[path]):
        variables[path].regularizer = _Penalized(variables[path].regularizer, parts[path])
    retrace(model, "train", "test")


def unpenalize(model: keras.Model) -> None:
    """Take the penalties off again; the regularizers that the layers had before go on."""
    check_model(model)
    if _take_off(model):
        retrace(model, "train", "test")


class _Penalized:
    """A variable's regularizer while it is penalized: the user's own, if any, and ours."""

    def __init__(self, own: Penalty | None, penalties: tuple[Penalty, ...]) -> None:
        self.own, self.parts = own, (*penalties, *([own] if own else []))

    def __call__(self, value: Any) -> Any:
        return sum(ops.sum(part(value)) for part in self.parts)


def _take_off(model: keras.Model) -> bool:
    penalized = [v for v in model.weights if isinstance(v.regularizer, _Penalized)]
    for variable in penalized:
        variable.regularizer = variable.regularizer.own
    return bool(penalized)


def _check(penalty: Penalty, path: str, variable: keras.Variable) -> None:
    if not callable(penalty) or isinstance(penalty, type):
        raise TypeError(
            f"A penalty must be a function weights → number, as keras.regularizers.L1(1e-4). "
            f"Received: {penalty!r}."
        )
    value = np.asarray(penalty(variable))
    if value.shape != () or not np.isfinite(value):
        raise ValueError(
            f"The penalty of {path!r} must be one finite number. Received: {value!r} from {penalty!r}. "
            "Are the weights finite?"
        )
