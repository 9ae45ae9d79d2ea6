"""How accuracy stands noise and simple corruptions, before and after pruning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ..table import as_html, as_text
from .predictions import classifier, labels, paired_error, standard_error
from .sides import Models, sides

Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def gaussian(size: float) -> Corruption:
    """Noise with a standard deviation of `size` times that of the data; values are not clipped."""
    return lambda x, rng: x + (size * x.std() * rng.standard_normal(x.shape)).astype(x.dtype)


def contrast(factor: float) -> Corruption:
    """Each example's distance from its own mean, times `factor`; 0.5 is half the contrast."""

    def change(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        mean = x.mean(axis=tuple(range(1, x.ndim)), keepdims=True)
        return (mean + factor * (x - mean)).astype(x.dtype)

    return change


def shift(pixels: int) -> Corruption:
    """Images (n, height, width, channels) moved to the right; what enters repeats the edge."""

    def change(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        columns = np.clip(np.arange(x.shape[2]) - pixels, 0, x.shape[2] - 1)
        return x[:, :, columns]

    return change


class Robustness(dict[str, dict[str, np.ndarray]]):
    """{corruption: {model: bool array, which examples are right}}; prints as a table of accuracies."""

    def accuracy(self, corruption: str, model: str) -> float:
        """The share of examples that a model still puts into their class."""
        return float(self[corruption][model].mean())

    def _rows(self) -> Iterator[tuple[str, ...]]:
        first, *others = next(iter(self.values()))
        yield "corruption", first, *(part for name in others for part in (name, f"against {first}"))
        for corruption, right in self.items():
            yield corruption, *_cells(right, first, others)

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())


def robustness(
    models: Models,
    x: Any,
    y: Any,
    corruptions: Mapping[str, Corruption] | None = None,
    seed: int = 0,
    threshold: float | None = None,
) -> Robustness:
    """Accuracy of models on corrupted examples, the same for all of them; the first line is without.

    `corruptions`: {name: function (x, generator) → x}, applied to every input that is not whole numbers; None
    is Gaussian noise of 0.25, 0.5 and 1 standard deviation and, for images, half and quarter contrast and
    shifts by one and two pixels. Changes are paired, as in `who_pays`. `y`, `threshold`: as there.
    Raises: ValueError if there is nothing to corrupt (tokens), and as `predicted` and `labels` do.
    """
    named, x = sides(models), x if isinstance(x, dict) else _listed(x)
    parts = keras.tree.flatten(x)
    if not any(part.dtype.kind == "f" for part in parts):
        raise ValueError(
            "Noise is added to real numbers. Received: "
            f"{', '.join(str(p.dtype) for p in parts)}. Scale images to [0, 1] first; tokens have no noise."
        )
    if corruptions is None:
        corruptions = _usual(all(part.ndim == 4 for part in parts if part.dtype.kind == "f"))
    judges = {side: classifier(model, threshold) for side, model in named.items()}
    found = Robustness()
    for name, change in {"none": lambda part, rng: part, **corruptions}.items():
        rng = np.random.default_rng(seed)
        hurt = keras.tree.map_structure(lambda a, c=change, g=rng: c(a, g) if a.dtype.kind == "f" else a, x)
        guesses = {side: judge(hurt) for side, judge in judges.items()}
        found[name] = {side: (g == labels(y, g)).ravel() for side, g in guesses.items()}
    return found


def _usual(images: bool) -> dict[str, Corruption]:
    noises = {f"noise {size:g} σ": gaussian(size) for size in (0.25, 0.5, 1.0)}
    contrasts = {f"contrast × {factor:g}": contrast(factor) for factor in (0.5, 0.25)}
    shifts = {f"shift {pixels} px": shift(pixels) for pixels in (1, 2)}
    return noises | contrasts | shifts if images else noises


def _listed(x: Any) -> Any:
    several = isinstance(x, list | tuple) and hasattr(next(iter(x), None), "shape")
    return keras.tree.map_structure(np.asarray, x) if several else np.asarray(x)


def _cells(right: Mapping[str, np.ndarray], first: str, others: list[str]) -> Iterator[str]:
    for name, each in right.items():
        yield f"{each.mean():.1%} ± {100 * standard_error(int(each.sum()), len(each)):.1f}"
        if name in others:
            change = 100 * (each.mean() - right[first].mean())
            yield f"{change:+.1f} ± {100 * paired_error(right[first], each):.1f}"
