"""The static pictures of the lessons: one function, one question."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

# Okabe and Ito's colours, told apart by colour-blind readers; markers differ too.
STYLES = [("#0072b2", "o", "-"), ("#d55e00", "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":")]


def axes(ax: Axes | None = None, size: tuple[float, float] = (6.4, 3.6)) -> Axes:
    """The given axes, or new ones in the course's size and without the upper and right frame."""
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def lines(
    x: Sequence[float],
    curves: Mapping[str, Sequence[Sequence[float]]],
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """How does y change with x?  One line a name; each value is a list of runs, one a seed.

    The line is the mean over the runs and the band reaches from the smallest to the largest.
    x and y are shares in [0, 1], shown as percentages.
    """
    ax = axes(ax)
    for (name, runs), (colour, marker, style) in zip(curves.items(), STYLES, strict=False):
        runs = np.atleast_2d(np.asarray(runs, float))
        ax.plot(x, runs.mean(axis=0), style, color=colour, marker=marker, label=name)
        ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(frameon=False)
    return ax


def cumulative(
    values: Mapping[str, np.ndarray], xlabel: str, at: float, share: float, ax: Axes | None = None
) -> Axes:
    """Which share of each set of values lies below a value?  One curve a name.

    A vertical line at the value `at` and a horizontal one at `share`, in [0, 1], are there to be followed to
    the curves.
    """
    ax = axes(ax)
    shares = np.linspace(0, 1, 201)
    for (name, numbers), (colour, marker, style) in zip(values.items(), STYLES, strict=False):
        below = np.quantile(numbers, shares)
        ax.plot(below, shares, style, color=colour, marker=marker, markevery=20, markersize=5, label=name)
    ax.axvline(at, color="black", linewidth=1)
    ax.axhline(share, color="black", linewidth=1)
    ax.set(xlabel=xlabel, ylabel="share that is smaller")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(frameon=False)
    return ax


def images(pictures: np.ndarray, titles: Sequence[object], columns: int = 10) -> None:
    """What do these images show?  `pictures` has shape (n, height, width) or (n, height, width, 1)."""
    rows = -(-len(pictures) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(columns * 0.8, rows), layout="constrained", squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, picture, title in zip(grid.flat, pictures, titles, strict=False):
        ax.imshow(np.squeeze(picture), cmap="gray_r")
        ax.set_title(str(title), fontsize=9)
