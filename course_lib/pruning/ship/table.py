"""Models side by side: what pruning saved."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np

from ..macs import macs
from ..measure import gzip_bytes, parameters, raw_bytes, sparsity


def table(models: dict[str, keras.Model], x: Any = None, y: Any = None) -> str:
    """A table that compares models: weights, zeros, bytes, multiply-accumulates, accuracy."""
    rows = [["", *models]]
    for name, value in {
        "weights": lambda m: f"{parameters(m).total:,}",
        "not zero": lambda m: f"{parameters(m).nonzero:,}",
        "sparsity of kernels": lambda m: f"{sparsity(m):.2%}",
        "bytes": lambda m: f"{raw_bytes(m):,}",
        "gzip": lambda m: f"{gzip_bytes(m):,}",
        "multiply-accumulates": lambda m: f"{macs(m, x=None if x is None else x[:1]).total:,}",
        "accuracy": partial(_accuracy, x=x, y=y),
    }.items():
        rows.append([name, *(value(model) for model in models.values())])
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, width)) for row in rows)


def _accuracy(model: keras.Model, x: Any, y: Any) -> str:
    if x is None or y is None:
        return "not checked"
    scores = model.predict(x, verbose=0)
    if not isinstance(scores, np.ndarray) or scores.ndim != 2 or y.ndim != 1 or y.dtype.kind not in "iu":
        return "not a classifier"
    right = scores.argmax(-1) == y if scores.shape[1] > 1 else (scores[:, 0] > 0.5) == y
    return f"{right.mean():.2%}"
