"""A schedule to drag: when the cuts begin and end, how deep they go, how the curve bends.

    from course_lib.widgets import ScheduleDesigner

    designer = ScheduleDesigner(model.get_layer("digits").kernel.numpy().T, steps=430, every=10)
    designer                                                   # drag
    GradualPruning(designer.schedule, every=designer.every)    # train with what was dragged

Everything is computed in the browser, from the order of the weights by magnitude; the kernel only hears of
the curve.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import anywidget
import numpy as np
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

MOST = 0.99  # some weights always stay
POWERS = (0.5, 6.0)
LARGEST = 4096  # weights: each is drawn

STATE = ("ranks", "columns", "steps", "every", "curve", "starts", "at", "problem")


class ScheduleDesigner(anywidget.AnyWidget):
    """A polynomial schedule over `steps` training steps, with a cut every `every` steps.

    `curve` is {"begin", "end", "final", "power"}, `schedule` the engine's schedule for it, and `cuts` what
    `GradualPruning(schedule, every)` does with it. The picture beside the curve shows the weights, largest
    magnitudes kept, as they were when the widget was made: training would change their order a little.
    """

    _esm = script("designer")
    _css = style("designer")
    ranks = traitlets.List().tag(sync=True)
    columns = traitlets.Int(1).tag(sync=True)
    steps = traitlets.Int(1).tag(sync=True)
    every = traitlets.Int(1).tag(sync=True)
    curve = traitlets.Dict().tag(sync=True)
    starts = traitlets.Dict().tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(self, weights: np.ndarray, steps: int, every: int = 10, final: float = 0.9) -> None:
        """Draw a matrix of weights (one row a row of the picture) and a cubic schedule for `steps` steps.

        The last cut comes after about two thirds of the steps.
        Raises: ValueError for weights that are no matrix or more than 4096, for `every` or `steps` being no
        whole numbers with 1 ≤ every < steps, and for a final sparsity outside [0, 0.99].
        """
        weights = np.asarray(weights)
        _check(weights, steps, every, final)
        order = np.argsort(-np.abs(weights), axis=None, kind="stable")
        ranks = np.empty(weights.size, int)
        ranks[order] = np.arange(weights.size)
        end = max(1, steps * 2 // 3 // every) * every
        cubic = {"begin": 0, "end": end, "final": float(final), "power": 3.0}
        super().__init__(
            ranks=ranks.tolist(),
            columns=weights.shape[1],
            steps=int(steps),
            every=int(every),
            starts={"One-shot": cubic | {"end": 0}, "Linear": cubic | {"power": 1.0}, "Cubic": cubic},
            at=end // 2 // every * every,
            problem="" if weights.size else "There are no weights to draw: the matrix is empty.",
        )
        self.curve = cubic

    @property
    def final(self) -> float:
        """The sparsity at the end."""
        return self.curve["final"]

    @property
    def schedule(self) -> Callable[[float | np.ndarray], float | np.ndarray]:
        """The curve as it stands, as a function step → sparsity."""
        # Only here: the widget itself must not need TensorFlow.
        from course_lib.pruning import polynomial

        return polynomial(**self.curve)

    @property
    def cuts(self) -> list[tuple[int, float]]:
        """The cuts this schedule makes, [(step, sparsity)], the last one at `end`."""
        begin, end = self.curve["begin"], self.curve["end"]
        due = [*range(0, end, self.every), end]
        return [(step, self.schedule(step)) for step in due if step >= begin and self.schedule(step) > 0]

    def kept_at(self, step: int) -> int:
        """How many of the weights drawn stay at a step."""
        reached = [sparsity for cut, sparsity in self.cuts if cut <= step]
        return max(1, round(len(self.ranks) * (1 - reached[-1]))) if reached else len(self.ranks)

    @traitlets.validate("curve")
    def _valid_curve(self, proposal: dict) -> dict:
        curve = proposal["value"]
        if not _fits(curve, self.steps):
            raise traitlets.TraitError(
                f"A curve has begin and end, steps from 0 to {self.steps} in this order, final from 0 to "
                f"{MOST}, and power from {POWERS[0]} to {POWERS[1]}. Received: {curve}."
            )
        whole = {name: int(curve[name]) for name in ("begin", "end")}
        return whole | {name: float(curve[name]) for name in ("final", "power")}

    def __repr__(self) -> str:
        return f"A schedule over {self.steps} steps: run this cell to load it"

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module, without a kernel."""
        return static_html(self, STATE)


def _fits(curve: dict, steps: int) -> bool:
    names = ("begin", "end", "final", "power")
    if set(curve) != set(names) or not all(isinstance(curve[name], Real) for name in names):
        return False
    begin, end, final, power = (curve[name] for name in names)
    whole = begin % 1 == 0 and end % 1 == 0
    return bool(
        whole and 0 <= begin <= end <= steps and 0 <= final <= MOST and POWERS[0] <= power <= POWERS[1]
    )


def _check(weights: np.ndarray, steps: int, every: int, final: float) -> None:
    if weights.ndim != 2 or weights.size > LARGEST:
        raise ValueError(
            f"weights must be a matrix of at most {LARGEST} numbers. Received: shape {weights.shape}. "
            "Take a small layer, or a part of a kernel."
        )
    if not (isinstance(steps, Integral) and isinstance(every, Integral) and 1 <= every < steps):
        raise ValueError(
            f"steps and every must be whole numbers, 1 <= every < steps. Received: {steps!r}, {every!r}."
        )
    if not (isinstance(final, Real) and 0 <= final <= MOST):
        hint = f" Did you mean {final / 100:g}?" if isinstance(final, Real) and 1 < final < 100 else ""
        raise ValueError(f"final must be a number from 0 to {MOST}. Received: {final!r}.{hint}")
