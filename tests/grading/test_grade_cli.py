"""The command line: what it prints, writes and answers when something is missing."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import psutil
import pytest
from tiny_course import LESSON, filled, make_course, submit

from autograder.__main__ import main
from autograder.kernels import warm
from autograder.planted import Block, read_planted
from autograder.store import gradebook, results

MODULE = [sys.executable, "-m", "autograder"]

PLANTED = """
# %% double :: twice :: pass
def double(x):
    return 2 * x

# %% double :: sum :: pass
def double(x):
    return x + x

# %% double :: absolute :: fails test_double_more :: negative numbers
def double(x):
    return abs(2 * x)

# %% double :: square :: fails test_double_more, test_double :: count too
def double(x):
    return x * x

# %% count :: sum :: pass
def count_zeros(values):
    return sum(v == 0 for v in values)

# %% quiz :: right :: pass
{"count": "b"}

# %% quiz :: wrong :: fails test_quiz :: read it again
{"count": "a"}
"""


def refusal(capsys, *arguments):
    assert main(arguments) == 1
    return capsys.readouterr().err


def test_grade_feedback_export_status(course, tmp_path, capsys):
    submit(course, "ann", filled(course))
    submit(course, "=cmd", filled(course, double=None))
    submit(course, "bob", b"%PDF")
    out, table = tmp_path / "scores.json", tmp_path / "grades.csv"
    where = ["--course", course.root]
    assert main(["grade", LESSON, *where, "--json", str(out), "--jobs", "2"]) == 0
    printed = capsys.readouterr().out
    assert "runs sealed" in printed and "unreadable" in printed and "6 / 9 +?" in printed
    scores = {row["student"]: row for row in json.loads(out.read_text())}
    assert scores["ann"]["cells"]["test_quiz"] == [1, 1]
    assert scores["ann"]["score"] == 6 and scores["bob"]["reason"].endswith("a PDF file.")
    assert main(["feedback", LESSON, *where]) == 0
    assert (course.path / "feedback" / "bob" / LESSON / f"{LESSON}.html").is_file()
    assert main(["export", "--all", *where, "--out", str(table)]) == 0
    rows = list(csv.DictReader(table.open()))
    assert [row["student"] for row in rows] == ["'=cmd", "ann", "bob"]
    assert [row["state"] for row in rows] == ["graded", "graded", "unreadable"]
    capsys.readouterr()
    assert main(["status", LESSON, *where]) == 0
    assert "waiting for manual grading: 2 (=cmd, ann)" in capsys.readouterr().out


def test_errors_are_one_sentence(course, tmp_path, capsys):
    where = ["--course", course.root]
    assert "Known: 01_tiny." in refusal(capsys, "grade", "02_big", *where)
    assert "looked for" in refusal(capsys, "grade", LESSON, *where)
    assert "Run `autograder grade 01_tiny` first" in refusal(capsys, "feedback", LESSON, *where)
    submit(course, "ann", filled(course))
    assert "by bob" in refusal(capsys, "grade", LESSON, *where, "--student", "bob")
    assert "no folder" in refusal(capsys, "status", LESSON, "--course", str(tmp_path / "nowhere"))
    assert "no solutions/" in refusal(capsys, "status", LESSON, "--course", str(tmp_path))
    assert "Name one lesson" in refusal(capsys, "export", *where)


def test_a_lesson_never_released(tmp_path, capsys):
    course = make_course(tmp_path)
    submit_nothing = ["--course", course.root]
    assert "make release" in refusal(capsys, "grade", LESSON, *submit_nothing)
    assert "make release" in refusal(capsys, "export", "--all", *submit_nothing)
    assert not (tmp_path / "gradebook.db").exists()


@pytest.mark.parametrize("arguments", [["grade"], ["grade", LESSON, "--jobs", "0"], ["mark", LESSON]])
def test_a_wrong_command_line(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)


def test_planted_blocks(tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    blocks = read_planted(path)
    assert [b.passes for b in blocks] == [True, True, False, False, True, True, False]
    assert blocks[2] == Block(
        "double",
        "absolute",
        "def double(x):\n    return abs(2 * x)",
        ("test_double_more",),
        "negative numbers",
    )
    assert blocks[3].fails == ("test_double_more", "test_double")
    assert blocks[5].answers == {"count": "b"}
    path.write_text("# %% double :: oops")
    with pytest.raises(ValueError, match="planted.py:1"):
        read_planted(path)


def test_demo(tmp_path, capsys):
    source = make_course(tmp_path / "repo")
    (source.path / "tests" / "planted").mkdir(parents=True)
    assert "No planted answers" in refusal(capsys, "demo", "--source", source.root)
    (source.path / "tests" / "planted" / f"{LESSON}.py").write_text(PLANTED)
    target = tmp_path / "class"
    arguments = ["demo", "--source", source.root, "--course", str(target), "--cell-timeout", "2"]
    assert main(arguments) == 0
    rows = {row["student"]: row for row in csv.DictReader((target / "grades.csv").open())}
    assert {name: (row["state"], float(row["score"])) for name, row in rows.items()} == {
        "ada-perfect": ("graded", 6),
        "ben-other-style": ("graded", 6),
        "cleo-blank": ("graded", 0.5),
        "dan-half": ("graded", 3.5),
        "eve-wrong": ("graded", 4),
        "fay-wrong": ("graded", 4),
        "gus-wrong": ("graded", 5),
        "hal-wrong": ("graded", 6),
        "ida-cut-off": ("unreadable", 0),
        "jon-endless": ("time", 4),
        "kim-lost-cells": ("repaired", 3),
        "lea-pdf": ("unreadable", 0),
    }
    assert [name for name, row in rows.items() if row["manual_pending"] == "no"] == [
        "cleo-blank",
        "ida-cut-off",
        "lea-pdf",
    ]
    (target / ".autograder-demo").unlink()
    assert "not made by a demo" in refusal(capsys, *arguments)


def test_it_is_a_module():
    done = subprocess.run([*MODULE, "--help"], capture_output=True, text=True, check=True)
    assert "demo" in done.stdout


def test_help_needs_nothing_that_takes_long_to_import():
    code = "import sys, autograder.__main__ as m; m.parser(); print(*{n.split('.')[0] for n in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"nbgrader", "nbformat", "sqlalchemy", "keras", "rich"} & set(loaded.split())


@pytest.mark.parametrize(
    "options, begun", [([], True), (["--unsandboxed"], False), (["--cluster", "x"], False)]
)
def test_kernels_are_made_ready_while_the_command_is_imported(options, begun, course, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr(warm, "current", asked.set)
    assert main(["grade", "99_unknown", "--course", str(course.root), *options]) == 1
    assert asked.wait(5 if begun else 0.1) == begun


def test_ctrl_c_stops_kernels_and_scores_nobody(course):
    submit(course, "ann", filled(course))
    submit(course, "bob", filled(course, count="import time\ntime.sleep(600)"))
    command = [*MODULE, "grade", LESSON, "--course", course.root, "--cell-timeout", "600"]
    # A shell that runs the tests in the background has told them to ignore Ctrl-C; children inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    grader = subprocess.Popen(command, preexec_fn=heed, **pipe)
    while "ann" not in gradebook.scores(course, LESSON):
        time.sleep(0.2)
    kernels = psutil.Process(grader.pid).children()
    assert kernels
    grader.send_signal(signal.SIGINT)
    assert (
        "What was graded so far is kept; the same command goes on" in grader.communicate()[1]
        and grader.returncode == 1
    )
    assert not [kernel for kernel in kernels if kernel.is_running()]
    assert results.load(course, LESSON).keys() == {"ann"}
