"""A gradebook that cannot be used is a sentence, and stays as it is."""

import sqlite3

import pytest
from tiny_course import CONFIG, LESSON, filled, submit

from autograder.__main__ import main
from autograder.store import database


@pytest.fixture(autouse=True)
def forget():
    database._check_version.cache_clear()


def refusal(course, capsys, *command):
    assert main([*(command or ["status", LESSON]), "--course", course.root]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def revise(course, statement):
    with sqlite3.connect(course.path / "gradebook.db") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE alembic_version SET version_num = '724cde206c17'", "run `nbgrader db upgrade`"),
        ("UPDATE alembic_version SET version_num = 'ffffffffffff'", "made by a newer nbgrader"),
        ("DROP TABLE alembic_version", "(unmarked, here"),
    ],
)
def test_a_gradebook_of_another_version_is_refused_and_left_alone(course, capsys, statement, words):
    submit(course, "ann", filled(course))
    revise(course, statement)
    before = (course.path / "gradebook.db").read_bytes()
    assert words in refusal(course, capsys, "grade", LESSON)
    assert (course.path / "gradebook.db").read_bytes() == before


def test_a_file_that_is_no_database(course, capsys):
    (course.path / "gradebook.db").write_text("no database\n" * 100)
    assert "file is not a database" in refusal(course, capsys)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url", "is no URL of a database"),
        ("oracle://ann:secret@nowhere/x", "cannot be opened"),
        ("postgresql+psycopg://ann:secret@127.0.0.1:1/x", "ann:***@127.0.0.1:1/x cannot be opened"),
    ],
)
def test_a_url_that_leads_nowhere(course, capsys, url, words):
    (course.path / "nbgrader_config.py").write_text(CONFIG + f"c.CourseDirectory.db_url = {url!r}\n")
    said = refusal(course, capsys)
    assert words in said and "secret" not in said
