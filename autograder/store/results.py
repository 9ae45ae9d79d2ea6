"""One JSON file a submission: written whole or not at all."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

import nbformat

from autograder.course import Course
from autograder.result import Result


def folder(course: Course, lesson: str) -> Path:
    """Where the results of a lesson lie."""
    return course.path / "grading" / lesson


def save(course: Course, lesson: str, student: str, result: Result) -> Path:
    """Write a result in the place of the previous one; it is not `done` until that is said."""
    target = folder(course, lesson) / f"{student}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".key").unlink(missing_ok=True)
    _write(target, json.dumps({"student": student, "lesson": lesson, **asdict(result)}))
    return target


def done(course: Course, lesson: str, student: str, key: str) -> None:
    """Remember what a score that stands in the gradebook was made from, see `plan`."""
    _write(folder(course, lesson) / f"{student}.key", key)


def key(course: Course, lesson: str, student: str) -> str | None:
    """Return what the student's score was made from; None when it never got as far as the gradebook."""
    try:
        return (folder(course, lesson) / f"{student}.key").read_text("utf-8")
    except FileNotFoundError:
        return None


def _write(target: Path, text: str) -> None:
    with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, target)


def load(course: Course, lesson: str) -> dict[str, Result]:
    """Return the results of a lesson by student."""
    records = [json.loads(p.read_text("utf-8")) for p in sorted(folder(course, lesson).glob("[!.]*.json"))]
    return {r["student"]: _result(r) for r in records}


def _result(record: dict) -> Result:
    notebook = nbformat.from_dict(record["notebook"])
    return Result(record["state"], record["reason"], notebook, record["seconds"])
