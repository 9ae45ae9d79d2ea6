"""nbgrader's gradebook in PostgreSQL: everything as in SQLite."""

import os
import shutil
import subprocess
import sys

import pytest
from nbgrader.apps.api import NbGraderAPI
from postgres_help import binaries, running_postgres
from sqlalchemy import create_engine, text
from tiny_course import CONFIG, LESSON, filled, make_course, submit

from autograder.__main__ import main
from autograder.course import open_course
from autograder.feedback import write_feedback
from autograder.grade import grade
from autograder.release import release
from autograder.store import database, gradebook, results

pytestmark = pytest.mark.skipif(binaries() is None, reason="PostgreSQL's server is not installed")
DEADLINES = """
[01_tiny]
due = "2026-10-12 12:00"
per_day = 1
extensions = { "partly right" = 2026-10-15 12:00:00 }
"""
APART = {"isolation_level": "AUTOCOMMIT"}
ANSWERS = {
    "right": {},
    "wrong": {"double": "def double(x):\n    return abs(2 * x)"},
    "partly right": {"count": "def count_zeros(values):\n    return len(values[:1])"},
    "blank": {"double": None, "count": None, "why": None},
}


@pytest.fixture(scope="module")
def server():
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="module")
def released(server, tmp_path_factory):
    """A course released into PostgreSQL, without an id, which nbgrader allows."""
    course = in_database(make_course(tmp_path_factory.mktemp("released")), server)
    release(course, LESSON)
    return course


def in_database(course, url):
    (course.path / "nbgrader_config.py").write_text(CONFIG + f"c.CourseDirectory.db_url = {url!r}\n")
    return open_course(course.root)


@pytest.fixture
def both(released, released_course, tmp_path, request):
    """The same released course and submissions twice: with SQLite and with PostgreSQL."""
    name = request.node.name[:60]
    with create_engine(released.db_url.replace("/postgres?", "/template1?"), **APART).connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE postgres'))
    courses = []
    for folder, origin in [("sqlite", released_course), ("postgres", released)]:
        shutil.copytree(origin.root, tmp_path / folder)
        course = open_course(tmp_path / folder)
        if origin is released:
            course = in_database(course, released.db_url.replace("/postgres?", f"/{name}?"))
        (course.path / "deadlines.toml").write_text(DEADLINES)
        for student, answers in ANSWERS.items():
            folder = submit(course, student, filled(course, **answers))
            (folder / "timestamp.txt").write_text("2026-10-13 13:00:00 UTC")
        courses.append(course)
    return courses


def test_everything_is_as_with_sqlite(both, capsys):
    for course in both:
        assert {r.state for r in grade(course, LESSON, jobs=2).values()} == {"graded"}
        with course.gradebook() as book:
            book.find_grade("why", LESSON, LESSON, "right").manual_score = 2.5
            book.find_comment("why", LESSON, LESSON, "right").manual_comment = "Well put."
            book.db.commit()
        assert grade(course, LESSON, ["right"]).keys() == {"right"}
        assert grade(course, LESSON, changed=True) == {}
    lite, postgres = (gradebook.scores(course, LESSON) for course in both)
    assert lite == postgres and postgres["right"].cells["why"] == (2.5, 3)
    assert (postgres["right"].penalty, postgres["partly right"].penalty) == (2, 0)
    pages = [{p.parent.parent.name: p.read_text() for p in write_feedback(c, LESSON)} for c in both]
    assert pages[0] == pages[1] and "Well put." in pages[1]["right"]
    for command in (["export", LESSON], ["export", LESSON, "--format", "canvas"], ["status", LESSON]):
        said = []
        for course in both:
            assert main([*command, "--course", course.root]) == 0
            said.append(capsys.readouterr().out)
        assert said[0] == said[1]
    assert not (both[1].path / "gradebook.db").exists()


def test_formgrader_shows_it_and_stock_nbgrader_grades_on(both):
    course = both[1]
    grade(course, LESSON, jobs=2)
    before = gradebook.scores(course, LESSON)
    api = NbGraderAPI(course, config=course.config)
    seen = {s["student"]: s for s in api.get_submissions(LESSON)}
    assert {name: s["score"] for name, s in seen.items()} == {
        name: score.score + score.penalty for name, score in before.items()
    }
    assert api.get_assignments()[0]["num_submissions"] == len(api.get_students()) == len(ANSWERS)
    assert len(api.get_notebook_submissions(LESSON, LESSON)) == len(ANSWERS)
    command = [sys.executable, "-m", "nbgrader", "autograde", LESSON, "--student", "wrong", "--force"]
    subprocess.run(command, cwd=course.root, check=True, capture_output=True)
    after = gradebook.scores(course, LESSON)
    assert after["wrong"].cells == before["wrong"].cells and after.keys() == before.keys()


def test_two_graders_at_once_do_no_harm(both):
    course = both[1]
    command = [sys.executable, "-m", "autograder", "grade", LESSON, "--course", course.root, "--unsandboxed"]
    command += ["--student", "right", "wrong"]
    graders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [grader.communicate()[0] for grader in graders]
    assert [grader.returncode for grader in graders] == [0, 0], said
    grade(both[0], LESSON, ["right", "wrong"], jobs=2)
    assert gradebook.scores(course, LESSON) == gradebook.scores(both[0], LESSON)
    assert results.load(course, LESSON).keys() == {"right", "wrong"}


def test_another_version_and_no_server_are_one_sentence(both, tmp_path, capsys):
    course = both[1]
    with create_engine(course.db_url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '167914646830'"))
    database._check_version.cache_clear()
    assert main(["status", LESSON, "--course", course.root]) == 1
    assert "of another version of nbgrader (167914646830" in capsys.readouterr().err
    gone = f"postgresql+psycopg://ann:secret@/none?host={tmp_path}"
    in_database(course, gone)
    assert main(["status", LESSON, "--course", course.root]) == 1
    said = capsys.readouterr().err
    assert "cannot be opened" in said and "secret" not in said and said.count("\n") == 1
    assert os.listdir(tmp_path / "postgres" / "submitted")
