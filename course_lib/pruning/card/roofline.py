"""The roofline: does a layer wait for arithmetic or for memory? (Williams, Waterman and Patterson 2009.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

import tensorflow as tf

from ..table import as_html, as_text
from .costs import layer_costs
from .latency import latency
from .sides import Models, sides


def ceiling(intensity: float, peak: float, bandwidth: float) -> float:
    """The most FLOP/s that `intensity` FLOP a byte can reach: min(peak, bandwidth · intensity)."""
    return min(peak, bandwidth * intensity)


class Machine(NamedTuple):
    """What a machine can do: `peak` FLOP/s and `bandwidth` bytes/s."""

    peak: float
    bandwidth: float

    @property
    def ridge(self) -> float:
        """FLOP a byte from which on arithmetic is the limit, no longer memory."""
        return self.peak / self.bandwidth


def machine_limits(size: int = 1024, megabytes: int = 128, rounds: int = 8) -> Machine:
    """The peak and the bandwidth that TensorFlow reaches here, measured: the best of some rounds.

    Peak: a product of two float32 matrices (size, size), 2 · size³ operations. Bandwidth: one addition over
    an array of so many megabytes, read and written. Sizes must be beyond the caches. About a second.
    """
    one, long = tf.ones((size, size)), tf.ones(megabytes * 2**18)
    product = tf.function(lambda: tf.matmul(one, one), autograph=False)
    copy = tf.function(lambda: long + 1.0, autograph=False)
    return Machine(
        2 * size**3 / _best(product, rounds),
        2 * megabytes * 2**20 / _best(copy, rounds),
    )


def _best(work: Callable, rounds: int) -> float:
    spent = []
    for _ in range(rounds + 2):
        start = perf_counter()
        work()[0].numpy()
        spent.append(perf_counter() - start)
    return min(spent[2:])


class Point(NamedTuple):
    """A layer, or a whole model: FLOP of a batch, bytes moved; `reached` FLOP/s are measured, or None."""

    model: str
    layer: str
    flop: int
    bytes: int
    reached: float | None = None

    @property
    def intensity(self) -> float:
        """FLOP a byte."""
        return self.flop / self.bytes


class Roofline(tuple[Point, ...]):
    """The points of `roofline(...)` and the `machine`; prints as a table, `plot()` draws it."""

    machine: Machine

    def plot(self, ax: Any = None) -> Any:
        """The roof, layers where they could be at most, whole models where they are; matplotlib's Axes."""
        from .plotting import draw_roofline

        return draw_roofline(self, ax)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "model", "layer", "limit", "MFLOP", "kB", "FLOP/byte", "GFLOP/s at most", "reached"
        for p in self:
            roof = ceiling(p.intensity, *self.machine)
            limit = "memory" if p.intensity < self.machine.ridge else "arithmetic"
            reached = "" if p.reached is None else f"{p.reached / 1e9:.1f} ({p.reached / roof:.0%})"
            numbers = (
                f"{p.flop / 1e6:.3f}",
                f"{p.bytes / 1e3:,.1f}",
                f"{p.intensity:.2f}",
                f"{roof / 1e9:.1f}",
            )
            yield p.model, p.layer, limit, *numbers, reached

    def __repr__(self) -> str:
        return as_text(self._rows(), left=3)

    def _repr_html_(self) -> str:
        return as_html(self._rows(), left=3)


def roofline(
    models: Models, x: Any, batch: int = 32, machine: Machine | None = None, rounds: int = 20
) -> Roofline:
    """Arithmetic intensity of every layer with multiply-accumulates, and how near the roof whole models come.

    FLOP are 2 · MACs · batch, zeros counted: ordinary kernels multiply by them too. Bytes are those of the
    weights once, and of each example's inputs and outputs: what must move if caches keep nothing between
    layers. The last point of a model is the whole, all layers, at its measured `latency`. `machine`: that of
    `machine_limits()`, measured now if it is not given.
    Raises: ValueError as `latency` and `macs` do.
    """
    named = sides(models)
    spent, points = latency(named, x, (batch,), rounds)[batch], []
    for name, model in named.items():
        costs = [
            (r, r.weight_bytes + batch * (r.input_bytes + r.output_bytes)) for r in layer_costs(model, x)
        ]
        points += [Point(name, r.path, 2 * batch * r.macs, moved) for r, moved in costs if r.macs]
        flop = 2 * batch * sum(r.macs or 0 for r, _ in costs)
        whole = max(1, sum(moved for _, moved in costs))
        points.append(Point(name, "whole, measured", flop, whole, flop / spent.median(name)))
    result = Roofline(points)
    result.machine = machine or machine_limits()
    return result
