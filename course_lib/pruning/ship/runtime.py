"""Run a packed network with NumPy alone: copy this one file to a device, beside the archive.

    from runtime import numpy_runtime
    network = numpy_runtime("digits.npz")
    scores = network(images)                      # (batch, 8, 8, 1) → (batch, 10)

The archive is a zip of .npy arrays, `index.json` (where each weight is) and `graph.json` (what to do).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np


def numpy_runtime(path: Any) -> Callable[[Any], Any]:
    """The network of an archive as a function: an array (or a list of them) → an array (or a list), float32.

    A kernel of a Dense or Conv2D layer stored as CSR stays sparse in memory and is multiplied as it is; other
    forms are unpacked.
    Raises: ValueError for an archive without a graph (made without `runnable=True`); the function itself for
    another number of arrays.
    """
    with np.load(path) as archive:
        if "graph.json" not in archive:
            raise ValueError(
                f"This archive has weights but no graph. Received: {path}. Pack it runnable=True."
            )
        graph, weights = json.loads(archive["graph.json"]), {}
        products = {s["weights"]["kernel"] for s in graph["steps"] if s["op"] in ("dense", "conv")}
        for number, entry in enumerate(json.loads(archive["index.json"])):
            parts = {part: archive[f"{number}/{part}"] for part in entry["parts"]}
            sparse = entry["path"] in products and entry["form"] == "csr" and entry["dtype"] == "float32"
            weights[entry["path"]] = (_sparse if sparse else _floats)(entry, parts)

    def run(x: Any) -> Any:
        arrays = x if isinstance(x, list | tuple) else [x]
        if len(arrays) != len(graph["inputs"]):
            raise ValueError(f"The network takes {len(graph['inputs'])} arrays. Received: {len(arrays)}.")
        values = dict(zip(graph["inputs"], (np.asarray(a, np.float32) for a in arrays), strict=True))
        for step in graph["steps"]:
            own = {name: weights[path] for name, path in step.get("weights", {}).items()}
            operation = _OPERATIONS[step["op"]]
            values[step["to"]] = operation(*(values[v] for v in step["from"]), **own, **step.get("with", {}))
        results = [values[name] for name in graph["outputs"]]
        return results[0] if len(results) == 1 else results

    return run


def decode(entry: dict, parts: dict[str, np.ndarray]) -> np.ndarray:
    """The bits of one weight, as unsigned integers in its shape."""
    values, shape, form = parts["values"], tuple(entry["shape"]), entry["form"]
    if form == "dense":
        return values.reshape(shape)
    bits = np.zeros(int(np.prod(shape)), values.dtype)
    if form == "bitmask":
        bits[np.unpackbits(parts["mask"], count=bits.size).astype(bool)] = values
        return bits.reshape(shape)
    rows = np.repeat(np.arange(len(parts["starts"]) - 1), np.diff(parts["starts"].astype(np.int64)))
    columns, (high, wide) = parts["columns"], values.shape[1:] or (1, 1)
    across = -(-shape[-1] // wide)
    blocks = np.zeros((len(parts["starts"]) - 1, across, high, wide), values.dtype)
    blocks[rows, columns] = values.reshape(-1, high, wide)
    matrix = blocks.transpose(0, 2, 1, 3).reshape(-1, across * wide)
    return matrix[: bits.size // shape[-1], : shape[-1]].reshape(shape)


def _floats(entry: dict, parts: dict) -> np.ndarray:
    bits = decode(entry, parts)
    if entry["dtype"] == "bfloat16":  # the upper half of a float32; NumPy has none
        return (bits.astype(np.uint32) << 16).view(np.float32)
    return bits.reshape(-1).view(entry["dtype"]).astype(np.float32).reshape(bits.shape)


def _sparse(entry: dict, parts: dict) -> tuple:
    """CSR turned to columns: (rows, values, where each column that has any begins, which, shape)."""
    rows = np.repeat(np.arange(len(parts["starts"]) - 1), np.diff(parts["starts"].astype(np.int64)))
    order = np.argsort(parts["columns"], kind="stable")
    columns, starts = np.unique(parts["columns"][order], return_index=True)
    return rows[order], parts["values"][order].view(np.float32), starts, columns, tuple(entry["shape"])


def _multiply(x: np.ndarray, kernel: Any) -> np.ndarray:
    """(…, in) · (…, out), the kernel read as the matrix (in, out)."""
    if not isinstance(kernel, tuple):
        return x @ kernel.reshape(-1, kernel.shape[-1])
    rows, values, starts, columns, shape = kernel
    flat = x.reshape(-1, x.shape[-1])
    out = np.zeros((len(flat), shape[-1]), np.float32)
    some = max(1, 2**20 // max(1, len(values)))  # examples at a time: the products take memory
    for i in range(0, len(flat) if len(values) else 0, some):
        products = flat[i : i + some, rows] * values
        out[i : i + some, columns] = np.add.reduceat(products, starts, axis=1)
    return out.reshape(*x.shape[:-1], shape[-1])


def _dense(x, kernel, bias=0):
    return _multiply(x, kernel) + bias


def _conv(x, kernel, bias=0, strides=(1, 1), padding="valid", dilation=(1, 1)):
    size = (kernel[-1] if isinstance(kernel, tuple) else kernel.shape)[:2]
    windows = _windows(x, size, strides, padding, dilation)  # (n, h, w, in, rows, columns)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], -1)
    return _multiply(patches, kernel) + bias


def _depthwise(x, kernel, bias=0, strides=(1, 1), padding="valid", dilation=(1, 1)):
    windows = _windows(x, kernel.shape[:2], strides, padding, dilation)
    out = np.einsum("nhwcij,ijcm->nhwcm", windows, kernel)
    return out.reshape(*out.shape[:3], -1) + bias


def _windows(x, size, strides, padding, dilation=(1, 1), fill=0.0):
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    if padding == "same":
        sizes = zip(x.shape[1:3], strides, reach, strict=True)
        lacks = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in sizes]
        pads = [(0, 0), *((n // 2, n - n // 2) for n in lacks), (0, 0)]
        x = np.pad(x, pads, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]


def _average(x, size, strides, padding):
    count = _windows(np.ones_like(x), size, strides, padding).sum((-1, -2))
    return _windows(x, size, strides, padding).sum((-1, -2)) / count


def _normalize(x, moving_mean, moving_variance, gamma=1, beta=0, epsilon=1e-3):
    return (x - moving_mean) * (gamma / np.sqrt(moving_variance + epsilon)) + beta


def _relu(x, max_value=None, negative_slope=0.0, threshold=0.0):
    return np.where(
        x >= threshold,
        np.minimum(x, np.inf if max_value is None else max_value),
        negative_slope * (x - threshold),
    )


def _softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -80, 80)))


# fmt: off
_OPERATIONS: dict[str, Callable] = {
    "dense": _dense, "conv": _conv, "depthwise": _depthwise, "normalize": _normalize, "relu": _relu,
    "softmax": _softmax, "sigmoid": _sigmoid, "tanh": np.tanh, "silu": lambda x: x * _sigmoid(x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), "softplus": lambda x: np.logaddexp(x, 0),
    "max": lambda x, **how: _windows(x, **how, fill=-np.inf).max((-1, -2)), "average": _average,
    "mean": lambda x, keepdims=False: x.mean((1, 2), keepdims=keepdims),
    "top": lambda x, keepdims=False: x.max((1, 2), keepdims=keepdims),
    "reshape": lambda x, shape: x.reshape(len(x), *shape), "pad": lambda x, widths: np.pad(x, widths),
    "add": lambda *xs: sum(xs[1:], xs[0]), "multiply": lambda *xs: reduce(np.multiply, xs),
    "join": lambda *xs, axis: np.concatenate(xs, axis),
    "rescale": lambda x, scale, offset: x * np.float32(scale) + np.float32(offset),
}
