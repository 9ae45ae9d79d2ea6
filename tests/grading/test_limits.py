"""What a submission may use: by default, as the course says, and for a lesson of its own."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest
from kernel_help import session
from nbformat.v4 import new_code_cell, new_notebook
from tiny_course import LESSON, filled, submit

from autograder.__main__ import main
from autograder.course import CourseError, open_course
from autograder.executor.kernel import sealed
from autograder.executor.limits import DEFAULT, Limits
from autograder.executor.local import run
from autograder.grade import grade
from autograder.kernels import seal, warm
from autograder.kernels.folders import remove
from autograder.kernels.room import Room
from autograder.settings import limits
from autograder.store import gradebook, results

needs_seal = pytest.mark.skipif(bool(seal.possible()), reason=str(seal.possible()))
DEEP = """import os
for _ in range(1500):
    os.mkdir("d", 0o700)
    os.chdir("d")
os.mkdir("closed", 0)
"""


def saying(course, line):
    config = course.path / "nbgrader_config.py"
    config.write_text(config.read_text() + line)
    return open_course(course.root)


def test_a_lesson_goes_before_the_course_and_the_course_before_the_defaults(course):
    assert limits(course, LESSON) == DEFAULT
    course = saying(
        course, "c.Autograder.limits = {'cell': 20, 'memory': 10**9, 'packages': ['course_lib']}\n"
    )
    course = saying(course, f"c.Autograder.lessons = {{{LESSON!r}: {{'cell': 7}}}}\n")
    assert limits(course) == Limits(cell=20, memory=10**9, packages=("course_lib",))
    assert limits(course, LESSON) == Limits(cell=7, memory=10**9, packages=("course_lib",))


@pytest.mark.parametrize(
    "said, words",
    [("{'cells': 3}", "'cells' .* is no limit. Known: cell,"), ("{'cell': 0}", "above 0. Received: 0")]
    + [("{'memory': '3 GB'}", "a number above 0"), ("{'packages': 'course_lib'}", "a list of names")],
)
def test_what_is_no_limit_is_refused(course, said, words):
    with pytest.raises(CourseError, match=words):
        limits(saying(course, f"c.Autograder.limits = {said}\n"), LESSON)


@needs_seal
@pytest.mark.parametrize("told", [{}, {"TF_NUM_INTRAOP_THREADS": "3"}])
def test_a_kernel_computes_with_one_thread_unless_told(tmp_path, monkeypatch, told):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    asked = new_notebook(cells=[new_code_cell("import os\nprint(os.environ['TF_NUM_INTRAOP_THREADS'])")])
    (tmp_path / "work").mkdir()
    (cell,) = asyncio.run(run(asked, tmp_path / "work")).notebook.cells
    assert cell.outputs[0].text.strip() == told.get("TF_NUM_INTRAOP_THREADS", "1")


@needs_seal
def test_a_lessons_limit_holds_and_the_command_line_goes_before_it(course):
    course = saying(course, f"c.Autograder.lessons = {{{LESSON!r}: {{'cell': 1, 'file': 1000}}}}\n")
    big = "open('big', 'wb').write(bytes(10**6))"
    submit(course, "ann", filled(course, double="import time\ntime.sleep(2)", count=big))
    assert main(["grade", LESSON, "--course", course.root]) == 0
    assert "ran longer than 1 s" in results.load(course, LESSON)["ann"].reason
    assert gradebook.scores(course, LESSON)["ann"].cells["test_count"][0] == 0
    asked = ["--cell-timeout", "30"]
    assert main(["grade", LESSON, "--course", course.root, *asked]) == 0
    assert results.load(course, LESSON)["ann"].state == "graded"


@needs_seal
def test_a_kernel_lost_with_its_warm_process_costs_nobody_a_point(course):
    victims = []

    @asynccontextmanager
    async def doomed(client, *arguments):
        async with sealed(client, *arguments):
            if not victims:
                victims.append(warm.current().process.pid)
                os.kill(victims[0], signal.SIGKILL)
                assert client.km.provisioner.kernel.gone(60)
            yield

    submit(course, "ann", filled(course))
    assert grade(course, LESSON, kernel=doomed)["ann"].state == "graded"
    assert gradebook.scores(course, LESSON)["ann"].score == 6
    assert warm.current().process.pid not in victims


@needs_seal
def test_what_is_readable_is_read_and_no_more(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "x").write_text("seen")
    (tmp_path / "secret").write_text("hidden")
    monkeypatch.setenv("MY_DATA", str(tmp_path / "open"))
    monkeypatch.setenv("TOKEN", "abc")
    (tmp_path / "work").mkdir()
    look = "import os\nprint(open(os.environ['MY_DATA'] + '/x').read(), 'TOKEN' in os.environ)"
    steal = f"print(open({str(tmp_path / 'secret')!r}).read())"

    async def go():
        chosen = {"readable": ["$MY_DATA"], "environment": ["MY_DATA"]}
        async with session(tmp_path / "work", limits=chosen) as kernel:
            return await kernel.run(look), await kernel.run(steal)

    seen, stolen = asyncio.run(go())
    assert seen == "seen False" and stolen.startswith("PermissionError")


def test_a_folder_of_any_depth_and_mode_is_removed(course, tmp_path):
    room = Room()
    before = os.getcwd()
    os.chdir(room.folder)
    try:
        exec(DEEP)
    finally:
        os.chdir(before)
    remove(room.folder)
    assert not room.folder.exists()
    submit(course, "ann", filled(course, why="deep", count=DEEP))
    assert grade(course, LESSON)["ann"].state == "graded"
