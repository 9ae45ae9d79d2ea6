"""The lines of a report card: numbers by model, as they are and as they print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from ..masks import Masks
from ..measure import parameters
from ..variables import named_variables, skipped
from .costs import LayerCost
from .energy import spent
from .latency import Latency
from .memory import Memory
from .predictions import standard_error
from .storage import FORMATS, Storage
from .toll import Toll

Models = Mapping[str, keras.Model]


class Counts(NamedTuple):
    """What is counted once and used in several lines: layers, memory and formats of one model."""

    layers: list[LayerCost]
    memory: Memory
    stored: Storage


class Line(NamedTuple):
    """One measure: `values` and `texts` by model, `how` it came about, and `shares` of the first model.

    A share is None where it means nothing. Of times it is the median of the rounds' ratios, and `ranges` are
    their quartiles: if 1 is between them, the models may well be equally fast.
    """

    how: str
    values: dict[str, float | None]
    texts: dict[str, str]
    shares: dict[str, float | None]
    ranges: dict[str, tuple[float, float]]


def line(how: str, values: dict[str, float], write: Callable[[float], str], ratios: Any = None) -> Line:
    """A line whose texts are the values written, with shares of the first model in brackets.

    `ratios`: {model: `Ratio`}, of measured times; then the brackets have the quartiles.
    """
    first, ranges = next(iter(values)), {}
    shares = {name: value / values[first] if values[first] else None for name, value in values.items()}
    notes = {name: "" if share is None else f" ({share:.2f}×)" for name, share in shares.items()}
    if ratios is not None:
        shares = {name: ratio.median for name, ratio in ratios.items()}
        ranges = {name: (ratio.low, ratio.high) for name, ratio in ratios.items()}
        notes = {name: f" ({low:.2f} to {high:.2f}×)" for name, (low, high) in ranges.items()}
    texts = {name: write(v) + (notes[name] if name != first else "") for name, v in values.items()}
    return Line(how, values, texts, shares, ranges)


def plain(how: str, values: dict[str, float], texts: dict[str, str]) -> Line:
    """A line without shares."""
    return Line(how, values, texts, dict.fromkeys(values), {})


def counted_lines(models: Models, counts: Mapping[str, Counts]) -> dict[str, Line]:
    """Zeros, parameters, MACs, bytes and the peak of activations."""
    zeros = {name: _sparsity(model) for name, model in models.items()}
    dense = {name: sum(row.macs or 0 for row in c.layers) for name, c in counts.items()}
    sparse = {name: sum(row.nonzero_macs or 0 for row in c.layers) for name, c in counts.items()}
    weights = {name: parameters(model) for name, model in models.items()}
    lines = {
        "sparsity": plain(
            "counted", zeros, {n: "not known" if s is None else f"{s:.1%}" for n, s in zeros.items()}
        ),
        "parameters": line("counted", {n: w.total for n, w in weights.items()}, _whole),
        "parameters, not zero": line("counted", {n: w.nonzero for n, w in weights.items()}, _whole),
        "MACs": line("counted", dense, _whole),
        "MACs without zeros": line("counted", sparse, _whole),
        **bytes_lines({name: c.stored for name, c in counts.items()}),
        "peak of activations, bytes": line("counted", {n: c.memory.peak for n, c in counts.items()}, _whole),
    }
    for name in (name for name, c in counts.items() if any(row.macs is None for row in c.layers)):
        for key in ("MACs", "MACs without zeros"):  # some layers have no rule
            lines[key].texts[name] = f"≥ {lines[key].texts[name]}"
    return lines


def bytes_lines(stored: Mapping[str, Storage]) -> dict[str, Line]:
    """Raw, gzip, and the smallest sparse format, which is named."""
    total = {name: rows.all for name, rows in stored.items()}
    best = {name: row[1 + FORMATS.index(row.best)] for name, row in total.items()}
    smallest = line("counted", best, _whole)
    texts = {name: f"{total[name].best}: {text}" for name, text in smallest.texts.items()}
    return {
        "bytes, raw": line("counted", {n: row.raw for n, row in total.items()}, _whole),
        "bytes, gzip": line("counted", {n: row.gzip for n, row in total.items()}, _whole),
        "bytes, sparse": smallest._replace(texts=texts),
    }


def latency_lines(found: Latency, more: str = "") -> dict[str, Line]:
    """Median milliseconds for each size of batch, and examples a second for the largest."""
    lines = {}
    for size, seconds in found.items():
        ratios = {name: seconds.ratio(name, next(iter(seconds))) for name in seconds}
        values = {name: seconds.median(name) * 1e3 for name in seconds}
        lines[f"ms, batch {size}{more}"] = line("measured", values, "{:.3f}".format, ratios)
    size = max(found)
    speed = {name: found.throughput(name, size) for name in found[size]}
    texts = {name: _whole(value) for name, value in speed.items()}
    return lines | {f"examples/s, batch {size}{more}": plain("measured", speed, texts)}


def energy_lines(counts: Mapping[str, Counts]) -> dict[str, Line]:
    """Microjoules an example, on a machine that multiplies zeros and on one that skips them."""
    lines = {}
    for key, skip in (("µJ, zeros computed", False), ("µJ, zeros skipped", True)):
        used = {n: spent(c.layers, c.stored.all, skip).total / 1e6 for n, c in counts.items()}
        lines[key] = line("model", used, "{:,.2f}".format)
    return lines


def accuracy_lines(tolls: Mapping[str, Toll]) -> dict[str, Line]:
    """Accuracy, its change with a paired error, and the class with the lowest accuracy."""
    if not tolls:
        return {}
    first = next(iter(tolls))
    values = {name: toll.all.after for name, toll in tolls.items()}
    errors = {n: standard_error(round(t.all.after * t.all.count), t.all.count) for n, t in tolls.items()}
    texts = {name: f"{value:.1%} ± {100 * errors[name]:.1f}" for name, value in values.items()}
    change = {name: toll.all.change for name, toll in tolls.items()}
    moved = {
        n: "" if n == first else f"{t.all.change:+.1%} ± {100 * t.all.error:.1f}" for n, t in tolls.items()
    }
    worst = {name: min(toll, key=lambda row: row.after) for name, toll in tolls.items()}
    named = {name: f"{row.name}: {row.after:.1%} of {row.count}" for name, row in worst.items()}
    lines = {"accuracy": plain("measured", values, texts)}
    if len(tolls) > 1:
        lines["accuracy, change"] = plain("measured", change, moved)
    return lines | {"worst class": plain("measured", {n: row.after for n, row in worst.items()}, named)}


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _sparsity(model: keras.Model) -> float | None:
    """None for models without kernels that could be pruned, as quantized ones are."""
    kernels = len(skipped(model)) < len(named_variables(model))
    return Masks.from_zeros(model).sparsity if kernels else None
