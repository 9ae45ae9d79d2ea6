"""Models measured in a process of their own: with fewer threads, or to see how much memory they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .compiled import batch_of, flat_call, said


def in_fresh_process(models: Mapping[str, keras.Model], x: Any, sizes: Sequence[int], **job: Any) -> dict:
    """What `alone.py` measures of these models in a new Python, {name: array}; `job` says what.

    TensorFlow's thread pools cannot be changed once it has started, and the memory of a process does not say
    what it is for: hence the process. The models travel as SavedModels, their compiled calls, so layers of
    one's own need not be known there. All models are in one process, so they can be timed in turns.
    Raises: ValueError for a model that cannot be exported, RuntimeError if the process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for number, (name, model) in enumerate(models.items()):
            _write(path / str(number), name, model, {size: batch_of(x, size) for size in sizes})
        for size in sizes:
            np.savez(path / f"batch_{size}.npz", *keras.tree.flatten(batch_of(x, size)))
        (path / "job.json").write_text(json.dumps({"names": list(models), "sizes": list(sizes), **job}))
        _run(path)
        with np.load(path / "found.npz") as found:
            return dict(found)


def _write(path: Path, name: str, model: keras.Model, batches: dict[int, Any]) -> None:
    archive = keras.export.ExportArchive()
    try:
        archive.track(model)
        for size, batch in batches.items():
            call, inputs = flat_call(model, batch)
            specs = [tf.TensorSpec(t.shape, t.dtype) for t in inputs]
            archive.add_endpoint(f"batch_{size}", call, input_signature=specs)
        archive.write_out(str(path), verbose=False)
    except Exception as error:  # whatever a user's own layers raise
        raise ValueError(
            f"Model {name!r} cannot be exported to a process of its own: measure it in this one, without "
            f"`threads`. Keras says: {said(error)}"
        ) from error


def _run(path: Path) -> None:
    threads = json.loads((path / "job.json").read_text()).get("threads")
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if threads:
        env["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, "-m", f"{__package__}.alone", str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"The process that should measure the models stopped. It said: {last}")
