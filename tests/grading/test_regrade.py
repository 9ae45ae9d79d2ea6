"""`regrade --changed`: everything that would get another score is graded again, and nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from tiny_course import LESSON, filled, source_notebook, submit

from autograder.__main__ import main
from autograder.executor.limits import Limits
from autograder.grade import grade
from autograder.release import release
from autograder.store import gradebook

ROOT = Path(__file__).parents[2]
WRONG = "def double(x):\n    return 3 * x"


@pytest.fixture
def graded(course):
    """Two students, graded; the limits as they were."""
    for name in ("ann", "bob"):
        submit(course, name, filled(course))
    assert grade(course, LESSON, jobs=2).keys() == {"ann", "bob"}
    return course


def again(course, **options):
    return set(grade(course, LESSON, changed=True, **options))


def test_nothing_changed_means_nothing_to_do(graded, capsys):
    assert again(graded) == set()
    assert main(["regrade", LESSON, "--changed", "--course", graded.root]) == 0
    # The course's own limits are the defaults here, so the command agrees.
    assert "Nothing changed" in capsys.readouterr().out


def test_a_new_or_changed_submission_is_graded_again(graded):
    submit(graded, "bob", filled(graded, double=WRONG))
    submit(graded, "cem", filled(graded))
    assert again(graded) == {"bob", "cem"}
    assert gradebook.scores(graded, LESSON)["bob"].cells["test_double"] == (0, 1)
    submit(graded, "ann", filled(graded), quiz="a")
    assert again(graded) == {"ann"} and again(graded) == set()


def test_a_changed_test_or_support_file_or_limit_is_a_change_for_everybody(graded):
    notebook = source_notebook()
    notebook.cells[3].source = "assert double(2) == 4 and double(0) == 0"
    folder = graded.path / "solutions" / LESSON
    nbformat.write(notebook, folder / f"{LESSON}.ipynb")
    release(graded, LESSON)
    assert again(graded) == {"ann", "bob"}
    (folder / "helper.txt").write_text("other data")
    assert again(graded, jobs=2) == {"ann", "bob"}
    assert again(graded, limits=Limits(cell=50)) == {"ann", "bob"}
    assert again(graded, limits=Limits(cell=50)) == set()


def test_links_and_pipes_are_not_followed(graded):
    folder = graded.path / "submitted" / "ann" / LESSON
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/etc")
    assert again(graded) == {"ann"} and again(graded) == set()


KILLED = """
import os, sys
from autograder.course import open_course
from autograder.grade import grade
from autograder.store import gradebook

gradebook.record = lambda *a: os.kill(os.getpid(), 9)
grade(open_course(sys.argv[1]), sys.argv[2], changed=True)
"""


def test_what_never_reached_the_gradebook_is_graded_again(graded):
    """Killed between the result on disk and the gradebook, the worst moment."""
    submit(graded, "bob", filled(graded, double=WRONG))
    command = [sys.executable, "-c", KILLED, graded.root, LESSON]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == -signal.SIGKILL
    assert gradebook.scores(graded, LESSON)["bob"].cells["test_double"] == (1, 1)
    assert again(graded) == {"bob"}
    assert gradebook.scores(graded, LESSON)["bob"].cells["test_double"] == (0, 1)
