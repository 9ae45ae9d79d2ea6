"""What the command line asks for, and whether it can be done."""

from __future__ import annotations

import argparse
import os
import runpy
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..activations import wanda
from ..budgets import erk, lamp
from ..criteria import magnitude, random
from ..curvature import fisher, obd
from ..gradients import gradient, taylor
from ..scopes import globally, layerwise
from ..select import check_sparsity
from .compare import answers, examples, inputs_of

_ABOUT = "Prune a Keras 3 file of your own, print what that saved, and write it in formats to ship."
CRITERIA = {
    "magnitude": lambda x, y: magnitude(),
    "random": lambda x, y: random(0),
    "wanda": lambda x, y: wanda(x),
    **{f.__name__: f for f in (gradient, taylor, fisher, obd)},
}
SCOPES = {f.__name__: f for f in (globally, layerwise, erk, lamp)}


def parser() -> argparse.ArgumentParser:
    """The options of `python -m course_lib.pruning`."""
    options = argparse.ArgumentParser(prog="python -m course_lib.pruning", description=_ABOUT)
    options.add_argument("model", type=Path, metavar="MODEL.keras")
    options.add_argument("--sparsity", type=float, default=0.0, help="share of weights to set to zero")
    options.add_argument(
        "--structured", type=float, default=0.0, help="share of channels to remove before that"
    )
    options.add_argument("--criterion", choices=CRITERIA, default="magnitude")
    options.add_argument("--scope", choices=SCOPES, default="globally")
    options.add_argument("--block", type=_block, help="rows x columns that are pruned together, such as 4x1")
    options.add_argument("--data", type=Path, help=".npz with x and y, for accuracy, fine-tuning and int8")
    options.add_argument("--epochs", type=int, default=0, help="of fine-tuning after each step")
    options.add_argument("--code", type=Path, help="a Python file that defines the model's own layers")
    options.add_argument("--out", type=Path, required=True, metavar="DIR")
    return options


def check_asked(asked: argparse.Namespace, model: keras.Model, x: Any, y: Any) -> None:
    """Pass what can be done with this model and data. Raises: ValueError or OSError, one sentence."""
    if not (asked.sparsity or asked.structured):
        raise ValueError("Nothing to prune: pass --sparsity, --structured or both, such as --sparsity 0.8.")
    for share in (asked.sparsity, asked.structured):
        check_sparsity(share)
    if asked.criterion not in ("magnitude", "random") and (
        x is None or y is None and asked.criterion != "wanda"
    ):
        raise ValueError(f"The criterion {asked.criterion} looks at examples: pass --data with x and y.")
    if asked.epochs and (x is None or y is None or not model.compiled):
        lacks = "a model that was compiled before saving" if not model.compiled else "--data with x and y"
        raise ValueError(f"Fine-tuning needs {lacks}. Received: --epochs {asked.epochs}.")
    if x is not None:
        _check_fits(model, x)
    if (asked.out / "pruned.keras").resolve() == asked.model.resolve():
        raise ValueError("The pruned model would replace the given one. Choose another --out.")
    place = next(p for p in (asked.out.absolute(), *asked.out.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise OSError(f"Cannot write to --out. Received: {str(asked.out)!r}. Choose a folder of yours.")


def check_met(asked: float, counts: list[int], kept: int, unit: int = 1) -> None:
    """Pass if `kept` of layers of so many weights (or channels) are no more than was `asked` for.

    Half a `unit` a layer may be rounded away, and blocks at ragged edges are smaller than others: a fifth of
    what should be kept is allowed for those. Raises: ValueError where layers had to keep more.
    """
    reached = 1 - kept / sum(counts)
    rounding = sum(min(unit, n) for n in counts) / 2 / sum(counts)
    if asked - reached > max(rounding, 0.2 * (1 - asked)):
        raise ValueError(
            f"This share cannot be met: every layer keeps at least one. Received: {asked}; {reached:.4f} is "
            "what comes out. Take smaller blocks, or less."
        )


def data_of(path: Path | None) -> tuple[Any, Any]:
    """The arrays x and y of an .npz file, None for what is not there. Raises: ValueError for other files."""
    if path is None:
        return None, None
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["x"], file["y"] if "y" in file else None
    except (ValueError, KeyError, AttributeError, EOFError, OSError) as error:
        raise ValueError(
            "--data must be an .npz file with an array x, and y for accuracy: np.savez('a.npz', x=x, y=y). "
            f"Received: {str(path)!r} ({type(error).__name__})."
        ) from None


def run_code(path: Path) -> None:
    """Run the user's file that defines layers. Raises: ValueError, one sentence, if it fails."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file for --code. Received: {str(path)!r}.")
    try:
        runpy.run_path(str(path))
    except Exception as error:
        raise ValueError(f"--code {path} fails: {type(error).__name__}: {error}") from error


def _check_fits(model: keras.Model, x: Any) -> None:
    arrays = examples(model, x, 1)
    try:
        answers(model, arrays)
    except Exception as error:  # Keras and TensorFlow raise many kinds
        wanted = ", ".join(str(tensor.shape) for tensor in inputs_of(model, x).flat)
        raise ValueError(f"The model takes inputs of shape {wanted}. Received: x {x.shape}.") from error


def _block(text: str) -> tuple[int, int]:
    rows, _, cols = text.partition("x")
    if not (rows.isdecimal() and cols.isdecimal() and int(rows) * int(cols)):
        raise argparse.ArgumentTypeError(f"rows x columns, such as 4x1. Received: {text!r}.")
    return int(rows), int(cols)
