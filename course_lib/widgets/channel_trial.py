"""What ChannelPicker asks of the engine: how large, fast and accurate is a network of fewer channels?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from course_lib.pruning import (
    Channels,
    Masks,
    interleaved,
    macs,
    magnitude,
    mean_activation,
    named_variables,
    shrink,
)
from course_lib.pruning.card.compiled import compiled
from course_lib.pruning.macs import uses

Keep = Sequence[Sequence[bool]]  # by group, by channel

SHARES = (0.75, 0.5, 0.25)  # of every group kept: where the time is measured before anyone picks
ROUNDS = 7


class ChannelTrial:
    """A copy of a Keras model, channels removed and measured on (x, y); the model given stays as it is."""

    def __init__(self, model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
        self._whole = keras.models.clone_model(model)
        self._whole.set_weights(model.get_weights())
        self._channels = Channels(self._whole)
        self._x, self._labels = x, np.asarray(y)
        self.groups = {g.name: len(g.units) for g in self._channels.groups.values()}

    def weights(self) -> list[dict[str, Any]]:
        """How large each weight is, for any choice: its `uses` by one image, and its `axes`, as linear forms.

        An axis is [fixed, m₀, m₁, …]: it is fixed + Σ mᵢ · (channels kept of group i) long. Products over the
        axes, added up, are the parameters; times `uses` they are the multiply-accumulates.
        """
        times = uses(self._whole)
        return [
            {"uses": times.get(path, 0), "axes": [self._form(labels, size) for labels, size in axes]}
            for path, axes in self._axes().items()
        ]

    def scores(self) -> dict[str, list[list[float]]]:
        """{criterion: for each group the scores of its channels}."""
        criteria = {"L2 norm": magnitude(2), "mean activation": mean_activation(self._x)}
        pooled = {name: self._channels.pool(score(self._whole)) for name, score in criteria.items()}
        # Squares rank as norms do, but a bar should show the norm.
        pooled["L2 norm"] = {key: np.sqrt(s) for key, s in pooled["L2 norm"].items()}
        return {name: [list(map(float, s)) for s in found.values()] for name, found in pooled.items()}

    def grid(self, scores: Sequence[Sequence[float]]) -> dict[str, list[float]]:
        """Where equal shares of channels are kept: {"macs", "seconds": shares of the whole}."""
        keeps = [[_best(row, share) for row in scores] for share in SHARES]
        small = {str(i): self._shrunk(keep) for i, keep in enumerate(keeps)}
        sides = {name: self._run(m) for name, m in ({"whole": self._whole} | small).items()}
        timed = interleaved(sides, ROUNDS)
        works = [macs(m).total / macs(self._whole).total for m in small.values()]
        return {
            "macs": [1.0, *works],
            "seconds": [1.0, *(timed.ratio(name, "whole").median for name in small)],
        }

    def measure(self, keep: Keep) -> dict[str, Any]:
        """The network of these channels, built: its `seconds`, those of the `whole`, and `accuracy`.

        `time` is the ratio of the two, round by round.
        """
        sides = {"whole": self._run(self._whole)}
        if not all(map(all, keep)):
            sides["small"] = self._run(self._shrunk(keep))
        # Both compiled once for all images: `predict` of ever new models makes TensorFlow warn of tracing.
        timed, small = interleaved(sides, ROUNDS), list(sides)[-1]
        return {
            "keep": [list(map(bool, row)) for row in keep],
            "seconds": timed.median(small),
            "whole": timed.median("whole"),
            "time": timed.ratio(small, "whole").median,
            "accuracy": float(np.mean(sides[small]()[0].argmax(axis=-1) == self._labels)),
        }

    def _run(self, model: keras.Model) -> Callable[[], list]:
        return compiled(model, self._x)

    def _shrunk(self, keep: Keep) -> keras.Model:
        return shrink(self._whole, masks_of(self._channels, keep))

    def _axes(self) -> dict[str, list[tuple[np.ndarray | None, int]]]:
        known, axes = self._channels.weights, {}
        for path, variable in named_variables(self._whole).items():
            labels = known[path].axes if path in known else (None,) * len(variable.shape)
            axes[path] = list(zip(labels, variable.shape, strict=True))
        return axes

    def _form(self, labels: np.ndarray | None, size: int) -> list[int]:
        form = [0] * len(self.groups)
        if labels is not None:
            roots = self._channels.roots[labels]
            for i, group in enumerate(self._channels.groups.values()):
                form[i] = int(np.isin(roots, group.units).sum()) // len(group.units)
        taken = sum(m * n for m, n in zip(form, self.groups.values(), strict=True))
        return [int(size) - taken, *form]


def masks_of(channels: Channels, keep: Keep) -> Masks:
    """The masks of a choice of channels, by group."""
    verdicts = {key: np.array(row, bool) for key, row in zip(channels.groups, keep, strict=True)}
    return Masks(channels.expand(verdicts, {}))


def _best(scores: Sequence[float], share: float) -> list[bool]:
    count = max(1, round(len(scores) * share))
    keep = np.zeros(len(scores), bool)
    keep[np.argsort(scores)[-count:]] = True
    return keep.tolist()
