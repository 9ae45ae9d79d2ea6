"""Channels to remove by a click: what is left of parameters, multiply-accumulates, time and accuracy.

    from course_lib.widgets import ChannelPicker

    picker = ChannelPicker.of_model(model, x, y)
    picker                                  # click
    small = shrink(model, picker.masks(model))

The browser counts parameters and multiply-accumulates exactly and estimates the time from a few networks that
were timed; the kernel builds the chosen network and measures it when asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

Keep = list[list[bool]]  # by group, by channel

STATE = ("groups", "weights", "scores", "grid", "images", "keep", "exact", "problem")


class ChannelPicker(anywidget.AnyWidget):
    """A box for each channel of each group, to be removed or kept.

    `keep` is the choice, by group and channel; `exact` is what was measured last, with the `keep` it belongs
    to; `asked` counts how often the browser asked to measure.
    """

    _esm = script("channels")
    _css = style("channels")
    groups = traitlets.List().tag(sync=True)
    weights = traitlets.List().tag(sync=True)
    scores = traitlets.Dict().tag(sync=True)
    grid = traitlets.Dict().tag(sync=True)
    images = traitlets.Int(0).tag(sync=True)
    keep = traitlets.List().tag(sync=True)
    exact = traitlets.Dict().tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        groups: Mapping[str, int],
        weights: Sequence[Mapping[str, Any]],
        scores: Mapping[str, Sequence[Sequence[float]]],
        measure: Callable[[Keep], dict[str, Any]] | None = None,
        grid: Mapping[str, Sequence[float]] = {},  # noqa: B006 (read only)
        images: int = 0,
    ) -> None:
        """Draw these groups of channels, {name: number}; all are kept at first.

        `weights` are [{"uses", "axes": [[fixed, m₀, m₁, …], …]}]: an axis is fixed + Σ mᵢ · (kept of group i)
        long. `scores` are {criterion: for each group one a channel}. `measure(keep)` returns `keep`,
        `seconds`, `whole` (seconds), `time` (their ratio) and `accuracy`; `grid`, for the estimate, is
        {"macs", "seconds": shares of the whole}; both are for that many `images`.
        Raises: ValueError for a group without channels, and for scores that do not fit the groups.
        """
        _check(groups, scores)
        super().__init__(
            groups=[{"name": name, "channels": int(count)} for name, count in groups.items()],
            weights=[dict(weight) for weight in weights],
            scores={name: [list(map(float, row)) for row in rows] for name, rows in scores.items()},
            grid={name: list(map(float, values)) for name, values in grid.items()},
            images=images,
            problem="" if groups else "There are no channels to pick: this network has none that may go.",
        )
        self.keep = [[True] * int(count) for count in groups.values()]
        self._measure = measure
        if measure and groups:
            self.exact = measure(self.keep)
        self.observe(self._on_asked, "asked")

    @classmethod
    def of_model(cls, model: Any, x: Any, y: Any) -> ChannelPicker:
        """Draw the coupled channels of a Keras classifier, timed and judged on (x, y) in one go.

        Everything is measured on a copy: the model is never touched, and later training does not show here.
        """
        # Only here: the widget itself must not need TensorFlow.
        from course_lib.widgets.channel_trial import ChannelTrial

        trial = ChannelTrial(model, x, y)
        if not trial.groups:
            return cls({}, [], {})
        scores = trial.scores()
        grid = trial.grid(next(iter(scores.values())))
        return cls(trial.groups, trial.weights(), scores, trial.measure, grid, len(x))

    @property
    def removed(self) -> int:
        """How many channels are chosen to go."""
        return sum(row.count(False) for row in self.keep)

    def masks(self, model: Any) -> Any:
        """The masks of the choice, for `shrink(model, masks)`; `model` has the channels that were drawn."""
        from course_lib.pruning import Channels
        from course_lib.widgets.channel_trial import masks_of

        return masks_of(Channels(model), self.keep)

    def _on_asked(self, change: dict) -> None:
        if self._measure is None:
            return
        try:
            self.exact, self.problem = self._measure(self.keep), ""
        except Exception as error:
            # An error in a widget's callback reaches no cell; the picture is the only place to say it.
            self.exact, self.problem = {}, f"Measuring failed: {type(error).__name__}: {error}"

    @traitlets.validate("keep")
    def _valid_keep(self, proposal: dict) -> Keep:
        keep, counts = proposal["value"], [group["channels"] for group in self.groups]
        if [len(row) for row in keep] == counts and all(any(row) for row in keep):
            return [[bool(kept) for kept in row] for row in keep]
        raise traitlets.TraitError(
            f"keep must hold a list of {', '.join(map(str, counts))} bools, one a channel, at least one of "
            f"each True. Received: {keep}."
        )

    def __repr__(self) -> str:
        count = sum(group["channels"] for group in self.groups)
        return f"{count} channels to pick: run this cell to load it"

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module: it counts and estimates without a kernel."""
        return static_html(self, STATE)


def _check(groups: Mapping[str, int], scores: Mapping[str, Sequence[Sequence[float]]]) -> None:
    if empty := [name for name, count in groups.items() if count < 1]:
        raise ValueError(f"Every group needs at least one channel. Received none for: {', '.join(empty)}.")
    for name, rows in scores.items():
        if [len(row) for row in rows] != list(groups.values()):
            raise ValueError(
                f"Scores are one a channel: {list(groups.values())}. "
                f"Received for {name!r}: {[len(row) for row in rows]}."
            )
