"""One slider a layer under one budget: what is spared in one layer, the others pay.

    from course_lib.widgets import LayerBudgets

    split = LayerBudgets.of_model(model, x, y, sparsity=0.8)   # with the accuracy on (x, y)
    split                                                      # drag
    make_masks(model, None, scope=per_layer(split.table))      # what was dragged

The browser keeps the budget and estimates the accuracy from each layer pruned alone, as if the losses
multiplied; the kernel follows with the exact one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import anywidget
import numpy as np
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

Table = dict[str, float]

MOST = 0.99  # the end of every slider: no layer loses all its weights
LEVELS = [0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, MOST]  # each layer alone, before anyone drags

STATE = ("names", "sizes", "budget", "levels", "curves", "starts", "shares", "exact", "problem")


class LayerBudgets(anywidget.AnyWidget):
    """One slider a layer; together the layers may keep `budget` weights.

    `shares` are the shares removed, in the order of `names`; `table` is the same as a dict, which the
    engine's `per_layer` understands; `exact` holds the kernel's figures for them (`shares`, `kept`, and
    `accuracy` if it is measured).
    """

    _esm = script("budgets")
    _css = style("budgets")
    names = traitlets.List().tag(sync=True)
    sizes = traitlets.List().tag(sync=True)
    budget = traitlets.Int(0).tag(sync=True)
    levels = traitlets.List().tag(sync=True)
    curves = traitlets.List().tag(sync=True)
    starts = traitlets.Dict().tag(sync=True)
    shares = traitlets.List().tag(sync=True)
    exact = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        sizes: Mapping[str, int],
        sparsity: float = 0.8,
        accuracy_of: Callable[[Table], float] | None = None,
        starts: Mapping[str, Sequence[float]] = {},  # noqa: B006 (read only)
    ) -> None:
        """Draw layers of these sizes, {name: number of weights}, which together lose the share `sparsity`.

        `accuracy_of({name: share removed})` measures, a few dozen times at the start and after every move.
        `starts` adds buttons, {label: shares}, beside the first one, "Equal shares".
        Raises: ValueError for a sparsity outside [0, 0.99] and for a layer without weights.
        """
        _check(sizes, sparsity)
        self._accuracy_of = accuracy_of
        names, counts = list(sizes), [int(n) for n in sizes.values()]
        equal = [float(sparsity)] * len(names)
        super().__init__(
            names=names,
            sizes=counts,
            budget=round(sum(counts) * (1 - sparsity)),
            starts={"Equal shares": equal} | {label: [float(x) for x in s] for label, s in starts.items()},
            problem="" if names else "There are no layers to draw: the budget was given none.",
        )
        self.shares = equal
        if names:
            self.levels, self.curves = (LEVELS, self._each_alone()) if accuracy_of else ([], [])
            self.exact = self.figures_at(equal)
        self.observe(self._on_shares, "shares")

    @classmethod
    def of_model(cls, model: Any, x: np.ndarray, y: np.ndarray, sparsity: float = 0.8) -> LayerBudgets:
        """Draw a Keras model's prunable weights, with the accuracy on (x, y) and a button for one threshold.

        Everything is measured on a copy: the model is never touched, and later training does not show here.
        """
        # Only here: the widget itself must not need TensorFlow.
        from course_lib.pruning import globally, make_masks
        from course_lib.widgets.trial import ModelTrial

        trial = ModelTrial(model, x, y)
        sizes = {path: array.size for path, array in trial.weights.items()}
        masks = make_masks(model, sparsity, scope=globally)
        one = [min(MOST, 1 - np.count_nonzero(masks[path]) / size) for path, size in sizes.items()]
        return cls(sizes, sparsity, trial.accuracy_of, {"One threshold": one})

    @property
    def table(self) -> Table:
        """The share removed of each layer, {name: share}."""
        return dict(zip(self.names, self.shares, strict=True))

    def figures_at(self, shares: Sequence[float]) -> dict[str, Any]:
        """Return the exact figures for shares in the order of `names`: weights kept by layer, accuracy."""
        kept = [max(1, round(n * (1 - s))) for n, s in zip(self.sizes, shares, strict=True)]
        figures: dict[str, Any] = {"shares": list(shares), "kept": kept}
        if self._accuracy_of:
            figures["accuracy"] = float(self._accuracy_of(dict(zip(self.names, shares, strict=True))))
        return figures

    def _each_alone(self) -> list[list[float]]:
        whole = dict.fromkeys(self.names, 0.0)
        return [[float(self._accuracy_of(whole | {name: s})) for s in LEVELS] for name in self.names]

    def _on_shares(self, change: dict) -> None:
        try:
            self.exact, self.problem = self.figures_at(change["new"]), ""
        except Exception as error:
            # An error in a widget's callback reaches no cell; the picture is the only place to say it.
            self.problem = f"Measuring failed: {type(error).__name__}: {error}"

    @traitlets.validate("shares")
    def _valid_shares(self, proposal: dict) -> list[float]:
        shares = proposal["value"]
        fits = len(shares) == len(self.names) and all(isinstance(s, Real) and 0 <= s <= MOST for s in shares)
        if fits:
            return [float(s) for s in shares]
        raise traitlets.TraitError(
            f"shares must be {len(self.names)} numbers from 0 to {MOST}, one a layer. Received: {shares}."
        )

    def __repr__(self) -> str:
        return f"Sliders for {len(self.names)} layers under one budget: run this cell to load it"

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module: it drags without a kernel, and estimates."""
        return static_html(self, STATE)


def _check(sizes: Mapping[str, int], sparsity: float) -> None:
    if not (isinstance(sparsity, Real) and 0 <= sparsity <= MOST):
        hint = (
            f" Did you mean {sparsity / 100:g}?" if isinstance(sparsity, Real) and 1 < sparsity < 100 else ""
        )
        raise ValueError(f"sparsity must be a number from 0 to {MOST}. Received: {sparsity!r}.{hint}")
    if empty := [name for name, size in sizes.items() if size < 1]:
        raise ValueError(f"Every layer needs at least one weight. Received none for: {', '.join(empty)}.")
