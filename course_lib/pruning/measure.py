"""What pruning saved: zeros, parameters and bytes, counted on the model as it is (no mask is looked at)."""

from __future__ import annotations

import gzip
from typing import NamedTuple

import keras
import numpy as np

from .table import as_html, as_text
from .variables import named_variables, prunable_variables


class Parameters(NamedTuple):
    """Numbers of weights: `total` of the model, and how many of them are `nonzero`."""

    total: int
    nonzero: int


class Row(NamedTuple):
    """One line of a report: a variable's path, its shape, and how many of its weights are not zero."""

    path: str
    shape: tuple[int, ...]
    kept: int
    total: int

    @property
    def sparsity(self) -> float:
        """Share of zeros, 1 − kept / total."""
        return 1 - self.kept / self.total


class Report(tuple[Row, ...]):
    """The rows of `report(model)`; prints as a table, in a notebook as an HTML one."""

    @property
    def all(self) -> Row:
        """All rows as one."""
        return Row("all", (), sum(row.kept for row in self), sum(row.total for row in self))

    def _cells(self) -> list[tuple[str, ...]]:
        shapes = [" × ".join(map(str, row.shape)) for row in self] + [""]
        head = ("variable", "shape", "kept", "total", "sparsity")
        return [head] + [
            (row.path, shape, f"{row.kept:,}", f"{row.total:,}", f"{row.sparsity:.2%}")
            for row, shape in zip((*self, self.all), shapes, strict=True)
        ]

    def __repr__(self) -> str:
        return as_text(self._cells(), left=2)

    def _repr_html_(self) -> str:
        return as_html(self._cells(), left=2)


def report(model: keras.Model) -> Report:
    """The sparsity of each prunable variable, and of all of them together."""
    variables = prunable_variables(model).items()
    return Report(
        Row(p, tuple(v.shape), int(np.count_nonzero(v)), int(np.prod(v.shape))) for p, v in variables
    )


def sparsity(model: keras.Model) -> float:
    """Share of zeros among the prunable weights of a model, zeros / weights, in [0, 1]. −0.0 is a zero."""
    return report(model).all.sparsity


def parameters(model: keras.Model) -> Parameters:
    """All weights of a model (biases, normalisation and frozen ones too): (total, nonzero)."""
    arrays = _arrays(model)
    return Parameters(sum(a.size for a in arrays), sum(int(np.count_nonzero(a)) for a in arrays))


def raw_bytes(source: keras.Model | np.ndarray) -> int:
    """Bytes of all weights of a model (or of an array) as they lie in memory: Σ size · bytes per number."""
    return sum(array.nbytes for array in _arrays(source))


def gzip_bytes(source: keras.Model | np.ndarray, level: int = 6) -> int:
    """Bytes of all weights of a model (or of an array) after gzip, the measure of size for masked models.

    One gzip stream of the weights' bytes, C order, in the order of `model.weights`, without file name or
    time: the same weights give the same number. `level` is 1 (fast) to 9 (small, 1 to 3 % less for ten times
    the work); 6 is what the gzip command uses. Other builds of zlib may differ by a per cent; a Keras file is
    a few kB larger.
    """
    content = b"".join(array.tobytes() for array in _arrays(source))
    return len(gzip.compress(content, compresslevel=level, mtime=0))


def _arrays(source: keras.Model | np.ndarray) -> list[np.ndarray]:
    if isinstance(source, np.ndarray):
        return [source]
    return [np.asarray(variable) for variable in named_variables(source).values()]
