"""Online pruning: when the data drift, the masks move, and the number of kept weights stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .criteria import Criterion
from .holding import hold
from .masks import Masks
from .prune import make_masks
from .select import check_sparsity


class OnlinePruning:
    """Keeps a model pruned for the data it meets now: `see` a batch of the stream, `prune` when you like.

    `criterion(x, y)` makes a criterion of the latest examples, `window` of them: `taylor`, `fisher`, or
    `lambda x, y: wanda(x)` where there are no labels. To score, every pruned weight gets back the value it
    had when it was pruned; those that win a place keep it, so what drift makes useful again need not be
    learned anew. The dense copy that this needs stays in memory (dynamic network surgery, Guo et al. 2016,
    arXiv:1608.04493, revives weights likewise, by magnitude). Train between the calls as you like: the masks
    are held. `recipe` holds further arguments of `make_masks`.

    Attributes: `masks`, those held now (None before the first `prune`), and `moved`, the share of the kept
    weights that the last `prune` brought back.
    Raises: ValueError for a sparsity outside [0, 1) or a window below 1.
    """

    def __init__(
        self,
        model: keras.Model,
        sparsity: float,
        criterion: Callable[[Any, Any], Criterion],
        window: int = 512,
        **recipe: Any,
    ) -> None:
        self.model, self.sparsity, self.criterion = model, check_sparsity(sparsity), criterion
        if not window >= 1:
            raise ValueError(f"window must be at least 1 example. Received: {window}.")
        self.window, self.recipe = window, recipe
        self.masks: Masks | None = None
        self.moved = 0.0
        self._latest: tuple | None = None
        self._dense: dict[str, np.ndarray] = {}

    def see(self, x: Any, y: Any = None) -> None:
        """Add a batch (arrays, or a dict, list or tuple of such) to the window; its oldest examples leave."""
        seen = [(x, y)] if self._latest is None else [self._latest, (x, y)]

        def joined(*parts: Any) -> np.ndarray | None:
            return (
                None if parts[0] is None else np.concatenate([np.asarray(p) for p in parts])[-self.window :]
            )

        self._latest = keras.tree.map_structure(joined, *seen)

    def prune(self) -> Masks:
        """Score on the window and move the masks; the new ones are held.

        Raises: ValueError if nothing has been seen, and as `make_masks` does; the model is then as before.
        """
        if self._latest is None:
            raise ValueError("Nothing to score on: call see(x, y) with a batch of the stream first.")
        self._revive()
        try:
            masks = make_masks(self.model, self.sparsity, self.criterion(*self._latest), **self.recipe)
        except Exception:
            if self.masks is not None:
                self.masks.apply(self.model)
            raise
        before, self.masks = self.masks, masks
        self._dense = {path: np.asarray(v).copy() for path, v in masks.variables(self.model).items()}
        hold(self.model, masks)
        if before is not None:
            back = sum(np.count_nonzero(masks[path] & ~before[path]) for path in masks)
            self.moved = back / sum(map(np.count_nonzero, masks.values()))
        return masks

    def _revive(self) -> None:
        """Give the pruned weights back the values they had when they were pruned."""
        if self.masks is not None:
            for path, variable in self.masks.variables(self.model).items():
                variable.assign(np.where(self.masks[path], np.asarray(variable), self._dense[path]))
