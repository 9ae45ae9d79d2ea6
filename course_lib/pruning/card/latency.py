"""How long models take to answer, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..table import as_html, as_text
from ..timing import Timings
from .compiled import batch_of, compiled, timed
from .fresh import in_fresh_process
from .sides import Models, sides


class Latency(dict[int, Timings]):
    """{batch size: the `Timings` of the models}; prints as one table."""

    def throughput(self, model: str, size: int) -> float:
        """Examples per second in batches of `size`, from the median."""
        return size / self[size].median(model)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        first = next(iter(next(iter(self.values()))))
        yield "model", "batch", "median", "quartiles", "examples/s", f"time against {first}"
        for size, timings in self.items():
            for name, seconds in timings.items():
                low, middle, high = np.percentile(seconds, [25, 50, 75]) * 1e3
                yield (
                    name,
                    f"{size}",
                    f"{middle:.3f} ms",
                    f"{low:.3f} to {high:.3f} ms",
                    f"{self.throughput(name, size):,.0f}",
                    f"{timings.ratio(name, first).median:.2f}×",
                )

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())


def latency(
    models: Models,
    x: Any,
    sizes: Sequence[int] = (1, 32),
    rounds: int = 30,
    threads: int | None = None,
) -> Latency:
    """How long a model, or several by name, take to answer batches of these sizes.

    The call is compiled by TensorFlow for the shape of the batch (no XLA), warmed up, and the models take
    turns; the median and its quartiles tell. `x`: an example or more, repeated or cut to each size.
    `threads`: None uses this process with all its threads; a number starts a fresh process with so many, for
    all models together, which takes some ten seconds. Data loading and `predict` are not in it.
    Raises: ValueError for sizes or inputs that a model does not take and, with threads, for a model that
    cannot be exported; TypeError for a list of models.
    """
    named, sizes = sides(models), (sizes,) if isinstance(sizes, int) else tuple(sizes)
    if not sizes or rounds < 1 or (threads is not None and threads < 1):
        raise ValueError(
            "Time at least one size of batch, round and thread. "
            f"Received: sizes={sizes}, rounds={rounds}, threads={threads}."
        )
    if threads is None:
        found = {}
        for size in sizes:
            batch = batch_of(x, size)
            found[size] = timed({name: compiled(model, batch) for name, model in named.items()}, rounds)
        return Latency(found)
    seconds = in_fresh_process(named, x, sizes, measure="time", threads=threads, rounds=rounds)
    return Latency({s: Timings({name: seconds[f"{s}/{i}"] for i, name in enumerate(named)}) for s in sizes})
