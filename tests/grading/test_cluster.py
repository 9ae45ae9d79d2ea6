"""Submissions run on the machines of a cluster: scores as here, whichever of the machines goes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from copy import deepcopy
from functools import partial

import psutil
import pytest
from cluster_help import ROOT, running_scheduler, running_workers
from tiny_course import LESSON, filled, submit

from autograder.__main__ import main
from autograder.checks import lesson
from autograder.course import CourseError
from autograder.executor import cluster
from autograder.executor.cluster import connected
from autograder.executor.limits import Limits
from autograder.executor.worker import WorkerFailed, about, opened, packed
from autograder.grade import grade
from autograder.master import load_master
from autograder.store import gradebook, results

WAIT = "import time\ntime.sleep(0.5)\n"
DOUBLE = "def double(x):\n    return 2 * x"
ANSWERS = {
    "right": {},
    "blank": {"double": None, "count": None},
    "wrong": {"double": WAIT + "def double(x):\n    return abs(2 * x)"},
    "reads its files": {"double": WAIT + "open('helper.txt').read()\n" + DOUBLE},
    "dies": {"count": WAIT + "import os\nos._exit(3)"},
    "slow": {"double": WAIT + DOUBLE},
    "slower": {"double": WAIT * 2 + DOUBLE},
    "ünïcödé [1]": {"double": WAIT + DOUBLE, "count": "print('\N{SNOWMAN}')"},
}


@pytest.fixture
def submitted(course):
    for name, answers in ANSWERS.items():
        submit(course, name, filled(course, **answers), quiz="a" if name == "wrong" else "b")
    return course


@pytest.fixture(scope="module")
def small_cluster(tmp_path_factory):
    """A scheduler's process, its address, two workers' processes; the tests below use them up."""
    folder = tmp_path_factory.mktemp("dask")
    with running_scheduler(folder) as (scheduler, address), running_workers(address, folder) as workers:
        yield scheduler, address, workers


def points(course):
    return {name: score.cells for name, score in gradebook.scores(course, LESSON).items()}


def zygotes(workers):
    return [child for worker in workers for child in psutil.Process(worker.pid).children()]


def forgotten(course):
    """Forget every grade, as if nobody had graded."""
    expected = points(course), {name: r.state for name, r in results.load(course, LESSON).items()}
    with course.gradebook() as book:
        for name in ANSWERS:
            book.remove_submission(LESSON, name)
    for path in results.folder(course, LESSON).iterdir():
        path.unlink()
    return expected


@pytest.mark.slow
def test_ctrl_c_on_a_cluster_keeps_what_was_graded_and_stops_the_rest(course, small_cluster):
    submit(course, "ann", filled(course))
    submit(course, "bob", filled(course, count="import time\ntime.sleep(600)"))
    command = [sys.executable, "-m", "autograder", "grade", LESSON, "--course", course.root]
    command += ["--cluster", small_cluster[1], "--cell-timeout", "600"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    grader = subprocess.Popen(command, cwd=ROOT, preexec_fn=heed, **pipe)
    while "ann" not in gradebook.scores(course, LESSON):
        assert grader.poll() is None, grader.communicate()[1]
        time.sleep(0.2)
    grader.send_signal(signal.SIGINT)
    assert "What was graded so far is kept" in grader.communicate()[1] and grader.returncode == 1
    assert results.load(course, LESSON).keys() == {"ann"}
    while any(zygote.children() for zygote in zygotes(small_cluster[2])):  # bob's kernel
        time.sleep(0.2)


@pytest.mark.slow
def test_a_machine_killed_in_the_middle_costs_nobody_anything(submitted, small_cluster):
    grade(submitted, LESSON, jobs=2)
    expected = forgotten(submitted)
    graded, words = Counter(), []
    _, address, workers = small_cluster

    def count_and_kill(student, result):
        graded[student] += 1
        if graded.total() == 2:
            os.kill(workers[0].pid, signal.SIGKILL)

    machines = partial(connected, address, on_ready=words.append)
    outcome = grade(submitted, LESSON, on_result=count_and_kill, machines=machines)
    assert workers[0].poll() == -signal.SIGKILL and workers[1].poll() is None
    assert graded == dict.fromkeys(ANSWERS, 1)
    assert (points(submitted), {name: r.state for name, r in outcome.items()}) == expected
    assert "Workers: 2." in words[0] and "runs sealed" in words[0]
    assert grade(submitted, LESSON, changed=True) == {}  # the same keys as here: nothing is left to do


@pytest.mark.slow
def test_a_cluster_that_vanishes_leaves_what_was_graded(submitted, small_cluster):
    scheduler, address, _ = small_cluster
    with pytest.raises(CourseError, match="does not answer any more. What was graded is kept"):
        grade(submitted, LESSON, on_result=lambda *a: scheduler.kill(), machines=partial(connected, address))
    before = results.load(submitted, LESSON)
    assert 0 < len(before) < len(ANSWERS) and "error" not in {r.state for r in before.values()}
    rest = grade(submitted, LESSON, jobs=2, changed=True)
    assert rest.keys() == ANSWERS.keys() - before.keys()
    scores = points(submitted)
    assert grade(submitted, LESSON, jobs=2).keys() == scores.keys() and points(submitted) == scores


def test_no_cluster_and_no_worker_are_one_sentence(course, tmp_path, monkeypatch, capsys):
    submit(course, "ann", filled(course))
    monkeypatch.setattr(cluster, "CONNECT", 1)
    with running_scheduler(tmp_path) as (_, idle):
        for address, words in [
            ("tcp://127.0.0.1:1", "No cluster answers at 'tcp://127.0.0.1:1'"),
            ("smoke://signals", "No cluster answers at 'smoke://signals'"),
            (idle, "has no workers. Start it with `dask scheduler`"),
        ]:
            assert main(["grade", LESSON, "--course", course.root, "--cluster", address]) == 1
            said = capsys.readouterr().err
            assert words in said and said.count("\n") == 1
    assert results.load(course, LESSON) == {}


def test_a_scheduler_whose_workers_are_gone_is_waited_for_but_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 2)

    async def watched(address):
        client = await cluster._client(address)
        try:
            return await cluster._watch(client, address)
        finally:
            await client.close()

    with running_scheduler(tmp_path) as (_, idle):
        words = asyncio.run(watched(idle))
    assert f"The cluster at {idle} has had no worker for 2 seconds. What was graded is kept" in words


def test_a_machine_with_other_packages_is_refused():
    here = json.loads(about(("course_lib",), False))
    assert not cluster._difference(here, here) and "sealed" in here["rung"] + here["refusal"]
    older = deepcopy(here)
    older["versions"]["numpy"] = "1.0"
    assert "numpy 1.0 instead of" in cluster._difference(here, older)
    bare = deepcopy(here)
    del bare["versions"]["tensorflow"]
    assert "no tensorflow" in cluster._difference(here, bare)
    bare["system"] = "another"
    assert not cluster._difference(here, bare)
    nursed = deepcopy(here)
    nursed["variables"]["OMP_NUM_THREADS"] = "one"
    assert "the variable OMP_NUM_THREADS=one instead of" in cluster._difference(here, nursed)
    edited = deepcopy(here)
    edited["own"]["course_lib"][0][1] = "other bytes"
    assert "another course_lib" in cluster._difference(here, edited)


def test_only_texts_and_bytes_cross(course, tmp_path):
    (tmp_path / "work").mkdir()
    tests = lesson.tests_of(load_master(course, LESSON))
    parts = packed(filled(course), tmp_path / "work", Limits(), tests, tmp_path / "work")
    assert [type(part) for part in parts] == [str, bytes, str, str]
    assert lesson.from_text(parts[3]) == tests
    with pytest.raises(WorkerFailed, match="KernelLost: gone"):
        opened('{"failed": "KernelLost: gone"}')
