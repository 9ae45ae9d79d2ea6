"""The masks a model comes with when pruning begins: held, or to be read from its zeros."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .criteria import magnitude
from .holding import held_masks
from .masks import Masks
from .prune import make_masks
from .variables import named_variables, prunable_variables


def masks_so_far(model: keras.Model, sparsity: float, **recipe: Any) -> Masks:
    """What was pruned before, as masks of all variables that the recipe (see `make_masks`) is about.

    Masks that hold the model are taken as they are. Where none does, the model may come from a file, which
    has zeros but no masks: then a weight is pruned if it is 0, and no more of them than `sparsity`, what a
    schedule asks for by now, can explain. So a kernel of zeros that never trained is not taken for pruned
    (at `sparsity` 0 nothing is), and neither are zeros of the user's own constraint beyond that number, of
    which the first stay.
    """
    variables = prunable_variables(model, recipe.get("within"))
    masks = {path: np.ones(v.shape, bool) for path, v in variables.items()}
    held = {path: mask for path, mask in held_masks(model).items() if path in masks}
    if sparsity > 0 and held.keys() != masks.keys():
        masks |= _explained_zeros(model, sparsity, recipe)
    return Masks(masks | held)


def _explained_zeros(model: keras.Model, sparsity: float, recipe: dict) -> dict[str, np.ndarray]:
    # By magnitude zeros are cut first, whatever criterion made them: at this sparsity all that it made.
    smallest = make_masks(model, sparsity, **recipe | {"criterion": magnitude()})
    named = named_variables(model)
    return {path: mask | (np.asarray(named[path]) != 0) for path, mask in smallest.items()}
