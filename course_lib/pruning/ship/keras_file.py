"""Keras files: written whole, loaded again before they are kept, opened with a sentence for what fails."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..variables import check_model, named_variables, trained_part
from .compare import answers, check, examples
from .files import Exported, exported, replacing

_HDF5 = b"\x89HDF"


def save_keras(model: keras.Model, path: str | os.PathLike, x: Any = None) -> Exported:
    """Write a model as a `.keras` file that is loaded again and compared before it takes its place.

    `model.save` leaves half a file when the disk is full, and says nothing of layers that it can save but
    not load. All weights must come back exactly, and the outputs on `x` (or random inputs) be equal.
    Raises: ValueError for a model that its file does not give back; `path` is then as it was.
    """
    model = trained_part(model)
    check_model(model)
    with replacing(path, ".keras") as temporary:
        model.save(temporary)
        twin = _again(temporary, path)
        for (name, mine), theirs in zip(
            named_variables(model).items(), named_variables(twin).values(), strict=True
        ):
            if not np.array_equal(mine, theirs, equal_nan=True):
                raise ValueError(f"The file does not give weight {name!r} back, and was not kept.")
        found = check(lambda _: answers(twin, examples(model, x)), model, x)
    return exported(path, found)


def open_keras(path: str | os.PathLike) -> keras.Model:
    """The model of a `.keras` file; if only its loss or metrics are unknown here, it is not compiled.

    Raises: ValueError, one sentence, for a file of Keras 2, layers that Keras does not know, or no model at
    all; FileNotFoundError without a file.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(
            f"This is a folder, not a Keras file. Received: {str(path)!r}. Of a SavedModel only TensorFlow "
            "makes a model: build it anew with Keras 3, and save it as .keras."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file. Received: {str(path)!r}.")
    if path.read_bytes()[:4] == _HDF5:
        raise ValueError(
            f"This is an HDF5 file, the format of Keras 2. Received: {str(path)!r}. Load it with Keras 3 "
            "(`keras.saving.load_model`), or rebuild the model and load its weights; then save it as .keras."
        )
    version = _version(path)
    if version.startswith("2"):
        raise ValueError(
            f"This file was written by Keras {version} (tf_keras). Received: {str(path)!r}. Rebuild the "
            "model with Keras 3 (`import keras`), copy its weights with set_weights, and save it anew."
        )
    model = _loaded(path)
    check_model(model)
    return model


def _loaded(path: Path) -> keras.Model:
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises many kinds
        try:
            return keras.saving.load_model(path, compile=False)  # a loss of one's own is no layer
        except Exception:
            raise ValueError(
                f"Keras cannot load this model: {_reason(error)} Received: {str(path)!r}."
            ) from error


def _again(temporary: Path, path: str | os.PathLike) -> keras.Model:
    try:
        return open_keras(temporary)
    except ValueError as error:
        raise ValueError(str(error).replace(str(temporary), str(path)) + " It was not kept.") from error


def _version(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
            meta = json.loads(file.read("metadata.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise ValueError(f"This file is no Keras model. Received: {str(path)!r}.") from None
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"This file is no Keras model. Received: {str(path)!r}.")
    return str(meta.get("keras_version", "3"))


def _reason(error: Exception) -> str:
    text = str(error)
    if "Could not locate class" in text or "register_keras_serializable" in text:
        name = text.split("class '")[-1].split("'")[0] if "class '" in text else "a class"
        return (
            f"it has a layer of one's own, {name!r}. Import the code that defines it, with "
            "@keras.saving.register_keras_serializable() above the class."
        )
    if "Lambda" in text:
        return "it has a Lambda layer, which Keras does not load from strangers. Use a layer class instead."
    first = text.strip().splitlines()[0][:200] if text.strip() else "no reason given"
    return f"{type(error).__name__}: {first}."
