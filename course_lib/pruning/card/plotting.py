"""The pictures of this room. The only file of the engine that draws; matplotlib is loaded when it does.

The card and the roofline are drawn, not imported: they know their picture, it does not know them.
Colours are Okabe and Ito's, which colour-blind readers can tell apart; markers and words say the same.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import numpy as np

from .predictions import standard_error
from .storage import FORMATS

_COLOURS, _MARKERS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000"), "osD^vP"


def draw_card(card: Any) -> dict[str, Any]:
    """Costs as shares of the first model (one model: its bytes by format), times, and accuracy if judged."""
    from matplotlib import pyplot as plt

    under = ["times"] + ["accuracy"] * bool(card.toll)
    height = max(3.8, 1.4 + len(card) * (0.2 + 0.09 * len(card.models)))
    figure = plt.figure(figsize=(10.5, height), layout="constrained")
    panels = figure.subplot_mosaic([["costs", part] for part in under], width_ratios=(1.25, 1))
    for ax in panels.values():
        ax.spines[["top", "right"]].set_visible(False)
    (_shares if len(card.models) > 1 else _formats)(card, panels["costs"])
    _times(card, panels["times"])
    if card.toll:
        _accuracy(card, panels["accuracy"])
    if len(card.models) > 1:
        figure.legend(*panels["times"].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return panels  # not the figure: a notebook would show it twice


def _shares(card: Any, ax: Any) -> None:
    first, *others = card.models
    rows = {key: line for key, line in card.items() if None not in line.shares.values()}
    for name, (colour, marker) in list(_styles(card.models).items())[1:]:
        places = np.arange(len(rows)) + _offset(others, name)
        shares = [line.shares[name] for line in rows.values()]
        ax.scatter(shares, places, color=colour, marker=marker, s=34, zorder=3)
        for place, line in zip(places, rows.values(), strict=True):
            if line.ranges:
                ax.plot(line.ranges[name], [place, place], color=colour, linewidth=1.6, zorder=2)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:g}×" if share >= 1 else f"1/{1 / share:.0f}")
    names = [key if line.how == "counted" else f"{key} ({line.how})" for key, line in rows.items()]
    ax.set_yticks(range(len(rows)), names)
    ax.grid(axis="both", color="0.9")
    ax.set(xlabel=f"share of {first}", title=f"What is left, {first} = 1", ylim=(len(rows) - 0.5, -0.5))


def _formats(card: Any, ax: Any) -> None:
    (name,) = card.models
    sizes = np.array(card.storage[name].all[1:]) / 1e3
    bars = ax.barh(FORMATS, sizes, color=_COLOURS[0])
    ax.bar_label(bars, [f"{size:,.1f} kB" for size in sizes], padding=3)
    ax.invert_yaxis()
    ax.set(xlabel="kB", title=f"Weights of {name} in each format", xlim=(0, 1.25 * sizes.max()))


def _times(card: Any, ax: Any) -> None:
    groups = [(f"batch {size}", seconds) for size, seconds in card.latency.items()]
    for name, (colour, marker) in _styles(card.models).items():
        for row, (_, seconds) in enumerate(groups):
            low, middle, high = np.percentile(seconds[name], [25, 50, 75]) * 1e3
            place = row + _offset(card.models, name)
            ax.plot([low, high], [place, place], color=colour, linewidth=1.6)
            ax.scatter(middle, place, color=colour, marker=marker, s=34, label=name if not row else None)
    ax.set_yticks(range(len(groups)), [title for title, _ in groups])
    ax.set(xlabel="milliseconds: median and quartiles", title="Time to answer (measured)")
    ax.set(xlim=(0, None), ylim=(len(groups) - 0.5, -0.5))
    ax.grid(axis="x", color="0.9")


def _accuracy(card: Any, ax: Any) -> None:
    for place, (name, (colour, marker)) in enumerate(_styles(card.models).items()):
        row, worst = card.toll[name].all, min(card.toll[name], key=lambda row: row.after)
        error = standard_error(round(row.after * row.count), row.count)
        ax.errorbar(100 * row.after, place, xerr=100 * error, color=colour, marker=marker, capsize=3)
        ax.scatter(100 * worst.after, place, facecolors="none", edgecolors=colour, marker=marker, s=34)
        text, where = f"class {worst.name}", (100 * worst.after, place)
        ax.annotate(text, where, (0, 7), textcoords="offset points", ha="center", fontsize=9)
    ax.set_yticks(range(len(card.models)), card.models)
    count = card.toll[card.models[0]].all.count
    ax.set(xlabel="% right ± standard error; hollow: worst class")
    ax.set(title=f"Accuracy on {count:,} examples (measured)", ylim=(len(card.models) - 0.5, -0.6))
    ax.margins(x=0.15)
    ax.grid(axis="x", color="0.9")


def draw_roofline(found: Any, ax: Any = None) -> Any:
    """The roof of a machine; layers on it, where they could be at most; whole models where they are."""
    from matplotlib import pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    machine = found.machine
    ends = [p.intensity for p in found if p.intensity] + [machine.ridge]
    line = np.geomspace(min(ends) / 2, max(ends) * 4, 200)
    ax.plot(line, np.minimum(machine.peak, machine.bandwidth * line) / 1e9, color="black", linewidth=1.5)
    names = list(dict.fromkeys(p.model for p in found))
    for name, (colour, marker) in _styles(names).items():
        layers = [p.intensity for p in found if p.model == name and p.reached is None]
        roof = np.minimum(machine.peak, machine.bandwidth * np.array(layers)) / 1e9
        ax.scatter(layers, roof, facecolors="none", edgecolors=colour, marker=marker, s=40, zorder=3)
        for p in (p for p in found if p.model == name and p.reached):
            at_most = min(machine.peak, machine.bandwidth * p.intensity)
            ax.plot([p.intensity] * 2, [p.reached / 1e9, at_most / 1e9], ":", color=colour, linewidth=1)
            label = f"{name}: {p.reached / at_most:.0%} of the roof"
            ax.scatter(p.intensity, p.reached / 1e9, color=colour, marker=marker, s=60, zorder=3, label=label)
    ax.axvline(machine.ridge, color="0.7", linewidth=1, linestyle="--")
    for text, side in (("memory is the limit ", "right"), (" arithmetic is the limit", "left")):
        ax.text(
            machine.ridge, 0.02, text, transform=ax.get_xaxis_transform(), ha=side, color="0.35", fontsize=9
        )
    ax.set(xscale="log", yscale="log", xlabel="FLOP a byte moved", ylabel="GFLOP/s")
    ax.set_title("Hollow: layers, at most. Filled: whole models, measured.", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=9)
    return ax


def _styles(names: list[str]) -> dict[str, tuple[str, str]]:
    return dict(zip(names, islice(cycle(zip(_COLOURS, _MARKERS, strict=True)), len(names)), strict=True))


def _offset(names: list[str], name: str) -> float:
    """Where in a row of height 1 a name stands, so that equal values do not hide each other."""
    return (names.index(name) - (len(names) - 1) / 2) * 0.6 / len(names)
