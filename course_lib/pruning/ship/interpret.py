"""Run a LiteRT file from Python."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from .quiet import quiet
from .trap import mixed_sparse, opened_plainly


def interpret(source: bytes | str | os.PathLike, threads: int = 1) -> Callable[[Any], Any]:
    """A function `x → outputs` that runs a LiteRT file (its path, or its bytes) with XNNPACK.

    x is one array, a list of arrays in the order of the file's inputs, or a dict by their names; the result
    one array, or a list. Any batch size: a file made for a fixed one is run in pieces of it. Where inputs or
    outputs are int8, floats go in and come out: q = round(x / scale) + zero point.

    For benchmarks, the function's `invoke()` computes once more, without the way in and out of Python.

    A file with sparse int8 weights and float activations (`DEFAULT + EXPERIMENTAL_SPARSITY`) does not load
    with XNNPACK in TensorFlow 2.21 ("failed to delegate FULLY_CONNECTED"), or worse, loads and computes
    nonsense (blocks of 16, a scale for each output): such files run on LiteRT's own kernels here. On a phone,
    switch XNNPACK off (`setUseXNNPACK(false)`), or make the file with `save_litert`, which avoids both.
    Raises: ValueError for what is no LiteRT file, or inputs that do not fit.
    """
    if not isinstance(source, bytes):
        if not Path(source).is_file():
            raise FileNotFoundError(f"There is no such file. Received: {str(source)!r}.")
        source = Path(source).read_bytes()
    interpreter = _opened(source, threads)
    (names, inputs), outputs = _inputs(interpreter), _outputs(interpreter)
    batch = {int(d["shape_signature"][0]) for d in inputs if len(d["shape_signature"])}
    fixed = batch.pop() if len(batch) == 1 else -1

    def run(x: Any) -> Any:
        arrays = _arrays(x, names)
        size = len(arrays[0]) if np.ndim(arrays[0]) else 1
        if fixed in (-1, size) or size % fixed:
            results = _once(interpreter, inputs, outputs, arrays)
        else:
            pieces = [
                _once(interpreter, inputs, outputs, [a[i : i + fixed] for a in arrays])
                for i in range(0, size, fixed)
            ]
            results = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
        return results[0] if len(results) == 1 else results

    run.invoke = interpreter.invoke
    return run


def _opened(content: bytes, threads: int) -> Any:
    plain = opened_plainly(content, threads)
    if mixed_sparse(plain):
        return plain
    with quiet():  # tf.lite.Interpreter is to move to another package, and says so each time
        return tf.lite.Interpreter(model_content=content, num_threads=threads)


def _outputs(interpreter: Any) -> list[dict]:
    """In the order of the model: LiteRT sorts the outputs of a signature by name, "output_10" before "_2"."""
    runner = _signature(interpreter)
    if runner is None:
        return interpreter.get_output_details()
    found = runner.get_output_details()
    return [found[name] for name in sorted(found, key=lambda n: (len(n), n) if "output_" in n else (0, n))]


def _inputs(interpreter: Any) -> tuple[list[str], list[dict]]:
    """Names and details in the order of the model, as far as the file tells: "input_0_…", "input_1_…"."""
    inputs, runner = interpreter.get_input_details(), _signature(interpreter)
    by_index = {d["index"]: name for name, d in runner.get_input_details().items()} if runner else {}
    named = [(by_index.get(d["index"], d["name"]), d) for d in inputs]
    numbers = [re.match(r"input_(\d+)_", name) for name, _ in named]
    if all(numbers):
        named = [pair for _, pair in sorted(zip(numbers, named, strict=True), key=lambda p: int(p[0][1]))]
    return [re.sub(r"^input_\d+_", "", name) for name, _ in named], [d for _, d in named]


def _signature(interpreter: Any) -> Any:
    names = list(interpreter.get_signature_list())
    return interpreter.get_signature_runner(names[0]) if names else None


def _arrays(x: Any, names: list[str]) -> list[np.ndarray]:
    if isinstance(x, dict):
        if set(x) != set(names):
            raise ValueError(f"The file's inputs are {names}. Received: {sorted(x)}.")
        x = [x[name] for name in names]
    arrays = [np.asarray(a) for a in (x if isinstance(x, list | tuple) else [x])]
    if len(arrays) != len(names):
        raise ValueError(f"The file's inputs are {names}. Received: {len(arrays)} arrays.")
    return arrays


def _once(interpreter: Any, inputs: list[dict], outputs: list[dict], arrays: list) -> list[np.ndarray]:
    shapes = [array.shape for array in arrays]
    if getattr(interpreter, "_shapes", None) != shapes:
        for detail, shape in zip(inputs, shapes, strict=True):
            _check_shape(detail, shape)
            interpreter.resize_tensor_input(detail["index"], shape)
        with quiet():  # "Created TensorFlow Lite XNNPACK delegate", once a process
            interpreter.allocate_tensors()
        interpreter._shapes = shapes
    for detail, array in zip(inputs, arrays, strict=True):
        interpreter.set_tensor(detail["index"], _quantized(array, detail))
    interpreter.invoke()
    return [_real(interpreter.get_tensor(detail["index"]), detail) for detail in outputs]


def _check_shape(detail: dict, shape: tuple[int, ...]) -> None:
    # LiteRT would take any shape, and compute something.
    wanted = [int(n) for n in detail["shape_signature"]]
    if len(wanted) != len(shape) or any(n not in (-1, m) for n, m in zip(wanted, shape, strict=True)):
        text = " × ".join("any" if n == -1 else str(n) for n in wanted)
        raise ValueError(f"Input {detail['name']!r} must have shape {text}. Received: {shape}.")


def _quantized(array: np.ndarray, detail: dict) -> np.ndarray:
    (scale, zero), kind = detail["quantization"], detail["dtype"]
    if scale and np.issubdtype(array.dtype, np.floating):
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        array = np.clip(np.round(array / scale) + zero, low, high)
    return array.astype(kind, copy=False)


def _real(array: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    return (array.astype(np.float32) - zero) * np.float32(scale) if scale else array
