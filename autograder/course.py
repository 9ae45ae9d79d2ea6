"""The course folder: where nbgrader keeps solutions, releases, submissions and the gradebook."""

import os
import stat
import sys
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder.policy import times
from autograder.store import database

CONFIG = "nbgrader_config.py"


class CourseError(Exception):
    """Something the person at the keyboard can put right, said in one sentence."""


class Course(CourseDirectory):
    """nbgrader's course directory; a damaged `timestamp.txt` counts as none instead of stopping a batch."""

    def get_existing_timestamp(self, dest_path):
        """Return when a submission was handed in, or None."""
        try:
            if not _is_short(file := Path(dest_path) / "timestamp.txt"):
                return None
            text = file.read_text("utf-8")
            return times.stamp(text) or super().get_existing_timestamp(dest_path)
        except (AttributeError, ValueError, OverflowError, OSError):
            # nbgrader 0.9.6 calls `self.fail`, which does not exist, on a date it cannot parse.
            return None

    def timestamp_notes(self, folder: Path) -> list[str]:
        """Return a sentence about a submission's `timestamp.txt` that holds no date, or nothing."""
        file = folder / "timestamp.txt"
        if not os.path.lexists(file) or self.get_existing_timestamp(str(folder)):
            return []
        return ["timestamp.txt holds no date; remove it, or formgrader cannot show this lesson."]

    @property
    def path(self) -> Path:
        """The course folder."""
        return Path(self.root)

    def gradebook(self) -> Gradebook:
        """Open nbgrader's gradebook, for a `with` statement. Raises CourseError when it cannot be had."""
        try:
            return database.opened(self.db_url, self.course_id)
        except database.NoGradebook as error:
            raise CourseError(str(error)) from error


def _is_short(file: Path) -> bool:
    """Whether this is a plain file of few bytes: a pipe or a link could be without end."""
    status = file.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size < 1000


def open_course(folder: str | Path = ".") -> Course:
    """Open a course folder, with its `nbgrader_config.py` if there is one.

    Raises CourseError when the folder is not one of a course.
    """
    _let_nbgrader_find_alembic()
    folder = Path(folder).resolve()
    config = Config()
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "lessons"
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}.")
    if (folder / CONFIG).exists():
        config.merge(PyFileConfigLoader(CONFIG, path=str(folder)).load_config())
    course = Course(config=config, root=str(folder))
    if not (folder / course.source_directory).is_dir():
        raise CourseError(f"{folder} is not a course folder: it has no {course.source_directory}/.")
    return course


def _let_nbgrader_find_alembic() -> None:
    # To create a gradebook nbgrader runs `alembic` by name, which fails in an environment not activated.
    commands = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if commands not in path:
        os.environ["PATH"] = os.pathsep.join([commands, *path])


def lessons(course: Course) -> list[str]:
    """Return the names of the lessons that have a source notebook."""
    source = course.path / course.source_directory
    return sorted(p.name for p in source.iterdir() if (p / f"{p.name}.ipynb").is_file())


def check_lesson(course: Course, lesson: str) -> None:
    """Make sure that a lesson exists, was released, and can be graded.

    Raises CourseError with what to do about it.
    """
    known = lessons(course)
    if lesson not in known:
        raise CourseError(f"There is no lesson {lesson!r}. Known: {', '.join(known) or 'none'}.")
    if (course.path / course.source_directory / lesson / "answers.json").exists():
        raise CourseError(
            f"{course.source_directory}/{lesson}/answers.json must go: "
            "nbgrader would copy it over every student's own answers."
        )
    if not is_released(course, lesson):
        raise CourseError(f"Lesson {lesson!r} was never released. Run `make release` first.")


def is_released(course: Course, lesson: str) -> bool:
    """Whether students were given this lesson and the gradebook knows it."""
    if not (course.path / course.release_directory / lesson / f"{lesson}.ipynb").is_file():
        return False
    # Looking into a gradebook that does not exist would create it.
    if course.db_url.startswith("sqlite:///") and not Path(course.db_url[10:]).exists():
        return False
    with course.gradebook() as gradebook:
        try:
            return bool(gradebook.find_notebook(lesson, lesson).source_cells)
        except MissingEntry:
            return False
