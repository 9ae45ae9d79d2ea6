"""What a killed grader leaves in the folder for temporary files goes when the next one starts."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tiny_course import LESSON, filled, submit

from autograder.kernels import folders, linux

KINDS = {"grading", "kernel", "checks"}
SLOW = "import os, time\nos.mkdir('inner', 0)\ntime.sleep(50)\n"
needs_locks = pytest.mark.skipif(linux.SYSTEM == "Windows", reason="nothing is swept there")


def left(top: Path) -> set[str]:
    """The kinds of folders of graders that are here."""
    return {path.name.split("-")[1] for path in top.glob(f"{folders.OURS}*")}


def age(top: Path) -> None:
    """Make every folder look as old as those are that are swept."""
    for path in top.iterdir():
        os.utime(path, (0, 0))


@pytest.fixture
def short_path():
    """A folder whose name leaves room for those of sockets."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@needs_locks
def test_a_killed_grader_s_folders_are_swept_by_the_next(course, short_path):
    top = short_path
    submit(course, "ann", filled(course, count=SLOW))
    command = [sys.executable, "-m", "autograder", "grade", LESSON, "--course", course.root]
    env = {**os.environ, "TMPDIR": str(top)}
    grader = subprocess.Popen(command, env=env, stdout=-3, stderr=-3)
    end = time.monotonic() + 120
    while left(top) != KINDS and grader.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    assert left(top) == KINDS, "a grader at work has all of them"
    age(top)
    (course.path / "submitted" / "ann" / LESSON / f"{LESSON}.ipynb").write_bytes(b"%PDF")
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not left(top)


@needs_locks
def test_what_somebody_holds_or_has_just_made_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held = folders.make("grading")
    (tmp_path / "autograder-kernel-of-nobody").mkdir(mode=0o700)
    (tmp_path / "autograder-kernel-young").mkdir(mode=0o700)
    (tmp_path / "autograder-kernel-open").mkdir(mode=0o755)
    (tmp_path / "letters-old").mkdir(mode=0o700)
    (tmp_path / "autograder-checks-link").symlink_to(held)
    for path in (
        held,
        tmp_path / "autograder-kernel-of-nobody",
        tmp_path / "autograder-kernel-open",
        tmp_path / "letters-old",
    ):
        os.utime(path, (0, 0))
    folders.sweep()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        held.name,
        "autograder-kernel-young",
        "autograder-kernel-open",
        "letters-old",
        "autograder-checks-link",
    }
    folders.remove(held)
    assert not held.exists()
