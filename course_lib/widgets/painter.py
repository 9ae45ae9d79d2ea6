"""A matrix of weights to paint a mask on: what each pattern of zeros saves, in bytes and in multiplications.

    from course_lib.widgets import MaskPainter

    painter = MaskPainter.with_patterns(kernel[:16, :16])   # buttons: free, 2:4, blocks, whole outputs
    painter                                                 # paint
    kernel[:16, :16] * painter.mask                         # what was painted

The browser counts by itself: weights, blocks, groups of four, bytes and products of each format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from course_lib.widgets.assets import script, style
from course_lib.widgets.static import show, static_html

Keep = list[list[bool]]  # by row, by column

MOST = 32  # rows and columns: more boxes than that nobody can hit

STATE = ("weights", "block", "starts", "keep", "problem")


class MaskPainter(anywidget.AnyWidget):
    """A box for each weight of a small matrix (inputs, outputs), to be removed or kept.

    `keep` is the mask as lists, `mask` the same as an array. `block` is the size, (rows, columns), of the
    blocks that are counted and that one brush paints.
    """

    _esm = script("painter")
    _css = style("painter")
    weights = traitlets.List().tag(sync=True)
    block = traitlets.List().tag(sync=True)
    starts = traitlets.Dict().tag(sync=True)
    keep = traitlets.List().tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    live = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        weights: np.ndarray,
        starts: Mapping[str, np.ndarray] = {},  # noqa: B006 (read only)
        block: tuple[int, int] = (4, 4),
    ) -> None:
        """Draw a matrix, (inputs, outputs) like a Dense kernel; all weights are kept at first.

        `starts` adds buttons, {label: mask}, beside the first one, "Keep all".
        Raises: ValueError for what is no matrix of at most 32 × 32, for masks of another shape, and for a
        block without a size.
        """
        matrix = np.asarray(weights)
        _check(matrix, starts, block)
        problem = _problem(matrix)
        whole = np.ones(matrix.shape, bool)
        super().__init__(
            weights=[] if problem else np.abs(matrix).astype(float).round(6).tolist(),
            block=[int(size) for size in block],
            starts={
                label: np.asarray(mask, bool).tolist()
                for label, mask in {"Keep all": whole, **starts}.items()
            },
            problem=problem,
        )
        self.keep = whole.tolist()

    @classmethod
    def with_patterns(cls, weights: np.ndarray) -> MaskPainter:
        """Draw a matrix, with buttons that remove half of it: freely, 2:4, by blocks, by whole outputs."""
        # Only here: the widget itself must not need TensorFlow.
        from course_lib.pruning import Block, Channel, Element, layerwise, n_of_m

        named = {"kernel": np.abs(np.asarray(weights))}

        def mask(scope: Any, sparsity: float | None, units: Any) -> np.ndarray:
            return units.expand(scope(units.pool(named), sparsity), named)["kernel"]

        starts = {
            "Free": (layerwise, 0.5, Element()),
            "2 : 4": (n_of_m(2, 4), None, Element()),
            "Blocks": (layerwise, 0.5, Block(4, 4)),
            "Whole outputs": (layerwise, 0.5, Channel()),
        }
        return cls(weights, {label: mask(*recipe) for label, recipe in starts.items()})

    @property
    def mask(self) -> np.ndarray:
        """What is painted: array of bool, (inputs, outputs), True for the weights that are kept."""
        return np.array(self.keep, dtype=bool)

    @traitlets.validate("keep")
    def _valid_keep(self, proposal: dict) -> Keep:
        keep, lengths = proposal["value"], [len(row) for row in self.weights]
        if not lengths or [len(row) for row in keep] == lengths:
            return [[bool(kept) for kept in row] for row in keep]
        raise traitlets.TraitError(
            f"keep must hold {len(lengths)} lists of {lengths[0]} bools, one a weight. Received: {keep}."
        )

    def __repr__(self) -> str:
        across = len(self.weights[0]) if self.weights else 0
        return f"A mask to paint on {len(self.weights)} × {across} weights: run this cell to load it"

    def _ipython_display_(self) -> None:
        show(self, self.to_html())

    def to_html(self) -> str:
        """Return static HTML that runs the same module: everything but `mask` works without a kernel."""
        return static_html(self, STATE)


def _check(matrix: np.ndarray, starts: Mapping[str, np.ndarray], block: tuple[int, int]) -> None:
    if matrix.ndim != 2 or max(matrix.shape) > MOST:
        raise ValueError(
            f"weights must be a matrix of at most {MOST} × {MOST}: take a corner, weights[:16, :16]. "
            f"Received: an array of shape {matrix.shape}."
        )
    if len(block) != 2 or min(block) < 1:
        raise ValueError(f"A block has at least one row and one column. Received: {block}.")
    for label, mask in starts.items():
        if np.shape(mask) != matrix.shape:
            raise ValueError(
                f"The mask {label!r} must have the shape of the weights, {matrix.shape}. "
                f"Received: {np.shape(mask)}."
            )


def _problem(matrix: np.ndarray) -> str:
    if not matrix.size:
        return "There are no weights to paint on: the painter was given none."
    if bad := int(np.sum(~np.isfinite(matrix))):
        return (
            f"{bad:,} of {matrix.size:,} weights are not finite (NaN or infinite): there is nothing to draw."
        )
    return ""
