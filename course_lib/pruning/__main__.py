"""Prune and export a file of your own: python -m course_lib.pruning MODEL.keras --sparsity 0.8 --out DIR."""

from __future__ import annotations

import argparse
import runpy
import sys
from functools import partial
from pathlib import Path
from typing import Any

import keras

from .granularity import Block, Element
from .holding import hold
from .prune import make_masks
from .scopes import layerwise
from .ship.archive import pack
from .ship.asked import CRITERIA, SCOPES, check_asked, data_of, parser
from .ship.keras_file import open_keras, save_keras
from .ship.litert import save_litert
from .ship.table import table
from .structured.channels import Channels
from .structured.surgery import shrink


def main(arguments: list[str] | None = None) -> int:
    """Run the command. 0: all is written; 1: nothing (one sentence says why); 3: some exports refused."""
    asked = parser().parse_args(arguments)
    try:
        if asked.code:
            runpy.run_path(str(asked.code))
        given, (x, y) = open_keras(asked.model), data_of(asked.data)
        check_asked(asked, given, x, y)
        pruned = prune(open_keras(asked.model), asked, x, y)
        print(table({"given": given, "pruned": pruned}, x, y), end="\n\n")
        return _export(pruned, asked.out, x)
    except (ValueError, TypeError, OSError) as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 1


def prune(model: keras.Model, asked: argparse.Namespace, x: Any = None, y: Any = None) -> keras.Model:
    """Whole channels first, then single weights or blocks; after each, `epochs` of fine-tuning."""
    criterion = CRITERIA[asked.criterion]
    if asked.structured:
        masks = make_masks(model, asked.structured, criterion(x, y), Channels(model), layerwise)
        model = _tuned(shrink(model, masks), asked.epochs, x, y)
    if asked.sparsity:
        unit = Block(*asked.block) if asked.block else Element()
        masks = make_masks(model, asked.sparsity, criterion(x, y), unit, SCOPES[asked.scope])
        if masks.sparsity < asked.sparsity - 0.01:
            raise ValueError(
                f"This sparsity cannot be met: every layer keeps at least one unit. Received: "
                f"{asked.sparsity}; {masks.sparsity:.4f} is the most. Take smaller blocks, or less."
            )
        hold(model, masks)
        model = _tuned(model, asked.epochs, x, y)
    return model


def _tuned(model: keras.Model, epochs: int, x: Any, y: Any) -> keras.Model:
    if epochs:
        model.fit(x, y, epochs=epochs, verbose=2)
    return model


def _export(model: keras.Model, out: Path, x: Any) -> int:
    out.mkdir(parents=True, exist_ok=True)
    ranges = {"int8": "weights"} if x is None else {"int8": "activations", "x": x}
    refused = 0
    for name, write in {
        "pruned.keras": save_keras,
        "pruned.tflite": save_litert,
        "pruned_sparse.tflite": partial(save_litert, sparse=True),
        "pruned_int8.tflite": partial(save_litert, **ranges),
        "pruned.npz": pack,
        "pruned_runnable.npz": partial(pack, runnable=True),
    }.items():
        try:
            print(write(model, out / name))
        except ValueError as error:
            refused += 1
            print(f"{name}: not written. {error}")
    return 3 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
