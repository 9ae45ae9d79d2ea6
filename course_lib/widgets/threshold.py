"""A histogram of weights with a threshold to drag: how much goes, how small the file gets, what it costs.

    from course_lib.widgets import ThresholdHistogram

    ThresholdHistogram.of_model(model, x_test, y_test)   # weights, zipped size, accuracy
    ThresholdHistogram(weights)                          # any arrays: the share removed alone

Python sends counts, never the weights, so the browser can answer every movement by itself; the kernel follows
with exact figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

Figures = dict[str, float]

BINS = 101  # odd, so that one bin stands astride zero
STEPS = 400  # of the cumulative share sent to the browser: finer than a pixel of the usual plot
SHARES = np.array([*np.linspace(0, 0.95, 20), 0.97, 0.98, 0.99, 0.995, 1])  # measured before anyone drags

STATE = ("counts", "top", "total", "cumulative", "levels", "threshold", "exact", "problem")


class ThresholdHistogram(anywidget.AnyWidget):
    """Histogram of weights with a draggable threshold; weights of magnitude up to it are removed.

    `threshold` is where the handle stands; `exact` holds the kernel's figures for it (`threshold`,
    `sparsity`, and what `measure_at` adds). Weights that cannot be drawn (none, constant, not finite) give a
    sentence instead.
    """

    _esm = script("threshold")
    _css = style("threshold")
    counts = traitlets.List().tag(sync=True)
    top = traitlets.Float(0.0).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    cumulative = traitlets.List().tag(sync=True)
    levels = traitlets.Dict().tag(sync=True)
    threshold = traitlets.Float(0.0).tag(sync=True)
    exact = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        weights: Mapping[str, np.ndarray] | list[np.ndarray] | np.ndarray,
        measure_at: Callable[[float], Figures] | None = None,
    ) -> None:
        """Draw `weights`; `measure_at(threshold)` may return `bytes`, `accuracy`, or both."""
        flat = _flat(weights)
        self._magnitudes = np.sort(np.abs(flat))
        self._measure_at = measure_at
        problem = _problem(flat)
        super().__init__(problem=problem, **({} if problem else _drawing(flat, self._magnitudes)))
        if not problem:
            self._measure_levels()
        self.observe(self._on_threshold, "threshold")

    @classmethod
    def of_model(cls, model: Any, x: np.ndarray, y: np.ndarray) -> ThresholdHistogram:
        """Draw a Keras model's prunable weights, with its zipped size and its accuracy on (x, y).

        Everything is measured on a copy: the model is never touched, and later training does not show here.
        """
        # Only here: the widget itself must not need TensorFlow.
        from course_lib.widgets.trial import ModelTrial

        trial = ModelTrial(model, x, y)
        return cls(trial.weights, trial.measure_at)

    def figures_at(self, threshold: float) -> Figures:
        """Return the exact figures for one threshold."""
        removed = np.searchsorted(self._magnitudes, threshold, side="right") / len(self._magnitudes)
        measured = self._measure_at(threshold) if self._measure_at else {}
        figures = {"threshold": threshold, "sparsity": removed} | measured
        return {name: float(value) for name, value in figures.items()}

    def _measure_levels(self) -> None:
        places = np.clip(np.ceil(SHARES * self.total).astype(int) - 1, 0, self.total - 1)
        thresholds = [0.0, *self._magnitudes[places[1:]]]
        rows = [self.figures_at(float(t)) for t in thresholds]
        self.levels = {name: [row[name] for row in rows] for name in rows[0]}
        self.exact = rows[0]

    def _on_threshold(self, change: dict) -> None:
        try:
            self.exact, self.problem = self.figures_at(change["new"]), ""
        except Exception as error:
            # An error in a widget's callback reaches no cell; the picture is the only place to say it.
            self.problem = f"Measuring at {change['new']:.4g} failed: {type(error).__name__}: {error}"

    def __repr__(self) -> str:
        return (
            f"Weight histogram of {self.total:,} weights with a threshold to drag: run this cell to load it"
        )

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module: it drags without a kernel, and estimates."""
        return static_html(self, STATE)


def _flat(weights: Mapping[str, np.ndarray] | list[np.ndarray] | np.ndarray) -> np.ndarray:
    arrays = weights.values() if isinstance(weights, Mapping) else weights
    if isinstance(weights, np.ndarray):
        arrays = [weights]
    return np.concatenate([np.zeros(0), *(np.ravel(np.asarray(a, "float64")) for a in arrays)])


def _problem(flat: np.ndarray) -> str:
    if not flat.size:
        return "There are no weights to draw: the histogram was given none."
    if bad := int(np.sum(~np.isfinite(flat))):
        return (
            f"{bad:,} of {flat.size:,} weights are not finite (NaN or infinite): there is nothing to draw. "
            "Training diverged, perhaps: try a smaller learning rate."
        )
    if np.ptp(flat) == 0:
        return f"All {flat.size:,} weights are {flat[0]:g}: one threshold removes all of them or none."
    return ""


def _drawing(flat: np.ndarray, magnitudes: np.ndarray) -> dict[str, object]:
    top = float(magnitudes[-1])
    counts, _ = np.histogram(flat, bins=BINS, range=(-top, top))
    cumulative = np.searchsorted(magnitudes, np.linspace(0, top, STEPS + 1), side="right") / flat.size
    return {
        "counts": counts.tolist(),
        "top": top,
        "total": flat.size,
        "cumulative": np.round(cumulative, 6).tolist(),
    }
