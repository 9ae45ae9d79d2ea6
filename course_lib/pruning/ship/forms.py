"""How weights are stored: dense, bitmask, rows (CSR), rows of blocks (BSR). `runtime.decode` reads them."""

from __future__ import annotations

from typing import Literal

import numpy as np

Form = Literal["best", "dense", "bitmask", "csr", "bsr"]
FORMS = ("dense", "bitmask", "csr", "bsr")


def encoded(array: np.ndarray, form: Form, block: tuple[int, int]) -> tuple[str, dict[str, np.ndarray]]:
    """The form chosen (for "best" the smallest, of equals the first) and the arrays it takes."""
    forms = FORMS if form == "best" else (form,)
    if array.ndim == 0 or array.size == 0:
        forms = ("dense",)
    every = {kind: _parts(array, kind, block) for kind in forms}
    best = min(every, key=lambda kind: _size(every[kind]))
    return best, every[best]


def _size(parts: dict[str, np.ndarray]) -> int:
    return sum(part.nbytes for part in parts.values())


def _parts(array: np.ndarray, form: str, block: tuple[int, int]) -> dict[str, np.ndarray]:
    bits = bits_of(array)
    if form == "dense":
        return {"values": bits}
    if form == "bitmask":
        return {"mask": np.packbits(bits != 0), "values": bits[bits != 0]}
    matrix = bits.reshape(-1, array.shape[-1] if array.ndim else 1)
    high, wide = block if form == "bsr" else (1, 1)
    down, across = (-(-n // size) for n, size in zip(matrix.shape, (high, wide), strict=True))
    padded = np.pad(matrix, [(0, down * high - len(matrix)), (0, across * wide - matrix.shape[1])])
    blocks = padded.reshape(down, high, across, wide).transpose(0, 2, 1, 3)
    kept = blocks.any(axis=(2, 3))
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    values = blocks[kept] if form == "bsr" else blocks[kept].reshape(-1)
    return {"values": values, "columns": _short(np.nonzero(kept)[1]), "starts": _short(starts)}


def bits_of(array: np.ndarray) -> np.ndarray:
    """The same memory as unsigned integers, flat."""
    return np.ascontiguousarray(array).reshape(-1).view(f"u{array.dtype.itemsize}")


def _short(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))
