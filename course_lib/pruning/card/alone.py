"""The other side of `fresh.py`: load the models of a folder, measure them, write what was found.

Run as `python -m course_lib.pruning.card.alone FOLDER`; nothing imports it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from .compiled import timed


def main(folder: str) -> None:
    """Do what `job.json` says and write `found.npz`."""
    path = Path(folder)
    job = json.loads((path / "job.json").read_text())
    if job.get("threads"):  # before anything is computed: the pools cannot be changed later
        tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(job["threads"])
    found = memory(path, job) if job["measure"] == "memory" else times(path, job)
    np.savez(path / "found.npz", **found)


def times(path: Path, job: dict) -> dict[str, np.ndarray]:
    """{"size/number of the model": seconds (rounds,)}, the models in turns."""
    models = {str(i): tf.saved_model.load(path / str(i)) for i in range(len(job["names"]))}
    found = {}
    for size in job["sizes"]:
        inputs = batch(path, size)
        sides = {number: answering(model, size, inputs) for number, model in models.items()}
        found |= {f"{size}/{number}": seconds for number, seconds in timed(sides, job["rounds"]).items()}
    return found


def memory(path: Path, job: dict) -> dict[str, int]:
    """By how many bytes the process grows to load the model, and at most to answer three times."""
    (size,) = job["sizes"]
    inputs = batch(path, size)
    before = status("VmRSS")
    model = tf.saved_model.load(path / "0")
    after = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    for _ in range(3):
        answering(model, size, inputs)()
    return {"loaded": after - before, "running": status("VmHWM") - after}


def batch(path: Path, size: int) -> list[tf.Tensor]:
    """The inputs of a batch of this size, one by one."""
    with np.load(path / f"batch_{size}.npz") as arrays:
        return [tf.constant(array) for array in arrays.values()]


def answering(model: object, size: int, inputs: list[tf.Tensor]) -> Callable[[], list]:
    """A function without arguments that answers this batch and waits for the answer."""
    call = getattr(model, f"batch_{size}")
    graph = call.get_concrete_function(*[tf.TensorSpec(t.shape, t.dtype) for t in inputs])
    return lambda: [t.numpy() for t in tf.nest.flatten(graph(*inputs))]


def status(name: str) -> int:
    """Bytes, from what Linux tells a process about itself."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        raise OSError("Only Linux tells a process how much memory it has. Use planned_memory.") from None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main(sys.argv[1])
