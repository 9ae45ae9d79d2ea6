"""All ways to spend one budget on the layers of a model, for the searches that look for a good one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from .budgets import erk, per_layer
from .criteria import Criterion, magnitude
from .granularity import Element, Granularity
from .masks import Masks
from .prune import checked_scores
from .scopes import globally
from .select import check_sparsity
from .variables import prunable_variables

Counts = tuple[int, ...]


class Space:
    """Allocations: how many of its best units each layer keeps, at least one, within a budget used up.

    `sparsity` sets the budget to that share less than all units cost, or `budget` names it. `cost`, {path:
    whole number for each weight kept}, is what the budget counts: None counts weights, `uses(model)` counts
    MACs, {path: 4, ...} bytes of float32. An allocation belongs to the space if it costs at most the budget
    and no layer could keep one unit more: counted in single weights, it costs the budget exactly.

    Units come from `criterion` and `granularity` as in `make_masks`, are scored once, on the model as it is
    now, and cost what the first unit of their layer does (blocks at the edge, smaller, are charged in full).
    Attributes: model, paths, sizes (units by layer), costs (of a unit), budget.
    Raises: ValueError for both or neither of sparsity and budget, costs that are missing, all 0 or no whole
    numbers from 0, units that span layers, and a budget below one unit a layer.
    """

    def __init__(
        self,
        model: keras.Model,
        sparsity: float | None = None,
        *,
        budget: int | None = None,
        cost: Mapping[str, int] | None = None,
        criterion: Criterion = magnitude(),  # noqa: B008 (a pure function)
        granularity: Granularity = Element(),  # noqa: B008 (frozen)
        within: Iterable[str | keras.Layer] | None = None,
    ) -> None:
        self.model, self._granularity = model, granularity
        self._scores = checked_scores(criterion(model), prunable_variables(model, within))
        self._units = granularity.pool(self._scores)
        self.paths = tuple(self._units)
        if set(self.paths) != set(self._scores):
            raise ValueError(
                "A space gives each layer its own share: use Element(), Block(...) or Channel(). "
                f"Received: {granularity!r}, with units {', '.join(map(str, self.paths))}."
            )
        self.sizes = np.array([units.size for units in self._units.values()])
        self.costs = self._unit_costs(cost)
        self.budget = self._checked_budget(sparsity, budget)

    def masks(self, counts: Sequence[int]) -> Masks:
        """The masks that keep the `counts[i]` best units of layer `paths[i]`; of equals the first."""
        return Masks(self._granularity.expand(per_layer(self.table(counts))(self._units), like=self._scores))

    def table(self, counts: Sequence[int]) -> dict[str, float]:
        """The share of units pruned, {path: 1 − kept / all}, from which `per_layer` makes the same counts."""
        return dict(zip(self.paths, (1 - np.asarray(counts) / self.sizes).tolist(), strict=True))

    def cost(self, counts: Sequence[int]) -> int:
        """What an allocation costs."""
        return int(self.costs @ np.asarray(counts))

    def nearest(self, wishes: Sequence[float]) -> Counts:
        """The allocation of the space in proportion to `wishes`, numbers of units above 0.

        All wishes are scaled alike, as far as the budget goes and within [1, size]; rounding down leaves
        something over, which goes first to the largest fractions, one unit each, then to whatever fits.
        """
        wishes = np.asarray(wishes, np.float64)
        if wishes.shape != self.sizes.shape or not (np.isfinite(wishes) & (wishes > 0)).all():
            raise ValueError(f"wishes must be {len(self.sizes)} finite numbers above 0. Received: {wishes}.")
        scaled = np.minimum(self._scale(wishes) * wishes, self.sizes)
        counts = self._clipped(scaled)
        over = self.budget - self.cost(counts)
        for most in (1, np.inf):
            for i in np.argsort(counts - scaled, kind="stable"):  # first who got least of what was wished
                fits = over // self.costs[i] if self.costs[i] else np.inf
                more = int(min(self.sizes[i] - counts[i], fits, most))
                counts[i] += more
                over -= more * self.costs[i]
        return tuple(counts.tolist())

    def known(self) -> list[Counts]:
        """Where to begin: the allocations a scope would choose, uniform, global and ERK, without doubles."""
        share = self.budget / (self.costs @ self.sizes)
        sparsity = min(max(1 - share, 0.0), 1 - 1 / self.sizes.sum())
        keeps = [scope(self._units, sparsity) for scope in (globally, erk)]
        wishes = [self.sizes, *([np.count_nonzero(keep[p]) for p in self.paths] for keep in keeps)]
        return list(dict.fromkeys(map(self.nearest, wishes)))

    def _scale(self, wishes: np.ndarray) -> float:
        """The largest factor for which scaled wishes, rounded down, fit the budget (to the last bits)."""

        def fits(factor: float) -> bool:
            return self.cost(self._clipped(factor * wishes)) <= self.budget

        high = min(1e300, max(n / w for n, w in zip(self.sizes, wishes, strict=True)))
        if fits(high):
            return high
        # 1 is tried itself: wishes that cost just the budget are granted to the unit.
        low = 1.0 if high > 1 and fits(1.0) else 0.0
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def _clipped(self, wishes: np.ndarray) -> np.ndarray:
        return np.clip(np.floor(np.minimum(wishes, self.sizes)), 1, self.sizes).astype(np.int64)

    def _unit_costs(self, cost: Mapping[str, int] | None) -> np.ndarray:
        first = {path: np.zeros(units.shape, bool) for path, units in self._units.items()}
        for keep in first.values():
            keep.flat[0] = True
        weights = self._granularity.expand(first, like=self._scores)
        each = dict.fromkeys(self.paths, 1) if cost is None else cost
        if missing := [path for path in self.paths if path not in each]:
            raise ValueError(f"cost must name every layer. Received: none for {', '.join(missing)}.")
        whole = all(isinstance(each[path], int | np.integer) and each[path] >= 0 for path in self.paths)
        if not whole or not any(each[path] for path in self.paths):
            raise ValueError(
                "cost must be a whole number of at least 0 for each weight kept, not 0 everywhere. "
                f"Received: {dict(each)}."
            )
        return np.array([np.count_nonzero(weights[path]) * int(each[path]) for path in self.paths])

    def _checked_budget(self, sparsity: float | None, budget: int | None) -> int:
        if (sparsity is None) == (budget is None):
            raise ValueError(
                "Give one of sparsity and budget, in units of `cost`. "
                f"Received: sparsity={sparsity}, budget={budget}."
            )
        least, whole = int(self.costs.sum()), int(self.costs @ self.sizes)
        limit = max(least, round(whole * (1 - check_sparsity(sparsity)))) if budget is None else budget
        if not limit >= least:
            raise ValueError(
                f"The budget is too small: one unit a layer costs {least:,}, all of them {whole:,}. "
                f"Received: {budget}."
            )
        return int(limit // 1) if limit < whole else whole
