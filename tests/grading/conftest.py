"""A released course for every test."""

import shutil

import pytest
from tiny_course import LESSON, make_course

from autograder.course import open_course
from autograder.release import release


@pytest.fixture(scope="session")
def released_course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("released"))
    release(course, LESSON)
    return course


@pytest.fixture
def course(released_course, tmp_path):
    """A fresh copy of the released course."""
    shutil.copytree(released_course.root, tmp_path / "course")
    return open_course(tmp_path / "course")
