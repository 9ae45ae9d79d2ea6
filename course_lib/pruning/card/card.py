"""The report card of a model, or of several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..table import as_html, as_text
from .costs import layer_costs
from .latency import Latency, latency
from .lines import Counts, Line, accuracy_lines, counted_lines, energy_lines, latency_lines
from .memory import planned_memory
from .predictions import predicted
from .sides import Models, sides
from .storage import Storage, storage
from .toll import Toll, compared


class Card(dict[str, Line]):
    """{measure: `Line`}: `card["MACs"].values["pruned"]`; prints as a table, `plot()` draws it.

    `models` are their names, the first being the yardstick; `latency`, `storage` and `toll` ({model: `Toll`}
    against the first) have what the lines sum up.
    """

    models: list[str]
    latency: Latency
    storage: dict[str, Storage]
    toll: dict[str, Toll]

    def plot(self) -> dict[str, Any]:
        """One figure: what is left of each cost, times, accuracy; {"costs", "times", "accuracy": Axes}."""
        from .plotting import draw_card

        return draw_card(self)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "", "how", *self.models
        for name, line in self.items():
            yield name, line.how, *(line.texts[model] for model in self.models)

    def __repr__(self) -> str:
        return as_text(self._rows(), left=2)

    def _repr_html_(self) -> str:
        return as_html(self._rows(), left=2)


def report_card(
    models: Models,
    x: Any,
    y: Any = None,
    sizes: Sequence[int] = (1, 32),
    rounds: int = 20,
    threads: int | None = None,
    block: tuple[int, int] = (4, 4),
    threshold: float | None = None,
) -> Card:
    """What a model costs and how well it does; of several, {name: model}, the first is the yardstick.

    Every line says how it came about: counted on the model as it is, measured on this machine now, or a
    model, as the energy is. Brackets have shares of the first model's; of times, the quartiles
    of the ratios round by round. `x`: examples, for the times
    as `latency` has it (`sizes`, `rounds`, `threads`), and with `y` for accuracy; `threshold` as in
    `predicted`, `block` of BSR as in `storage`. A few seconds for small models, more with `threads`, which
    adds lines for so many in a process of its own.
    Raises: ValueError and TypeError as `who_pays`, `latency`, `macs` and `storage` do.
    """
    named = sides(models)
    card = Card()
    card.models, card.toll = list(named), {}
    if y is not None:  # first, as labels may be refused
        guesses = {name: predicted(model, x, threshold) for name, model in named.items()}
        card.toll = {name: compared(guesses[card.models[0]], guess, y) for name, guess in guesses.items()}
    counts = {
        name: Counts(layer_costs(model, x), planned_memory(model, x), storage(model, block))
        for name, model in named.items()
    }
    card.storage = {name: found.stored for name, found in counts.items()}
    card.update(counted_lines(named, counts))
    card.latency = latency(named, x, sizes, rounds)
    card.update(latency_lines(card.latency))
    if threads is not None:
        alone = latency(named, x, sizes, rounds, threads)
        card.update(latency_lines(alone, f", {threads} thread{'s'[threads == 1 :]}"))
    card.update(energy_lines(counts))
    card.update(accuracy_lines(card.toll))
    return card
