"""`deadlines.toml` in the course folder: when lessons are due, for whom later, and what lateness costs.

timezone = "Europe/Berlin"        # of every time below
grace = "15 minutes"              # what stands above the first lesson holds for all of them
per_day = "10 %"                  # of the points earned, for each day begun; or points: 0.5
floor = "50 %"                    # so much is left at least
keep = "best"                     # the attempt that counts: "best", or "last", which is the default

[01_spare_weights]
due = 2026-10-12 23:59:00
extensions = { ann = 2026-10-19 23:59:00 }
"""

import tomllib
from datetime import datetime
from zoneinfo import ZoneInfo

from autograder.course import Course, CourseError, lessons
from autograder.policy import times
from autograder.policy.late import Amount, Rule

FILE = "deadlines.toml"
KEPT = ("last", "best")


def rule(course: Course, lesson: str) -> Rule | None:
    """Return what the course says about a lesson; None without a `deadlines.toml`.

    Raises CourseError naming the entry that cannot be understood, wherever in the file it stands.
    """
    path = course.path / FILE
    if not path.is_file():
        return None
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{FILE} cannot be read: {error}.") from error
    general = {name: value for name, value in said.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in said.items() if isinstance(value, dict)}
    if unknown := sorted(tables.keys() - set(lessons(course))):
        raise CourseError(f"{FILE}: there is no lesson {unknown[0]!r}. Known: {', '.join(lessons(course))}.")
    zone = _understood("timezone", general.pop("timezone", "UTC"), times.zone)
    rules = {name: _rule(zone, {**general, **table}, name) for name, table in tables.items()}
    return rules.get(lesson, _rule(zone, general, "above the first lesson"))


def _rule(zone: ZoneInfo, values: dict, where: str) -> Rule:
    readers = {
        "due": lambda value: times.moment(value, zone),
        "grace": times.length,
        "per_day": _amount,
        "floor": _amount,
        "keep": _kept,
        "extensions": lambda value: _extensions(value, zone),
    }
    if unknown := sorted(values.keys() - readers.keys()):
        known = ", ".join(["timezone", *readers])
        raise CourseError(f"{FILE}, {where}: there is no entry {unknown[0]!r}. Known: {known}.")
    found = {name: _understood(f"{where}: {name}", value, readers[name]) for name, value in values.items()}
    return Rule(**found, zone=zone)


def _understood(name: str, value, read):
    try:
        return read(value)
    except (ValueError, OverflowError) as error:
        raise CourseError(f"{FILE}, {name}: {error}.") from error


def _amount(value) -> Amount:
    """Return the amount in `0.5` or in "10 %"."""
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    number = value.rstrip().rstrip("%") if percent else value
    try:
        amount = Amount(float(number), percent) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        amount = None
    if amount is None or not 0 <= amount.value <= (100 if percent else 1e6):
        raise ValueError(f"points are a number from 0 on, percents like '10 %'. Received: {value!r}")
    return amount


def _kept(value) -> str:
    if value not in KEPT:
        raise ValueError(f"the attempt that counts is 'last' or 'best'. Received: {value!r}")
    return value


def _extensions(value, zone: ZoneInfo) -> dict[str, datetime]:
    if not isinstance(value, dict):
        raise ValueError(
            f"extensions are times by student, {{ ann = 2026-10-19 23:59:00 }}. Received: {value!r}"
        )
    return {student: times.moment(when, zone) for student, when in value.items()}
