"""One model, many sparsities: switch at run time to what the moment allows, and back, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from ..holding import hold
from ..masks import Masks, zeroed_array
from ..prune import make_masks
from ..select import check_sparsity
from ..variables import write


class AnySparsity:
    """A model that can be had at several sparsities, all from one set of weights.

    Ranked once: masks for each of the `sparsities` (and for 0, dense), each among those of the one before, so
    that they nest; `recipe` holds arguments of `make_masks`. `at` switches without compiling anything anew.
    Memory beside the model: a copy of its pruned weights and one byte a weight.

    What training changes between two switches counts at every sparsity that keeps the weight, as in slimmable
    networks (Yu et al. 2019, arXiv:1812.08928); `Sandwich` trains for all of them. BatchNormalization has one
    set of statistics for all.
    Attributes: `model`, `sparsities` (rising, from 0.0), `sparsity` (the present one).
    Raises: ValueError for sparsities outside [0, 1), and as `make_masks` does.
    """

    def __init__(self, model: keras.Model, sparsities: Iterable[float], **recipe: Any) -> None:
        self.model, self.sparsity = model, 0.0
        self.sparsities = sorted({0.0, *(check_sparsity(s) for s in sparsities)})
        if len(self.sparsities) > 255:
            raise ValueError(f"At most 254 sparsities fit in a byte. Received: {len(self.sparsities) - 1}.")
        masks = make_masks(model, 0.0, **recipe)
        self._variables = masks.variables(model)
        self._depth = {path: np.zeros(mask.shape, np.uint8) for path, mask in masks.items()}
        for sparsity in self.sparsities:
            masks = make_masks(model, sparsity, among=masks, **recipe)
            for path, mask in masks.items():
                self._depth[path] += mask
        self._dense = {path: np.asarray(v).copy() for path, v in self._variables.items()}

    def masks(self, sparsity: float) -> Masks:
        """The masks of one of the sparsities; those of a higher one are part of them.

        Raises: ValueError for another sparsity.
        """
        if sparsity not in self.sparsities:
            known = ", ".join(map(str, self.sparsities))
            raise ValueError(f"The sparsity must be one of {known}. Received: {sparsity}.")
        level = self.sparsities.index(sparsity)
        return Masks({path: depth > level for path, depth in self._depth.items()})

    def at(self, sparsity: float) -> keras.Model:
        """The model, switched to one of the sparsities and held there. Raises: ValueError for another one."""
        masks = self.masks(sparsity)
        self._remember()
        hold(self.model, masks)
        for path, variable in self._variables.items():
            write(variable, zeroed_array(self._dense[path], masks[path]))
        self.sparsity = sparsity
        return self.model

    def _remember(self) -> None:
        for path, mask in self.masks(self.sparsity).items():
            np.copyto(self._dense[path], np.asarray(self._variables[path]), where=mask)


class Sandwich(keras.callbacks.Callback):
    """Train a model for all its sparsities at once: the densest, the sparsest and a random one by turns.

    The sandwich rule (Yu & Huang 2019, arXiv:1903.05134), one sparsity a batch instead of their sum, so that
    any optimizer and training step will do. Afterwards the model is at the sparsity it was at before.
    Raises: ValueError for another model than that of `adaptive`, and for steps_per_execution > 1.
    """

    def __init__(self, adaptive: AnySparsity, seed: int = 0) -> None:
        super().__init__()
        self.adaptive, self._draw = adaptive, np.random.default_rng(seed).choice

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Attach the masks before the training step is traced."""
        if self.model is not self.adaptive.model:
            raise ValueError(f"Fit the model of AnySparsity. Received: {self.model.name!r}.")
        if self.model.steps_per_execution != 1:
            raise ValueError(
                "Sandwich switches after every step: compile with steps_per_execution=1. "
                f"Received: {self.model.steps_per_execution}."
            )
        self._before, self._turn = self.adaptive.sparsity, 0
        self.adaptive.at(self._before)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Switch to the sparsity of this batch."""
        rising = self.adaptive.sparsities
        inner = float(self._draw(rising[1:-1] or rising))
        self.adaptive.at((rising[0], rising[-1], inner)[self._turn % 3])
        self._turn += 1

    def on_train_end(self, logs: dict | None = None) -> None:
        """Switch back."""
        self.adaptive.at(self._before)
