"""The steps of a pruning run to scrub through: what was asked, what was reached, and which weights went.

    from course_lib.widgets import Frame, StepScrubber

    frames = [Frame(0, {"dense": mask}), Frame(1, {"dense": later}, asked=0.5, accuracy=0.9)]
    StepScrubber({"first try": frames})

It draws what was recorded, by whichever tool: `course_lib.legacy.Recorder` records tfmot.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import anywidget
import numpy as np
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

LARGEST = 200_000  # weights of all layers: each is drawn
FIGURES = ("asked", "zeros", "accuracy")
STATE = ("layers", "runs", "run", "at", "problem")


class Frame(NamedTuple):
    """A moment of a run: the step, {layer name: mask, True = kept}, and shares in [0, 1] that were noted.

    `asked` is what the schedule wants, `zeros` what the weights have, `accuracy` what the model can.
    """

    step: int
    masks: Mapping[str, np.ndarray]
    asked: float | None = None
    zeros: float | None = None
    accuracy: float | None = None


class StepScrubber(anywidget.AnyWidget):
    """One or more recorded runs of one network, {label: frames}, with a slider over their steps.

    `step`, `label` and `masks` are what is shown at the moment.
    """

    _esm = script("scrubber")
    _css = style("scrubber")
    layers = traitlets.List().tag(sync=True)
    runs = traitlets.List().tag(sync=True)
    run = traitlets.Int(0).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(self, runs: Mapping[str, Sequence[Frame]]) -> None:
        """Draw runs of one network: the same layers, with the same shapes, in all frames.

        A layer is drawn as a matrix: of a convolution's kernel the last axis, the filters, is one side.
        Raises: ValueError for frames whose layers differ, and for more than 200,000 weights.
        """
        filled = {label: list(frames) for label, frames in runs.items() if len(frames)}
        every = [frame for frames in filled.values() for frame in frames]
        _check(every)
        layers = [_layer(name, mask) for name, mask in every[0].masks.items()] if every else []
        super().__init__(
            layers=layers,
            runs=[_run(label, frames, layers) for label, frames in filled.items()],
            problem="" if every else "There is nothing to scrub through: no step was recorded.",
        )
        self._frames = list(filled.values())

    @property
    def label(self) -> str:
        """The name of the run that is shown."""
        return self.runs[self.run]["label"]

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self._shown().step

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """The masks that are shown, {layer name: bool array}."""
        return {name: np.array(mask, bool) for name, mask in self._shown().masks.items()}

    def _shown(self) -> Frame:
        frames = self._frames[self.run]
        return frames[min(self.at, len(frames) - 1)]  # another run may be shorter

    @traitlets.validate("run")
    def _valid_run(self, proposal: dict) -> int:
        if 0 <= proposal["value"] < max(1, len(self.runs)):
            return proposal["value"]
        raise traitlets.TraitError(f"run must be 0 to {len(self.runs) - 1}. Received: {proposal['value']}.")

    @traitlets.validate("at")
    def _valid_at(self, proposal: dict) -> int:
        longest = max((len(run["steps"]) for run in self.runs), default=1)
        if 0 <= proposal["value"] < longest:
            return proposal["value"]
        raise traitlets.TraitError(
            f"at is the number of a frame, 0 to {longest - 1}. Received: {proposal['value']}."
        )

    def __repr__(self) -> str:
        return f"{len(self.runs)} recorded runs to scrub through: run this cell to load them"

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module, without a kernel."""
        return static_html(self, STATE)


def _layer(name: str, mask: np.ndarray) -> dict[str, Any]:
    """How a layer is drawn: its longer side lies."""
    shape = np.shape(mask)
    rows, columns = int(np.prod(shape[:-1])), shape[-1] if shape else 1
    turned = rows > columns
    return {
        "name": name,
        "shape": " × ".join(map(str, shape)),
        "turned": turned,
        "rows": columns if turned else rows,
        "columns": rows if turned else columns,
    }


def _run(label: str, frames: list[Frame], layers: list[dict]) -> dict[str, Any]:
    """A run as plain numbers; equal masks in a row are sent once."""
    cuts: list[dict] = []
    which = []
    for frame in frames:
        kept = [np.asarray(frame.masks[layer["name"]], bool) for layer in layers]
        bits = [_bits(mask, layer) for mask, layer in zip(kept, layers, strict=True)]
        if not cuts or cuts[-1]["bits"] != bits:
            cuts.append({"bits": bits, "kept": [int(mask.sum()) for mask in kept]})
        which.append(len(cuts) - 1)
    figures = {name: [_share(getattr(frame, name)) for frame in frames] for name in FIGURES}
    return {"label": label, "steps": [int(f.step) for f in frames], "which": which, "cuts": cuts} | figures


def _bits(mask: np.ndarray, layer: dict) -> str:
    matrix = mask.reshape(-1, mask.shape[-1] if mask.ndim else 1)
    return base64.b64encode(np.packbits(matrix.T if layer["turned"] else matrix)).decode()


def _share(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _check(frames: list[Frame]) -> None:
    shapes = [{name: np.shape(mask) for name, mask in frame.masks.items()} for frame in frames]
    for frame, found in zip(frames, shapes, strict=True):
        if found != shapes[0]:
            raise ValueError(
                "All frames must hold the same layers with the same shapes, as in the first one. "
                f"Received: {shapes[0]}, and at step {frame.step} {found}."
            )
    total = sum(int(np.prod(shape)) for shape in shapes[0].values()) if shapes else 0
    if total > LARGEST:
        raise ValueError(
            f"At most {LARGEST:,} weights can be drawn. Received: {total:,}. Record fewer layers."
        )
