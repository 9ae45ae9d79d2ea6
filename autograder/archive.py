"""Take in the zip that Canvas or Moodle gives for an assignment: a folder a student, as nbgrader wants it."""

import os
import re
import shutil
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from zipfile import BadZipFile, ZipFile, ZipInfo

from autograder.course import Course, CourseError, check_lesson
from autograder.intake import MAX_BYTES, Submission
from autograder.policy import attempts

MOST = 20 * MAX_BYTES  # bytes of a whole class, unpacked
RATIO = 200  # a notebook full of zeros shrinks less than that
# "leejane_LATE_123_4567_01_spare_weights-1.ipynb": the student, two numbers, the file; -1 for a second try.
CANVAS = re.compile(r"(?P<student>[^_/]+)_(?:LATE_)?\d+_\d+_(?P<file>.+?)(?:-\d+)?(?P<suffix>\.[^.]*)?")
# "Jane Lee_4711_assignsubmission_file_/notebook.ipynb", or without the folder.
MOODLE = re.compile(r"(?P<student>[^/]+)_(?P<number>\d+)_assignsubmission_file_?/?(?P<file>.+)")


@dataclass(frozen=True)
class Taken:
    """What came in: by student the names of the files, and sentences on what was left out."""

    students: dict[str, list[str]]
    notes: list[str]


def import_zip(course: Course, lesson: str, path: Path) -> Taken:
    """Unpack a zip of Canvas or Moodle into submitted/<student>/<lesson>/.

    A student's folder is replaced whole, the others stay. Raises CourseError, and changes nothing, when the
    file is no zip, nothing in it looks like a submission, or it would unpack to absurdly much.
    """
    check_lesson(course, lesson)
    try:
        with ZipFile(path) as archive:
            found, notes = _sorted_out(archive)
            return Taken(_unpack(course, lesson, archive, found), notes)
    except (OSError, BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise CourseError(f"{path} cannot be read as a zip archive: {error}.") from error


def _sorted_out(archive: ZipFile) -> tuple[dict[str, dict[str, ZipInfo]], list[str]]:
    """Return the members by student and file name, the last where there are several."""
    found: dict[str, dict[str, ZipInfo]] = {}
    notes: list[str] = []
    for info in archive.infolist():
        if info.is_dir():
            continue
        student, name, why = _whose(info)
        if why:
            notes.append(f"{info.filename!r} was left out: {why}.")
        else:
            found.setdefault(student, {})[name] = info
    size = sum(info.file_size for files in found.values() for info in files.values())
    if size > MOST:
        raise CourseError(f"The zip would unpack to {size / 1e9:.1f} GB; {MOST / 1e9:g} GB are allowed.")
    if not found:
        raise CourseError(
            "Nothing in the zip is named as Canvas or Moodle name submissions. Nothing was changed."
        )
    return found, notes


def _whose(info: ZipInfo) -> tuple[str, str, str]:
    """Return the student, the name of the file, and why it must not be unpacked ("" where it may)."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in info.filename or ":" in path.parts[0]:
        return "", "", "its name leads out of the folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "", "", "it is a link"
    if info.file_size > MAX_BYTES or info.file_size > RATIO * max(info.compress_size, 10_000):
        return "", "", f"it would unpack to {info.file_size / 1e6:.0f} MB"
    if match := MOODLE.fullmatch(str(path)):
        student, name = f"{match['student'].strip()}_{match['number']}".replace(" ", "-"), match["file"]
    elif match := CANVAS.fullmatch(path.name):
        student, name = match["student"], match["file"] + (match["suffix"] or "")
    else:
        return "", "", "its name tells no student"
    name = PurePosixPath(name).name
    if name == "timestamp.txt":
        return "", "", "when it was handed in is not the student's to say"
    odd = student.startswith(".") or name.startswith(".")
    return student, name, "its name starts with a dot" if odd else ""


def _unpack(course: Course, lesson: str, archive: ZipFile, found: dict) -> dict[str, list[str]]:
    """Unpack everything beside its place first, then move folder by folder: a broken zip changes nothing."""
    root = course.path / course.submitted_directory
    root.mkdir(exist_ok=True)
    best = attempts.best_counts(course, lesson)
    unpacked = Path(mkdtemp(prefix=".import-", dir=root))
    try:
        for student, files in found.items():
            (unpacked / student).mkdir()
            for name, info in files.items():
                with archive.open(info) as source, (unpacked / student / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
        if best:
            attempts.keep(course, lesson, [Submission(name, root / name / lesson) for name in found])
        for student in found:
            _replace(unpacked / student, root / student / lesson, unpacked / f"{student}~old")
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return {student: sorted(files) for student, files in sorted(found.items())}


def _replace(new: Path, place: Path, old: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        os.replace(place, old)
    os.replace(new, place)
