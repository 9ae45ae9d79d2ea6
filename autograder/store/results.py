"""One JSON file a submission: written whole or not at all."""

import json
import os
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from autograder.course import Course
from autograder.result import Result, from_record, to_text

LONGEST = 240  # bytes; a file's name has at most 255


def folder(course: Course, lesson: str) -> Path:
    """Where the results of a lesson lie."""
    return course.path / "grading" / lesson


def save(course: Course, lesson: str, student: str, result: Result) -> Path:
    """Write a result in the place of the previous one; it is not `done` until that is said."""
    target = folder(course, lesson) / f"{_short(student)}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".key").unlink(missing_ok=True)
    _write(target, to_text(result, student=student, lesson=lesson))
    return target


def done(course: Course, lesson: str, student: str, key: str) -> None:
    """Remember what a score that stands in the gradebook was made from, see `plan`."""
    _write(folder(course, lesson) / f"{_short(student)}.key", key)


def key(course: Course, lesson: str, student: str) -> str | None:
    """Return what the student's score was made from; None when it never got as far as the gradebook."""
    try:
        return (folder(course, lesson) / f"{_short(student)}.key").read_text("utf-8")
    except FileNotFoundError:
        return None


def _short(student: str) -> str:
    """Return a student's name, shortened where a file could not be called so with its ending."""
    data = os.fsencode(student)
    return student if len(data) <= LONGEST else f"{student[:40]}~{sha256(data).hexdigest()}"


def _write(target: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, target)


def load(course: Course, lesson: str) -> dict[str, Result]:
    """Return the results of a lesson by student."""
    records = [json.loads(p.read_text("utf-8")) for p in sorted(folder(course, lesson).glob("[!.]*.json"))]
    return {r["student"]: from_record(r) for r in records}
