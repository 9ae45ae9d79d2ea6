"""Constraints met exactly: the least pruning that fits a budget, the most that holds a floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from .criteria import magnitude
from .masks import Masks
from .prune import make_masks
from .trials import scored, trying

Measure = Callable[[keras.Model], float]
Limits = Mapping[Measure, float]


class Met(NamedTuple):
    """Masks that meet the constraints, the value of each measure, and how many candidates were measured."""

    masks: Masks
    values: dict[Measure, float]
    candidates: int


def within_budget(model: keras.Model, at_most: Limits, at_least: Limits | None = None, **recipe: Any) -> Met:
    """The masks that prune least of those that fit all budgets: `within_budget(model, {gzip_bytes: 50_000})`.

    `at_most` maps functions of the pruned model to limits: `gzip_bytes`, `lambda m: parameters(m).nonzero`,
    `lambda m: macs(m, Masks.from_zeros(m)).total`; `at_least` maps functions to floors that the result must
    hold as well: `{accuracy_on(x, y): 0.95}`. `recipe` holds arguments of `make_masks`: criterion,
    granularity, scope, within. By bisection over the number n of weights, in 3 + log₂ n candidates
    at most: with one more kept a budget is broken, and with any number more if the measures fall with the
    sparsity (zipped bytes do so but for single bytes). The model has its own weights again afterwards.
    Raises: ValueError if a budget or a floor is out of reach, with what was reached.
    """
    _check(at_most), _check(at_least or at_most)
    floors = at_least or {}
    with trying(model) as put:
        line = _Line(model, put, recipe)

        def fits(kept: int) -> bool:
            return all(line.value(kept, measure) <= limit for measure, limit in at_most.items())

        if not fits(1):
            raise ValueError(f"The budget is below what the sparsest masks need. {line.said(1, at_most)}")
        kept = line.whole if fits(line.whole) else _border(fits, 1, line.whole)
        if not all(line.value(kept, measure) >= floor for measure, floor in floors.items()):
            raise ValueError(
                f"The budget leaves too little for the floor, at sparsity {line.masks(kept).sparsity:.4f}. "
                f"{line.said(kept, floors)} Allow more bytes or less accuracy, or fine-tune and try again."
            )
        return line.met(kept, [*at_most, *floors])


def sparsest(model: keras.Model, at_least: Limits, **recipe: Any) -> Met:
    """The masks that prune most while all floors hold: `sparsest(model, {accuracy_on(x, y): 0.95})`.

    As `within_budget`, from the other side: with one weight less a floor is broken. Accuracy wavers, and so
    sparser masks that hold the floor may exist beyond that point; a bisection does not look for them.
    Raises: ValueError if the unpruned model does not hold the floors, with what it reaches.
    """
    _check(at_least)
    with trying(model) as put:
        line = _Line(model, put, recipe)

        def holds(kept: int) -> bool:
            return all(line.value(kept, measure) >= floor for measure, floor in at_least.items())

        if not holds(line.whole):
            raise ValueError(
                f"The floor is above what the whole model reaches. {line.said(line.whole, at_least)}"
            )
        return line.met(1 if holds(1) else _border(holds, line.whole, 1), list(at_least))


class _Line:
    """The masks of one recipe along its sparsity, by the number of weights kept: 1, 2, … `whole`."""

    def __init__(self, model: keras.Model, put: Callable[[Masks], None], recipe: dict[str, Any]) -> None:
        # Scored once: later the model has the weights of some candidate.
        scores = recipe.get("criterion", magnitude())(model)
        self._model, self._put, self._recipe = model, put, recipe | {"criterion": lambda _: scores}
        self._known: dict[int, dict[Measure, float]] = {}
        self.whole = sum(mask.size for mask in make_masks(model, 0.0, **self._recipe).values())

    def masks(self, kept: int) -> Masks:
        return make_masks(self._model, 1 - kept / self.whole, **self._recipe)

    def value(self, kept: int, measure: Measure) -> float:
        known = self._known.setdefault(kept, {})
        if measure not in known:
            self._put(self.masks(kept))
            known[measure] = scored(measure, self._model)
        return known[measure]

    def met(self, kept: int, measures: list[Measure]) -> Met:
        return Met(self.masks(kept), {m: self.value(kept, m) for m in measures}, len(self._known))

    def said(self, kept: int, limits: Limits) -> str:
        reached = ", ".join(f"{_name(measure)} {self.value(kept, measure):.6g}" for measure in limits)
        wanted = ", ".join(f"{_name(measure)} {limit:.6g}" for measure, limit in limits.items())
        return f"Reached: {reached}. Received: {wanted}."


def _border(ok: Callable[[int], bool], good: int, bad: int) -> int:
    """The last number that is ok on the way from one that is to one that is not."""
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if ok(middle) else (good, middle)
    return good


def _check(limits: Limits) -> None:
    if not isinstance(limits, Mapping) or not limits or not all(callable(m) for m in limits):
        raise TypeError(
            "Constraints are a dict, function of the model → limit, as {gzip_bytes: 50_000}. "
            f"Received: {limits!r}."
        )
    if bad := [limit for limit in limits.values() if limit != limit]:
        raise ValueError(f"A limit must not be NaN. Received: {bad}.")


def _name(measure: Measure) -> str:
    return getattr(measure, "__name__", repr(measure)).replace("<lambda>", "measure")
