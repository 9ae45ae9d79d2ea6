"""A kernel's first result and its memory: forked from the warm process and sealed, against a cold one.

python benchmarks/bench_kernels.py [--rounds 10]

Time runs from asking for a kernel to the result of its first cell, a sum by Keras. Memory is what all
processes of the grader's have more while the kernel is there, each page counted once (PSS).
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from autograder.executor import kernel
from autograder.executor.client import CappedClient
from autograder.executor.limits import DEFAULT
from autograder.executor.local import OPTIONS
from course_lib.pruning.timing import Timings

FIRST_CELL = "import keras\nprint(float(keras.ops.sum([1.0, 2.0])))"


def memory() -> float:
    """MB of all processes started from here, each page once."""
    processes = psutil.Process().children(recursive=True)
    return sum(process.memory_full_info().pss for process in processes) / 1e6


async def first_cell(folder: Path, how) -> tuple[float, float]:
    """Seconds to the first result, and MB that the kernel takes; it is ended afterwards."""
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    client = CappedClient(
        new_notebook(cells=[new_code_cell(FIRST_CELL)], metadata=spec), DEFAULT.output, **OPTIONS
    )
    before, start = memory(), time.perf_counter()
    async with how(client, folder, DEFAULT):
        cell = await client.async_execute_cell(client.nb.cells[0], 0)
        seconds = time.perf_counter() - start
        taken = memory() - before
    printed = [o.text for o in cell.outputs if o.get("name") == "stdout"]
    assert printed == ["3.0\n"], cell
    return seconds, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    sides, found = {"warm": kernel.sealed, "cold": kernel.plain}, {"warm": [], "cold": []}
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "kernel" / "work"
        inside.mkdir(parents=True)
        for _ in range(rounds + 1):
            for name, how in sides.items():
                found[name].append(asyncio.run(first_cell(inside, how)))
    table = {name: np.array(pairs[1:]) for name, pairs in found.items()}  # the first warms up
    spent = Timings({name: pairs[:, 0] for name, pairs in table.items()})
    print("From asking for a kernel to the first result of Keras:")
    print(spent)
    print(f"  cold / warm   {spent.ratio('cold', 'warm')}")
    for name, pairs in table.items():
        print(f"  memory of a {name} kernel: {np.median(pairs[:, 1]):.0f} MB")


if __name__ == "__main__":
    main()
