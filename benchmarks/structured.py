"""Accuracy after filters are removed: six criteria, before and after fine-tuning, and the controls.

python benchmarks/structured.py [--seeds 5] [--only digits] [--write docs/structured.md]

For each seed a network is trained; every arm removes filters of it with `shrink` and fine-tunes what is left
with a fresh Adam on the same batches in the same order. Controls: random filters, the trained network trained
on, and the small network trained from scratch. Criteria see training images only, accuracy is that on test
images. Rows go to build/structured/rows.jsonl: run it again and it goes on. Half an hour on two cores.
"""

import argparse
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import rows
from arms import CRITERIA, DENSE, KEPT, SCOPES, SCRATCH, dense, measured
from tables import tables

from course_lib import data, models

SPARSITIES = (0.3, 0.5)
FOLDER = Path(__file__).parents[1] / "build" / "structured"


class Setting(NamedTuple):
    """A network, its data, and how long it trains, fully and after the cut."""

    name: str
    build: object
    split: object
    dense_epochs: int
    epochs: int
    batch: int
    scopes: tuple = ("layerwise",)
    criteria: tuple = tuple(CRITERIA)

    @property
    def key(self) -> str:
        """What decides the results, besides the seed."""
        return f"{self.name}, {self.dense_epochs} + {self.epochs} epochs, batches of {self.batch}"

    def arms(self) -> Iterator[tuple[str, str, float]]:
        """(scope, arm, sparsity) of all rows of one seed."""
        yield "", DENSE, 0.0
        for scope in self.scopes:
            # These two are for one shape, and layer by layer all criteria lead to the same.
            extra = (KEPT, SCRATCH) if scope == "layerwise" else ()
            for sparsity in SPARSITIES:
                yield from ((scope, arm, sparsity) for arm in (*self.criteria, *extra))


large = partial(models.residual_digits, width=24, shape=(28, 28, 1), stem_stride=2)
NO_NORM = tuple(name for name in CRITERIA if name != "BN scale")
SETTINGS = (
    Setting("R on digits", models.residual_digits, data.digits, 10, 5, 32, tuple(SCOPES)),
    Setting("a larger R on MNIST-5k", large, data.mnist5k, 6, 3, 32),
    Setting("C on digits", models.conv_digits, data.digits, 10, 5, 32, criteria=NO_NORM),
)


def run(settings: list[Setting], seeds: int) -> list[dict]:
    """All rows of these settings; measures those that the log lacks."""
    log = FOLDER / "rows.jsonl"
    names = ("setting", "seed", "scope", "arm", "sparsity")
    done = {tuple(row[name] for name in names) for row in rows.read(log)}
    for setting in settings:
        for seed in range(seeds):
            left = [arm for arm in setting.arms() if (setting.key, seed, *arm) not in done]
            split = setting.split(seed=seed)
            model = dense(setting, split, seed, FOLDER) if left else None
            for arm in left:
                row = dict(zip(names, (setting.key, seed, *arm), strict=True))
                row |= measured(setting, model, split, seed, *arm)
                rows.add(log, row)
                print(row, flush=True)
    wanted = {setting.key for setting in settings}
    return [row for row in rows.read(log) if row["setting"] in wanted and row["seed"] < seeds]


def main() -> None:
    """Measure what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="settings whose name holds this text")
    parser.add_argument("--write", type=Path, help="put the tables into this file, between its marks")
    arguments = parser.parse_args()
    text = tables(run([s for s in SETTINGS if arguments.only in s.name], arguments.seeds))
    print(text)
    if arguments.write:
        rows.write(arguments.write, "accuracy", text)


if __name__ == "__main__":
    main()
