"""A class graded by stock `nbgrader autograde` and by `autograder grade` in one run; then how kernels start.

python benchmarks/bench_grading.py [--students 24] [--jobs 2] [--rounds 10]

The class hands in lesson 01 with planted answers: right ones in two styles, a blank, a half, typical wrong
ones. Stock nbgrader has its own settings, and cached bytecode. Both sides must give the same scores to the
last cell.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nbformat.v4 import new_code_cell, new_notebook

from autograder.course import Course, open_course
from autograder.demo import SPOILED, make_class
from autograder.executor import kernel
from autograder.executor.local import run
from autograder.store import gradebook
from course_lib.pruning import interleaved

LESSON = "01_spare_weights"
ROOT = Path(__file__).parents[1]
STOCK = '\nc.ExecutePreprocessor.kernel_name = ""\nc.Execute.shutdown_kernel = "graceful"\n'
FIRST_CELL = "import keras\nprint(float(keras.ops.sum([1.0, 2.0])))"


def make(folder: Path, students: int) -> Course:
    """A course with a class of so many, who hand in what the honest ones of the demo hand in."""
    course, _ = make_class(ROOT, folder, LESSON)
    handed_in = course.path / course.submitted_directory
    honest = [path for path in sorted(handed_in.iterdir()) if path.name not in SPOILED]
    for i in range(students):
        shutil.copytree(honest[i % len(honest)], handed_in / f"student-{i:03d}")
    for path in [*honest, *(handed_in / name for name in SPOILED)]:
        shutil.rmtree(path)
    return course


def graded(course: Course, *command: str) -> tuple[float, dict]:
    """Seconds that a command takes in the course's folder, and the score of every cell it writes."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command, LESSON], cwd=course.root, env=env, check=True, capture_output=True
    )
    seconds = time.perf_counter() - start
    return seconds, {name: score.cells for name, score in gradebook.scores(course, LESSON).items()}


def compare(folder: Path, students: int, jobs: int) -> None:
    """Grade the same class on both sides and print how many times as long stock nbgrader takes."""
    ours = make(folder / "ours", students)
    shutil.copytree(ours.root, folder / "stock")
    with (folder / "stock" / "nbgrader_config.py").open("a") as config:
        config.write(STOCK)
    sides = {
        "autograder grade": graded(ours, "autograder", "grade", "--jobs", str(jobs)),
        "nbgrader autograde": graded(open_course(folder / "stock"), "nbgrader", "autograde"),
    }
    for name, (seconds, _) in sides.items():
        print(f"{name}: {students} submissions in {seconds:.1f} s, {60 * students / seconds:.1f} a minute")
    (fast, mine), (slow, theirs) = sides.values()
    print(f"  stock / ours   {slow / fast:.2f}×; scores {'identical' if mine == theirs else 'DIFFER'}")
    if mine != theirs or len(mine) != students:
        sys.exit("The two sides do not agree on every score.")


def first_cell(folder: Path, how) -> None:
    """Start a kernel, import Keras, compute something, end the kernel."""
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(FIRST_CELL)], metadata=spec)
    result = asyncio.run(run(notebook, folder, kernel=how))
    printed = [o.text for o in result.notebook.cells[0].outputs if o.get("name") == "stdout"]
    assert printed == ["3.0\n"], result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options.students, options.jobs)
        inside = Path(folder) / "kernel" / "work"
        inside.mkdir(parents=True)
        sides = {"warm": kernel.sealed, "cold": kernel.plain}
        calls = {name: lambda how=how: first_cell(inside, how) for name, how in sides.items()}
        print("From asking for a kernel to the first result of Keras, and the kernel's end:")
        spent = interleaved(calls, options.rounds, warm_up=1)
        print(spent)
        print(f"  cold / warm   {spent.ratio('cold', 'warm')}")


if __name__ == "__main__":
    main()
