"""Archives of sparse weights: CSR, blocks (BSR) and bitmasks, which load back bit for bit."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..variables import named_variables
from .compare import Difference, check
from .files import Exported, exported, replacing
from .forms import FORMS, Form, bits_of, encoded
from .graph import graph_of
from .runtime import decode, numpy_runtime


def pack(
    model: keras.Model,
    path: str | os.PathLike,
    form: Form = "best",
    block: tuple[int, int] = (4, 1),
    compress: bool = True,
    runnable: bool = False,
) -> Exported:
    """Write all weights of a model into one `.npz` zip, each in the form that takes the fewest bytes.

    Forms of a weight, read as the matrix (all axes but the last, last): "dense"; "bitmask", one bit a weight
    and the values; "csr", the column of each value and where each row starts; "bsr", the same for whole
    blocks of `block` rows × columns. Indices take 1, 2 or 4 bytes, as they need. `compress` deflates each
    part (bytes near gzip); False shows what the form alone saves. `runnable` adds the graph, for
    `numpy_runtime`, and compares outputs.

    A weight is a zero if all its bits are: −0.0 and NaN are stored as values, so every bit comes back, of
    float16 and bfloat16 too. The same weights give the same file. It is read again before it is kept.
    Raises: ValueError for another form or block, and for layers that the runtime does not know.
    """
    if form not in ("best", *FORMS):
        raise ValueError(f"form must be one of best, {', '.join(FORMS)}. Received: {form!r}.")
    if len(block) != 2 or not all(isinstance(n, int | np.integer) and n >= 1 for n in block):
        raise ValueError(f"block is rows × columns, whole numbers of at least 1. Received: {block!r}.")
    weights = {p: keras.ops.convert_to_numpy(v) for p, v in named_variables(model).items()}
    texts = {"graph.json": graph_of(model)} if runnable else {}
    index, arrays = [], {}
    for number, (name, array) in enumerate(weights.items()):
        kind, parts = encoded(array, form, block)
        about = {"path": name, "shape": array.shape, "dtype": str(array.dtype)}
        index.append({**about, "form": kind, "parts": list(parts)})
        arrays |= {f"{number}/{part}.npy": value for part, value in parts.items()}
    with replacing(path, ".npz") as temporary:
        _write(temporary, {"index.json": index, **texts}, arrays, compress)
        if not all(_same_bits(a, weights[p]) for p, a in unpack(temporary).items()):
            raise RuntimeError("The archive does not give the weights back. Please report this.")
        found = check(numpy_runtime(temporary), model) if runnable else Difference(0.0, 0.0, None)
    return exported(path, found)


def unpack(path: str | os.PathLike, model: keras.Model | None = None) -> dict[str, np.ndarray]:
    """The weights of an archive, {path: array}, bit for bit; put into `model` too, if one is given.

    Raises: ValueError, with the model unchanged, for a file that is no archive, and for the weights of
    another model.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no such file. Received: {str(path)!r}.")
    try:
        with np.load(path) as archive:
            entries = json.loads(archive["index.json"])
            weights = {
                e["path"]: _typed(e, decode(e, {part: archive[f"{i}/{part}"] for part in e["parts"]}))
                for i, e in enumerate(entries)
            }
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"This is no archive made by pack. Received: {str(path)!r} ({error}).") from None
    if model is not None:
        _assign(model, weights)
    return weights


def _typed(entry: dict, bits: np.ndarray) -> np.ndarray:
    return bits.reshape(-1).view(np.dtype(entry["dtype"])).reshape(bits.shape)


def _same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    same = one.shape == other.shape and one.dtype == other.dtype
    return same and np.array_equal(bits_of(one), bits_of(other))


def _write(path: Path, texts: dict[str, Any], arrays: dict[str, np.ndarray], compress: bool) -> None:
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, value in texts.items():
            archive.writestr(zipfile.ZipInfo(name), json.dumps(value), how)
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name), content.getvalue(), how)


def _assign(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    variables = named_variables(model)
    theirs = {p: (tuple(v.shape), keras.backend.standardize_dtype(v.dtype)) for p, v in variables.items()}
    ours = {p: (a.shape, str(a.dtype)) for p, a in weights.items()}
    if theirs != ours:
        other = next(p for p in {**theirs, **ours} if theirs.get(p) != ours.get(p))
        raise ValueError(
            f"These are the weights of another model. Received: {other!r} is {ours.get(other)} in the "
            f"archive and {theirs.get(other)} in model {model.name!r}."
        )
    for path, variable in variables.items():
        variable.assign(weights[path])
