"""Attempts: where the best of several counts, every submission that grading or an import saw is kept.

Each attempt lies in `attempts/<when>-<hash>/<student>/<lesson>/`, which is nbgrader's own layout.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from nbgrader.utils import determine_grade

from autograder.course import Course, CourseError
from autograder.files import below, is_odd
from autograder.intake import Submission
from autograder.master import is_test
from autograder.policy import times
from autograder.policy.deadlines import rule
from autograder.policy.late import Rule, due_for, penalty, seconds_late
from autograder.result import Result
from autograder.store.scoring import scorable

ROOT = "attempts"


def best_counts(course: Course, lesson: str) -> bool:
    """Whether the best of several attempts counts in a lesson."""
    found = rule(course, lesson)
    return found is not None and found.keep == "best"


def keep(course: Course, lesson: str, submissions: list[Submission]) -> None:
    """Copy submissions to where attempts are kept, but those that are there or cannot be read.

    Raises CourseError when there is no room for one.
    """
    known = {(student, _hash_of(path)) for student, paths in _kept(course, lesson).items() for path in paths}
    for submission in submissions:
        digest = _digest(submission.folder)
        if digest and submission.folder.is_dir() and (submission.student, digest) not in known:
            when = handed_in(course, submission.folder) or _newest(submission.folder)
            step = course.path / ROOT / f"{when:%Y%m%dT%H%M%SZ}-{digest}"
            _copy(submission.folder, step / submission.student / lesson)


def with_earlier(course: Course, lesson: str, submissions: list[Submission]) -> list[Submission]:
    """Keep submissions, and return each with the attempts before it, the oldest first."""
    keep(course, lesson, submissions)
    found = _kept(course, lesson)
    return [replace(s, earlier=_others(found.get(s.student, []), _digest(s.folder))) for s in submissions]


def best(course: Course, terms: Rule, tried: list[tuple[Submission, Result]]) -> tuple[Submission, Result]:
    """Return the attempt that tests and lateness leave the most points, the latest of several such.

    Points that an instructor gives are not known yet; they go to the attempt that counts.
    """
    if len(tried) == 1:
        return tried[0]
    if failed := [(s, result) for s, result in tried if result.state == "error"]:
        return failed[0]  # of the grader, which does not know yet which attempt is the best
    points = [_points(course, terms, submission, result) for submission, result in tried]
    chosen = max(range(len(tried)), key=lambda i: (points[i], i))
    submission, result = tried[chosen]
    when = handed_in(course, submission.folder)
    which = f"handed in on {times.local_words(when, terms.zone)}" if when else f"number {chosen + 1}"
    words = f"Of {len(tried)} attempts the best counts, the one {which}."
    return submission, replace(result, reason=" ".join(filter(None, [result.reason, words])))


def handed_in(course: Course, folder: Path) -> datetime | None:
    """Return when a submission was handed in, as its `timestamp.txt` says."""
    return course.get_existing_timestamp(str(folder)) if folder.is_dir() else None


def _points(course: Course, terms: Rule, submission: Submission, result: Result) -> float:
    tests = [scorable(cell) for cell in result.notebook.cells if is_test(cell)]
    earned = float(sum(determine_grade(cell)[0] or 0 for cell in tests))
    late = seconds_late(due_for(terms, submission.student), handed_in(course, submission.folder))
    return earned - penalty(terms, earned, late)


def _kept(course: Course, lesson: str) -> dict[str, list[Path]]:
    """Return the folders of a lesson's attempts by student, the oldest first."""
    found: dict[str, list[Path]] = {}
    for step in sorted((course.path / ROOT).glob("*-*")):
        for student in step.iterdir():
            if (student / lesson).is_dir():
                found.setdefault(student.name, []).append(student / lesson)
    return found


def _others(paths: list[Path], digest: str) -> tuple[Path, ...]:
    return tuple(path for path in paths if _hash_of(path) != digest)


def _hash_of(path: Path) -> str:
    return path.parts[-3].rpartition("-")[2]


def _copy(source: Path, target: Path) -> None:
    """Copy a folder, whole or not at all, without links and the like."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(dir=target.parent, prefix="."))
    copy = temporary / source.name
    try:
        shutil.copytree(source, copy, ignore=lambda f, names: [n for n in names if is_odd(Path(f, n))])
        os.replace(copy, target)
    except OSError as error:
        raise CourseError(
            f"{source} cannot be kept as an attempt in {target.parents[1]}: {error}."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(below(folder)) if not is_odd(path) and path.is_file())


def _digest(folder: Path) -> str:
    """Return a short hash of a folder's files, "" when they cannot be read."""
    try:
        lines = [f"{path.relative_to(folder)}\0" for path in _files(folder)]
        parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(folder)]
    except OSError:
        return ""
    text = "\n".join([*lines, *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _newest(folder: Path) -> datetime:
    seconds = max((path.stat().st_mtime for path in _files(folder)), default=0.0)
    return datetime.fromtimestamp(seconds, UTC)
