"""A grader killed at a random moment, a full disk, two at once: the gradebook is that of an undisturbed run.

`make faults` kills 50 times; the tests, a few times.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from tiny_course import COUNT, LESSON, filled, submit

from autograder.course import open_course
from autograder.store import gradebook, results

RUNS = int(os.environ.get("FAULT_RUNS", 3))
GRADE = [sys.executable, "-m", "autograder", "grade", LESSON, "--jobs", "2"]
SLOW = "import time\ntime.sleep(0.5)\n"


@pytest.fixture(scope="module")
def handed_in(released_course, tmp_path_factory):
    """A released course with six submissions, right ones, wrong ones, and one that is no notebook."""
    root = tmp_path_factory.mktemp("faults") / "course"
    shutil.copytree(released_course.root, root)
    course = open_course(root)
    for student in ("ann", "bob", "cy"):
        submit(course, student, filled(course, count=SLOW + COUNT))
    submit(course, "dan", filled(course, double=None))
    submit(course, "eve", filled(course, count="def count_zeros(values):\n    return len(values)"), quiz="a")
    submit(course, "fay", b"%PDF-1.7")
    return course


@pytest.fixture(scope="module")
def undisturbed(handed_in, tmp_path_factory):
    """What the gradebook holds after a grading that nobody disturbed, and the seconds it took."""
    course = copied(handed_in, tmp_path_factory.mktemp("undisturbed"))
    start = time.monotonic()
    finish(course)
    return held(course), time.monotonic() - start


def copied(course, folder):
    shutil.copytree(course.root, folder / "course")
    return open_course(folder / "course")


def held(course):
    """Scores and comments by student and cell, and how each submission ended."""
    scores = gradebook.scores(course, LESSON)
    states = {student: (r.state, r.reason) for student, r in results.load(course, LESSON).items()}
    return scores, states


def finish(course):
    """Grade to the end, as after a fault: by the same command."""
    done = subprocess.run([*GRADE, "--course", course.root], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def graded(course):
    """When each student's score was written."""
    written = Path(course.path / course.autograded_directory).glob(f"*/{LESSON}/{LESSON}.ipynb")
    keys = {path.stem for path in results.folder(course, LESSON).glob("*.key")}
    return {p.parts[-3]: p.stat().st_mtime_ns for p in written if p.parts[-3] in keys}


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_at_any_moment_and_run_again(handed_in, undisturbed, tmp_path, seed):
    course, (wanted, seconds) = copied(handed_in, tmp_path), undisturbed
    grader = subprocess.Popen([*GRADE, "--course", course.root], stdout=-3, stderr=-3)
    time.sleep(random.Random(seed).uniform(0, 1.1 * seconds))
    left = psutil.Process(grader.pid).children(recursive=True) if grader.poll() is None else []
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    assert not psutil.wait_procs(left, timeout=60)[1], "nobody outlives the grader"
    before = graded(course)
    finish(course)
    assert held(course) == wanted
    after = graded(course)
    assert {student: after[student] for student in before} == before, "nobody is graded twice"


@pytest.mark.parametrize("room", [20_000, 150_000])
def test_a_full_disk_is_a_sentence_and_loses_nothing(handed_in, undisturbed, tmp_path, room):
    course = copied(handed_in, tmp_path)
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
    command = [*GRADE, "--course", course.root]
    stopped = subprocess.run(command, capture_output=True, text=True, preexec_fn=full, timeout=300)
    assert stopped.returncode != 0 and "Traceback" not in stopped.stderr
    finish(course)
    assert held(course) == undisturbed[0]


def test_two_graders_at_once_grade_everybody_once(handed_in, undisturbed, tmp_path):
    course = copied(handed_in, tmp_path)
    command = [*GRADE, "--course", course.root]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    graders = [subprocess.Popen(command, **pipes) for _ in range(2)]
    said = [" ".join(grader.communicate(timeout=300)) for grader in graders]
    assert [grader.returncode for grader in graders] == [0, 0], said
    assert held(course) == undisturbed[0]
    assert sum("Nothing changed" in words for words in said) == 1, "the second one finds all done"
