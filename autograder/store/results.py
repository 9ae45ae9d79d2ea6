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
    """Write a result to a temporary file, then put it in the place of the previous one."""
    target = folder(course, lesson) / f"{student}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    record = {"student": student, "lesson": lesson, **asdict(result)}
    with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False, encoding="utf-8") as file:
        json.dump(record, file)
    os.replace(file.name, target)
    return target


def load(course: Course, lesson: str) -> dict[str, Result]:
    """Return the results of a lesson by student."""
    records = [json.loads(p.read_text("utf-8")) for p in sorted(folder(course, lesson).glob("[!.]*.json"))]
    return {r["student"]: _result(r) for r in records}


def _result(record: dict) -> Result:
    notebook = nbformat.from_dict(record["notebook"])
    return Result(record["state"], record["reason"], notebook, record["seconds"])
