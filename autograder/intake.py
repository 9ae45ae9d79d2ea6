"""Find submissions and read notebooks that nobody should trust."""

import json
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.converters import Autograde

from autograder import files
from autograder.course import Course, CourseError
from autograder.files import MAX_BYTES, is_odd, listed, shown

HEAVY = 10_000_000  # bytes of a notebook that is not laid beside its own code
KINDS = {b"%PDF": "a PDF file", b"PK\x03\x04": "a zip archive or an office document", b"<": "a web page"}


class Unreadable(Exception):
    """Why a submission cannot be read; `state` is "unreadable" or "missing"."""

    def __init__(self, reason: str, state: str = "unreadable"):
        super().__init__(reason)
        self.state = state


@dataclass(frozen=True)
class Submission:
    """One student's folder for one lesson, and the folders of earlier attempts that may count instead."""

    student: str
    folder: Path
    earlier: tuple[Path, ...] = ()

    @property
    def attempts(self) -> list["Submission"]:
        """Every attempt as a submission of its own, the latest last."""
        return [Submission(self.student, folder) for folder in (*self.earlier, self.folder)]


def find(course: Course, lesson: str, students: list[str] | None = None) -> list[Submission]:
    """Return the submissions of a lesson, of these students only if some are named.

    Raises CourseError when there are none, or none of a named student.
    """
    root = course.path / course.submitted_directory
    excluded = course.student_id_exclude.split(",")
    folders = sorted(p for p in root.glob("*") if p.is_dir() and not p.name.startswith("."))
    found = [Submission(p.name, p / lesson) for p in folders if _is_there(p / lesson)]
    found = [s for s in found if s.student not in excluded]
    if not found:
        raise CourseError(f"No submissions of {lesson!r}: looked for {root}/<student>/{lesson}/.")
    if unknown := sorted(set(students or []) - {s.student for s in found}):
        raise CourseError(f"No submission of {lesson!r} by {', '.join(unknown)}: looked in {root}.")
    return [s for s in found if not students or s.student in students]


def _is_there(folder: Path) -> bool:
    """Whether there is anything of this name; what lies in a closed folder is taken to be there."""
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def stage(course: Course, submission: Submission, lesson: str, target: Path) -> None:
    """Copy what the notebook may read beside it: the student's files, then the course's support files."""
    left, own = list(course.ignore), submission.folder / f"{lesson}.ipynb"
    if own.is_file() and own.lstat().st_size > HEAVY:  # code seldom reads its own notebook, and has a limit
        left.append(own.name)
    if submission.folder.is_dir():
        files.copy(submission.folder, target, lambda name: any(fnmatch(name, glob) for glob in left))
    stage_support(course, lesson, target)


def stage_support(course: Course, lesson: str, target: Path) -> None:
    """Copy the course's own files of a lesson."""
    source = course.path / course.source_directory / lesson
    kept = Autograde(coursedir=course, config=course.config).exclude_overwriting.get(lesson, [])
    for name in utils.find_all_files(str(source), course.ignore + ["*.ipynb"]):
        inside = Path(name).relative_to(source)
        if str(inside) not in kept:
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, target / inside)


def read_cells(folder: Path, lesson: str) -> tuple[list[dict], list[str]]:
    """Return the raw cells of a submission's notebook, and sentences on what was odd about the file.

    Raises Unreadable with a sentence for the student.
    """
    try:
        path, notes = _choose(folder, lesson)
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(f"{shown(path.name)} is larger than {MAX_BYTES // 1_000_000} MB.")
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{shown(Path(error.filename).name)} cannot be opened: {error.strerror}.") from error
    text, more = _decode(data, shown(path.name))
    cells, upgraded = _cells(text, shown(path.name))
    return cells, notes + more + upgraded + files.notes(folder)


def _choose(folder: Path, lesson: str) -> tuple[Path, list[str]]:
    if folder.is_symlink() or folder.parent.is_symlink():
        raise Unreadable(f"{folder.name} is a link, and links are not followed.", "missing")
    if not folder.is_dir():
        raise Unreadable(f"{folder.name} is a file where a folder was expected.", "missing")
    plain = sorted(p for p in folder.iterdir() if p.is_file() and not is_odd(p))
    found = [p for p in plain if p.suffix.lower() == ".ipynb"]
    if named := [p for p in found if p.name == f"{lesson}.ipynb"]:
        return named[0], []
    if len(found) == 1:
        return found[0], [f"The notebook was called {shown(found[0].name)} instead of {lesson}.ipynb."]
    if found:
        names = listed([p.name for p in found])
        raise Unreadable(f"None of several notebooks is called {lesson}.ipynb: {names}.", "missing")
    names = listed([p.name for p in plain]) or "nothing"
    raise Unreadable(f"There is no notebook in the folder; it holds {names}.", "missing")


def _decode(data: bytes, name: str) -> tuple[str, list[str]]:
    if not data.strip():
        raise Unreadable(f"{name} is empty.")
    kind = next((what for start, what in KINDS.items() if data.lstrip().startswith(start)), None)
    if kind:
        raise Unreadable(f"{name} is not a notebook but {kind}.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), [f"{name} was saved as UTF-16."]
    if b"\x00" in data:
        raise Unreadable(f"{name} is not a notebook but a binary file.")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), [f"{name} was not saved as UTF-8; it was read as Latin-1."]


def _cells(text: str, name: str) -> tuple[list[dict], list[str]]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is damaged or cut off: it is not valid JSON ({error}).") from error
    if isinstance(raw, dict) and isinstance(raw.get("worksheets"), list):
        return _upgraded(text, name), [f"{name} was in an old notebook format and was upgraded."]
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise Unreadable(f"{name} is JSON, but not a notebook: it has no list of cells.")
    return [cell for cell in raw["cells"] if isinstance(cell, dict)], []


def _upgraded(text: str, name: str) -> list[dict]:
    try:
        return list(nbformat.reads(text, as_version=4).cells)
    except Exception as error:  # nbformat's converters raise whatever a malformed file makes them raise
        raise Unreadable(f"{name} is in an old notebook format that cannot be upgraded ({error}).") from error
