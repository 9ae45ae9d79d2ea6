"""What a course says about its lessons, in `nbgrader_config.py`:

c.Autograder.limits = {"packages": ["course_lib"]}           # fields of Limits, for all lessons
c.Autograder.lessons = {"07_search": {"cell": 200}}          # and for some
"""

from dataclasses import fields

from autograder.course import Course, CourseError
from autograder.executor.limits import DEFAULT, Limits

KNOWN = {field.name: type(getattr(DEFAULT, field.name)) for field in fields(Limits)}


def limits(course: Course, lesson: str | None = None) -> Limits:
    """Return the limits of a lesson, or those of all lessons.

    Raises CourseError naming what is no limit.
    """
    said = course.config.get("Autograder", {})
    general, special = said.get("limits", {}), said.get("lessons", {})
    return Limits(**{**vars(DEFAULT), **_checked(general), **_checked(special.get(lesson, {}))})


def _checked(values: dict) -> dict:
    checked = {}
    for name, value in values.items():
        kind = KNOWN.get(name)
        if kind is None:
            raise CourseError(f"{name!r} in c.Autograder is no limit. Known: {', '.join(KNOWN)}.")
        if kind is tuple and not isinstance(value, str):
            value = tuple(value)
        elif kind is not tuple and isinstance(value, int | float) and value > 0:
            value = kind(value)
        else:
            raise CourseError(f"c.Autograder: {name} must be {WANTED[kind]}. Received: {value!r}")
        checked[name] = value
    return checked


WANTED = {tuple: "a list of names", int: "a number above 0", float: "a number above 0"}
