"""Points in time: as people write them, as nbgrader keeps them (naive, in UTC), and back."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LENGTH = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>minute|hour|day|week)s?\s*")
NUMERIC = re.compile(r"(?P<when>.*\d)\s*(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)")


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, such as "Europe/Berlin"; raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError) as error:
        raise ValueError(f"no time zone is called {name!r}; a name is like 'Europe/Berlin'") from error


def moment(value, local: ZoneInfo) -> datetime:
    """Return a point in time as nbgrader keeps it; one that names no zone is local.

    A time that the clocks show twice in a year means the second, one that they skip the later reading: a
    doubt is never to a student's disadvantage. Raises ValueError.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"no time is written {value!r}; one is like 2026-10-12 23:59:00") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        raise ValueError(f"{value} is a day without a time; add one, such as {value} 23:59:00")
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is no time; one is like 2026-10-12 23:59:00")
    if value.tzinfo is None:
        readings = [value.replace(tzinfo=local, fold=fold) for fold in (0, 1)]
        value = max(reading.astimezone(UTC) for reading in readings)
    return value.astimezone(UTC).replace(tzinfo=None)


def stamp(text: str) -> datetime | None:
    """Return the time in a `timestamp.txt` that names its zone by a number, `2026-10-12 23:59:00 +0200`.

    nbgrader 0.9.6 takes this offset for 200 seconds. None where there is none: nbgrader reads names.
    """
    match = NUMERIC.fullmatch(text.strip())
    if not match:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
    aware = timezone(-offset if match["sign"] == "-" else offset)
    try:
        return (
            datetime.fromisoformat(match["when"]).replace(tzinfo=aware).astimezone(UTC).replace(tzinfo=None)
        )
    except (ValueError, OverflowError):
        return None


def length(value) -> timedelta:
    """Return a length of time, such as "15 minutes"; raises ValueError."""
    match = LENGTH.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"no length of time is written {value!r}; one is like '15 minutes' or '2 days'")
    return timedelta(**{match["unit"] + "s": float(match["number"])})


def local_words(when: datetime, local: ZoneInfo) -> str:
    """Return a point in time of nbgrader's in words: `12 October 2026, 23:59 (Europe/Berlin)`."""
    there = when.replace(tzinfo=UTC).astimezone(local)
    return f"{there.day} {there:%B %Y, %H:%M} ({local.key})"


def length_words(seconds: float) -> str:
    """Return a length of time in words, to the largest two units: `1 day and 2 hours`."""
    minutes = max(1, int(seconds // 60))
    sizes = [("day", minutes // 1440), ("hour", minutes % 1440 // 60), ("minute", minutes % 60)]
    parts = [f"{count} {unit}{'s' * (count != 1)}" for unit, count in sizes if count]
    return " and ".join(parts[:2])
