"""What a shrunk model will cost, from the channels that are left, before it is built; and budgets of that."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from math import prod
from numbers import Real
from typing import Any

import keras
import numpy as np

from ..macs import uses
from ..scopes import Scope, globally
from ..select import Arrays, check_sparsity
from ..variables import named_variables, prunable_variables
from .channels import Channels
from .labels import length

Cost = Callable[[Arrays], float]


class Sizes:
    """How large the weights of a model are, and how often used, when only some labels are alive.

    `alive` is bool (labels,), as `Channels.alive` gives it. `used` are the `uses` of the whole model.
    Raises: ValueError if these are the channels of another model.
    """

    def __init__(self, model: keras.Model, channels: Channels) -> None:
        self.variables, self._channels = named_variables(model), channels
        if missing := [path for path in channels.weights if path not in self.variables]:
            raise ValueError(
                f"These are the channels of another model: {model.name!r} has no weight {missing[0]!r}. "
                f"Received: those of {channels.model_name!r}."
            )

    def shapes(self, alive: np.ndarray) -> dict[str, tuple[int, ...]]:
        """{path: shape} of all weights."""
        counts: dict[int, int] = {}  # many weights share one array of labels
        shapes = {path: tuple(v.shape) for path, v in self.variables.items()}
        for path, weight in self._channels.weights.items():
            for labels in weight.axes:
                if labels is not None and id(labels) not in counts:
                    counts[id(labels)] = int(np.count_nonzero(alive[labels]))
            named = zip(weight.axes, shapes[path], strict=True)
            shapes[path] = tuple(n if labels is None else counts[id(labels)] for labels, n in named)
        return shapes

    def uses(self, used: dict[str, int], alive: np.ndarray) -> dict[str, int]:
        """{path: uses}: fewer where a kernel is used again and again along channels, as after a Permute."""
        every = np.ones_like(alive)
        return {p: n * self._repeats(p, alive) // self._repeats(p, every) for p, n in used.items()}

    def _repeats(self, path: str, alive: np.ndarray) -> int:
        weight, repeats = self._channels.weights.get(path), self._channels.labels.repeats
        calls = repeats.get(id(weight.variable), ()) if weight else ()
        return sum(prod(length(call, alive)) for call in calls) if calls else 1


def mac_cost(model: keras.Model, channels: Channels, x: Any = None) -> Cost:
    """A function that says what `macs(shrink(model, masks), x=x).total` will be, {group: bool} → number.

    It is given what is kept, for some or all of the groups of channels; the others are whole, and so `{}`
    asks for the cost of the model as it is. Raises: ValueError as `macs` does.
    """
    sizes, used = Sizes(model, channels), uses(model, x)
    used = {path: used[path] for path in prunable_variables(model) if path in used}

    def cost(keep: Arrays) -> int:
        alive = channels.alive(keep)
        shapes, times = sizes.shapes(alive), sizes.uses(used, alive)
        return sum(prod(shapes[path]) * number for path, number in times.items())

    return cost


def parameter_cost(model: keras.Model, channels: Channels) -> Cost:
    """As `mac_cost`, for `parameters(shrink(model, masks)).total`: biases and statistics count, too."""
    sizes = Sizes(model, channels)
    return lambda keep: sum(map(prod, sizes.shapes(channels.alive(keep)).values()))


def byte_cost(model: keras.Model, channels: Channels) -> Cost:
    """As `mac_cost`, for `raw_bytes(shrink(model, masks))`: weights as they lie in memory."""
    sizes = Sizes(model, channels)
    each = {path: np.asarray(variable).itemsize for path, variable in sizes.variables.items()}

    def cost(keep: Arrays) -> int:
        shapes = sizes.shapes(channels.alive(keep))
        return sum(prod(shape) * each[path] for path, shape in shapes.items())

    return cost


def affordable(cost: Cost, budget: float | None = None, scope: Scope = globally) -> Scope:
    """Keep as many channels as a budget of the shrunk model's cost allows, chosen by another scope.

    `make_masks(model, 0.5, magnitude(2), channels, affordable(mac_cost(model, channels)))` halves the
    multiply-accumulates: a sparsity is the share of the cost to save, which a schedule may raise step by
    step; `budget`, in place of a sparsity of None, is absolute. `cost` may be a function of your own,
    {group: bool (channels,)} → number, say from a table of latencies. Exact to one channel: with one more
    (for `layerwise` and `multiples`: at their next step) it would cost too much. Found by bisection, as with
    every scope of ours all that is kept at some sparsity is kept at a lower one.
    Raises: ValueError for both or neither of sparsity and budget, and for less than the least possible.
    """

    def within(units: Arrays, sparsity: float | None = None) -> Arrays:
        count, limit = sum(u.size for u in units.values()), _limit(cost, budget, sparsity)

        def keep(number: int) -> Arrays:
            kept = scope(units, 1 - number / count)
            return {key: k & (units[key] > -np.inf) for key, k in kept.items()}  # what is gone costs nothing

        number = bisect(range(1, count + 1), limit, key=lambda number: cost(keep(number)))
        if not number:
            raise ValueError(
                "The budget is below the least possible, with which the scope keeps no more than it must: "
                f"{cost(keep(1)):,} of {cost({}):,}. Received: {limit:,.0f}."
            )
        return keep(number)

    return within


def _limit(cost: Cost, budget: float | None, sparsity: float | None) -> float:
    if (budget is None) == (sparsity is None):
        raise ValueError(
            "affordable needs either a sparsity, the share of the cost to save, or a budget, with a sparsity "
            f"of None. Received: sparsity {sparsity}, budget {budget}."
        )
    if sparsity is not None:
        return (1 - check_sparsity(sparsity)) * cost({})
    if not isinstance(budget, Real) or np.isnan(budget):
        raise ValueError(f"budget must be a number in the units of the cost. Received: {budget!r}.")
    return budget
