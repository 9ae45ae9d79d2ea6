"""harden: from learned gates to a plain pruned model, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from .holding import hold
from .learned import LearnedMasks
from .masks import Masks
from .scopes import Scope, globally


class Hardened(NamedTuple):
    """What `harden` returns: the plain model, its masks, and the metric before (soft) and after (hard)."""

    model: keras.Model
    masks: Masks
    soft: Any
    hard: Any


def harden(
    learned: LearnedMasks,
    sparsity: float | None = None,
    scope: Scope = globally,
    metric: Callable[[keras.Model], Any] | None = None,
) -> Hardened:
    """Multiply the gates into the weights, cut by `learned.masks(sparsity, scope)`, and hold the masks.

    Returns the model that was inside, in place; compile it to train it on. `metric(model)`, say accuracy on
    data kept aside, is taken of the gated model first and of the hard one after: the difference is the
    hardening gap. It is 0 where all that is cut had a gate of 0. The learned model is used up.
    Raises: what `masks` does, with nothing changed.
    """
    masks = learned.masks(sparsity, scope)
    soft = None if metric is None else metric(learned)
    gates = learned.gating.units.expand(learned.gating.units.row(learned.gates()))
    for path, variable in masks.variables(learned.inner).items():
        variable.assign(np.asarray(variable) * gates[path])
    hold(learned.inner, masks)
    learned.hardened = True
    learned.train_function = learned.test_function = learned.predict_function = None
    return Hardened(learned.inner, masks, soft, None if metric is None else metric(learned.inner))
