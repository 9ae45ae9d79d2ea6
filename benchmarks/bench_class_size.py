"""Does a class four times as large take four times as long, and how much memory does the grader need?

python benchmarks/bench_class_size.py [--students 75 150 300] [--jobs 2]

Submissions of trivial cells, so that intake, store and feedback are what takes the time; each class is graded
and gets its feedback by the command line, as an instructor does it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "grading")]

from tiny_course import COUNT, LESSON, filled, make_course, submit  # noqa: E402 - found by the line above

from autograder.release import release  # noqa: E402

ANSWERS = [COUNT, "def count_zeros(values):\n    return len(values)", None]


def hand_in(folder: Path, students: int):
    """A course in which so many students have handed in right, wrong and blank answers."""
    course = make_course(folder)
    release(course, LESSON)
    for i in range(students):
        submit(course, f"student-{i:04d}", filled(course, count=ANSWERS[i % len(ANSWERS)]))
    return course


def spent(course, *command: str) -> tuple[float, float]:
    """Seconds and the most memory, in MB, of one command; the memory is the grader's own."""
    start = time.perf_counter()
    arguments = [sys.executable, "-m", "autograder", *command, LESSON, "--course", course.root]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return time.perf_counter() - start, used.ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print seconds a submission and memory for each size."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--students", type=int, nargs="+", default=[75, 150, 300])
    options.add_argument("--jobs", default=str(os.cpu_count()))
    asked = options.parse_args()
    print(f"{'students':>8} {'grade':>9} {'each':>8} {'memory':>8} {'feedback':>9} {'each':>8} {'memory':>8}")
    rows = []
    for students in asked.students:
        with tempfile.TemporaryDirectory() as folder:
            course = hand_in(Path(folder) / "course", students)
            row = [*spent(course, "grade", "--jobs", asked.jobs), *spent(course, "feedback")]
        rows.append([students, row[0] / students, row[2] / students, row[1]])
        print(
            f"{students:8} {row[0]:7.1f} s {row[0] / students:6.3f} s {row[1]:5.0f} MB "
            f"{row[2]:7.1f} s {row[2] / students:6.3f} s {row[3]:5.0f} MB",
            flush=True,
        )
    ratios = [last / first for first, last in zip(rows[0], rows[-1], strict=True)]
    print(f"  {ratios[0]:.0f}× the students: {ratios[1]:.2f}× the time each, {ratios[3]:.2f}× the memory")


if __name__ == "__main__":
    main()
