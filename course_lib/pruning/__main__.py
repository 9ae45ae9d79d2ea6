"""Prune and export a file of your own: python -m course_lib.pruning MODEL.keras --sparsity 0.8 --out DIR."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras

from .card.card import report_card
from .granularity import Block
from .holding import hold
from .prune import make_masks
from .scopes import layerwise
from .select import survivors
from .ship.archive import pack
from .ship.asked import CRITERIA, SCOPES, check_asked, check_met, data_of, parser, run_code
from .ship.compare import examples, inputs_of
from .ship.files import Exported
from .ship.keras_file import open_keras, save_keras
from .ship.litert import save_litert
from .structured.channels import Channels
from .structured.surgery import shrink


def main(arguments: list[str] | None = None) -> int:
    """Run the command. 0: all is written; 1: nothing (one sentence says why); 3: some exports refused."""
    asked = parser().parse_args(arguments)
    try:
        if asked.code:
            run_code(asked.code)
        given, (x, y) = open_keras(asked.model), data_of(asked.data)
        check_asked(asked, given, x, y)
        pruned = prune(open_keras(asked.model), asked, x, y)
        print(card({"given": given, "pruned": pruned}, x, y), end="\n\n")
        return _export(pruned, asked.out, x)
    except (ValueError, TypeError, OSError) as error:
        print("Nothing was written.", *str(error).split(), file=sys.stderr)
        return 1


def prune(model: keras.Model, asked: argparse.Namespace, x: Any = None, y: Any = None) -> keras.Model:
    """Whole channels first, then single weights or blocks; after each, `epochs` of fine-tuning."""
    criterion = CRITERIA[asked.criterion]
    if asked.structured:
        channels = Channels(model)
        masks = make_masks(model, asked.structured, criterion(x, y), channels, layerwise)
        counts = [len(group.units) for group in channels.groups.values()]
        check_met(asked.structured, counts, sum(survivors(n, asked.structured) for n in counts))
        model = _tuned(shrink(model, masks), asked.epochs, x, y)
    if asked.sparsity:
        unit = Block(*(asked.block or (1, 1)))
        masks = make_masks(model, asked.sparsity, criterion(x, y), unit, SCOPES[asked.scope])
        counts = [keep.size for keep in masks.values()]
        check_met(asked.sparsity, counts, sum(keep.sum() for keep in masks.values()), unit.rows * unit.cols)
        hold(model, masks)
        model = _tuned(model, asked.epochs, x, y)
    return model


def card(models: dict[str, keras.Model], x: Any = None, y: Any = None) -> str:
    """The report card of models; random inputs stand in for x, and labels that do not fit for none."""
    first = next(iter(models.values()))
    if x is None:
        x = keras.tree.pack_sequence_as(inputs_of(first).structure, examples(first))
        return f"{report_card(models, x)}\nAccuracy was not checked: pass --data with x and y."
    try:
        return str(report_card(models, x, y))
    except ValueError as error:
        if y is None:
            raise
        return f"{report_card(models, x)}\nAccuracy was not checked. {error}"


def _tuned(model: keras.Model, epochs: int, x: Any, y: Any) -> keras.Model:
    if epochs:
        try:
            model.fit(x, y, epochs=epochs, verbose=2)
        except Exception as error:  # labels that do not fit the loss, and whatever else TensorFlow finds
            raise ValueError(f"Fine-tuning failed: {error}") from error
    return model


def _export(model: keras.Model, out: Path, x: Any) -> int:
    out.mkdir(parents=True, exist_ok=True)
    model.compiled, model.optimizer = False, None  # Adam's memory would make the file three times as large
    ranges = {"int8": "weights"} if x is None else {"int8": "activations", "x": x}
    refused = 0
    for name, write in {
        "pruned.keras": save_keras,
        "pruned.tflite": save_litert,
        "pruned_sparse.tflite": partial(save_litert, sparse=True),
        "pruned_int8.tflite": partial(save_litert, **ranges),
        "pruned_int8_sparse.tflite": partial(save_litert, sparse=True, **ranges),
        "pruned.npz": pack,
        "pruned_runnable.npz": partial(pack, runnable=True),
    }.items():
        refused += not _written(partial(write, model, out / name), out / name)
    return 3 if refused else 0


def _written(write: Callable[[], Exported], path: Path) -> bool:
    try:
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("ignore")
            warnings.filterwarnings("always", "LiteRT ")
            print(write())
    except ValueError as error:
        stale = " The one in the folder is from an earlier run." if path.exists() else ""
        print(f"{path.name}: not written. {error}{stale}")
        return False
    for note in notes:
        print(f"  {note.message}")
    return True


if __name__ == "__main__":
    sys.exit(main())
