"""How many bytes the weights of a model take in each format, by formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np

from ..measure import gzip_bytes
from ..table import as_html, as_text
from ..variables import named_variables, skipped

FORMATS = ("raw", "gzip", "CSR", "BSR", "bitmask")


def matrix(array: np.ndarray) -> np.ndarray:
    """An array as the matrix that is stored: rows are all axes but the last, (size / columns, columns)."""
    array = np.asarray(array)
    return array.reshape(-1, array.shape[-1]) if array.ndim > 1 and array.size else array.reshape(1, -1)


def csr_bytes(array: np.ndarray, index_bytes: int = 4) -> int:
    """Compressed sparse rows: nonzero · (value + column index) + (rows + 1) row pointers.

    Half the weights must be zeros before float32 with 32-bit indices gets any smaller.
    """
    rows = matrix(array)
    kept = int(np.count_nonzero(rows))
    return kept * (rows.itemsize + index_bytes) + (len(rows) + 1) * index_bytes


def bsr_bytes(array: np.ndarray, block: tuple[int, int] = (4, 4), index_bytes: int = 4) -> int:
    """Block sparse rows: blocks with a nonzero · (values + column index) + (rows of blocks + 1) pointers.

    At ragged edges the matrix is filled up with zeros to whole blocks, which are stored.
    Raises: ValueError for a block without a size.
    """
    if min(block) < 1:
        raise ValueError(f"A block has at least one row and one column. Received: {block}.")
    rows = matrix(array)
    pads = [(0, -size % step) for size, step in zip(rows.shape, block, strict=True)]
    full = np.pad(rows != 0, pads)
    tiles = full.reshape(full.shape[0] // block[0], block[0], full.shape[1] // block[1], block[1])
    kept = int(np.count_nonzero(tiles.any(axis=(1, 3))))
    values = block[0] * block[1] * rows.itemsize
    return kept * (values + index_bytes) + (len(tiles) + 1) * index_bytes


def bitmask_bytes(array: np.ndarray) -> int:
    """One bit a weight, rounded up to bytes, and the nonzero values: ⌈size / 8⌉ + nonzero · value."""
    array = np.asarray(array)
    return -(-array.size // 8) + int(np.count_nonzero(array)) * array.itemsize


class Stored(NamedTuple):
    """The bytes of one kernel, or of all weights, in each format."""

    path: str
    raw: int
    gzip: int
    csr: int
    bsr: int
    bitmask: int

    @property
    def best(self) -> str:
        """The sparse format that takes the fewest bytes: "CSR", "BSR" or "bitmask"; gzip is none of them."""
        sizes = dict(zip(FORMATS, self[1:], strict=True))
        return min(FORMATS[2:], key=sizes.get)


class Storage(tuple[Stored, ...]):
    """The rows of `storage(model)`: each kernel, then what is stored raw, then all; prints as a table."""

    @property
    def all(self) -> Stored:
        """All weights of the model."""
        return self[-1]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        yield "bytes", *FORMATS, "smallest"
        for row in self:
            least = min(range(len(FORMATS)), key=lambda i: row[1 + i])
            yield row.path, *(f"{number:,}" for number in row[1:]), FORMATS[least]

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())


def storage(model: keras.Model, block: tuple[int, int] = (4, 4), index_bytes: int = 4) -> Storage:
    """The bytes of each kernel and of the whole model, raw, by gzip, and as CSR, BSR and bitmask.

    Kernels are stored as matrices of (all other axes, last axis), with values as they are and indices of
    `index_bytes`; biases, normalisations and integers stay raw in the sparse formats. Headers, names and
    shapes of a real file come on top. gzip of all is that of `gzip_bytes(model)`, one stream.
    """
    spared, rows = skipped(model), []
    named = {path: np.asarray(v) for path, v in named_variables(model).items()}
    for path, array in ((p, a) for p, a in named.items() if p not in spared):
        sparse = csr_bytes(array, index_bytes), bsr_bytes(array, block, index_bytes), bitmask_bytes(array)
        rows.append(Stored(path, array.nbytes, gzip_bytes(array), *sparse))
    rest = [named[path] for path in spared]
    plain = sum(a.nbytes for a in rest)
    if rest:
        zipped = sum(gzip_bytes(a) for a in rest)
        rows.append(Stored("biases and the rest", plain, zipped, plain, plain, plain))
    total = [sum(row[i] for row in rows) for i in range(1, 6)]
    total[1] = gzip_bytes(model)
    return Storage([*rows, Stored("all", *total)])
