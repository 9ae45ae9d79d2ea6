"""A class graded by stock `nbgrader autograde` and by `autograder grade` in one run.

python benchmarks/bench_grading.py [LESSON ...] [--students 24]

The class hands in a lesson with planted answers: right ones in two styles, a blank, a half, typical wrong
ones. There are two lessons: a light one, which imports Keras, trains for two seconds and has three tests;
and lesson 01, most of whose time is its own cells'. Stock nbgrader has its own settings, and cached bytecode;
both sides find the course's trained models stored, and must give the same scores to the last cell. No grader
can be faster than the processor seconds of the students' own cells, divided by the cores: that limit is
printed, too. It is measured before and after our side, because the speed of machines changes by the minute.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nbformat
from light_lesson import LIGHT, write_source
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from autograder.course import Course, open_course
from autograder.demo import SPOILED, make_class
from autograder.store import gradebook

ROOT = Path(__file__).parents[1]
STOCK = '\nc.ExecutePreprocessor.kernel_name = ""\nc.Execute.shutdown_kernel = "graceful"\n'


def make(source: Path, lesson: str, folder: Path, students: int) -> Course:
    """A course with a class of so many, who hand in what the honest ones of the demo hand in."""
    course, _ = make_class(source, folder, lesson)
    handed_in = course.path / course.submitted_directory
    honest = [path for path in sorted(handed_in.iterdir()) if path.name not in SPOILED]
    for i in range(students):
        shutil.copytree(honest[i % len(honest)], handed_in / f"student-{i:03d}")
    for path in [*honest, *(handed_in / name for name in SPOILED)]:
        shutil.rmtree(path)
    return course


def graded(course: Course, lesson: str, *command: str) -> tuple[float, dict]:
    """Seconds that a command takes in the course's folder, and the score of every cell it writes."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command, lesson], cwd=course.root, env=env, check=True, capture_output=True
    )
    seconds = time.perf_counter() - start
    return seconds, {name: score.cells for name, score in gradebook.scores(course, lesson).items()}


def own_seconds(course: Course, lesson: str) -> float:
    """Processor seconds of the students' own cells, behind the import of Keras, over the whole class."""
    by_text = Counter(
        path.read_text("utf-8") for path in sorted(course.path.glob(f"submitted/*/{lesson}/*.ipynb"))
    )
    total = 0.0
    for text, students in by_text.items():
        notebook = nbformat.reads(text, as_version=4)
        notebook.cells.insert(0, new_code_cell("import keras, time\n_start = time.process_time()"))
        notebook.cells.append(new_code_cell("print(time.process_time() - _start)"))
        with tempfile.TemporaryDirectory() as folder:
            done = NotebookClient(
                notebook, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": folder}}
            ).execute()
        total += students * float(done.cells[-1].outputs[-1].text)
    return total


def compare(source: Path, lesson: str, folder: Path, students: int) -> None:
    """Grade the same class on both sides; print how they compare, and how near to the limit we are."""
    ours = make(source, lesson, folder / "ours", students)
    shutil.copytree(ours.root, folder / "stock")
    with (folder / "stock" / "nbgrader_config.py").open("a") as config:
        config.write(STOCK)
    cores = os.cpu_count()
    before = own_seconds(ours, lesson)
    mine = graded(ours, lesson, "autograder", "grade")
    limit = (before + own_seconds(ours, lesson)) / 2 / cores
    sides = {
        "autograder grade": mine,
        "nbgrader autograde": graded(open_course(folder / "stock"), lesson, "nbgrader", "autograde"),
    }
    print(f"{lesson}: the students' own cells alone take {limit:.1f} s on {cores} cores")
    for name, (seconds, _) in sides.items():
        print(f"  {name}: {students} submissions in {seconds:.1f} s, {60 * students / seconds:.1f} a minute")
    (fast, scores), (slow, theirs) = sides.values()
    print(f"  stock / ours   {slow / fast:.2f}×; scores {'identical' if scores == theirs else 'DIFFER'}")
    print(f"  limit / ours   {limit / fast:.2f}", flush=True)
    if scores != theirs or len(scores) != students:
        sys.exit("The two sides do not agree on every score.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", default=[LIGHT, "01_spare_weights"], metavar="LESSON")
    parser.add_argument("--students", type=int, default=24)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        light = write_source(Path(folder) / "source")
        for lesson in options.lessons:
            compare(light if lesson == LIGHT else ROOT, lesson, Path(folder) / lesson, options.students)


if __name__ == "__main__":
    main()
