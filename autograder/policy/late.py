"""What lateness costs: pure arithmetic, in the nouns of nbgrader."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from autograder.policy import times

DAY = 86_400.0  # seconds
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Amount:
    """So many points, or with `percent` so many hundredths of what was earned."""

    value: float
    percent: bool = False

    def of(self, earned: float) -> float:
        """Return the amount in points."""
        return earned * self.value / 100 if self.percent else self.value


@dataclass(frozen=True)
class Rule:
    """What one lesson's lateness means; times are naive and in UTC, as in nbgrader's gradebook.

    `per_day` goes off for each day begun after `due`, once `grace` is over, until `floor` is left. Without
    `due` the date in the gradebook holds, without `per_day` whatever nbgrader's own plugin says.
    `extensions` are due dates of their own, by student. `keep` is the attempt that counts, "last" or "best".
    """

    due: datetime | None = None
    grace: timedelta = timedelta(0)
    per_day: Amount | None = None
    floor: Amount = Amount(0)
    keep: str = "last"
    extensions: dict[str, datetime] = field(default_factory=dict)
    zone: ZoneInfo = UTC


def due_for(rule: Rule, student: str, due: datetime | None = None) -> datetime | None:
    """Return a student's due date; `due` is the gradebook's, for a rule that has none."""
    return rule.extensions.get(student, rule.due or due)


def seconds_late(due: datetime | None, submitted: datetime | None) -> float:
    """Return how long after its due date something was handed in; 0 when one of them is unknown."""
    return max(0.0, (submitted - due).total_seconds()) if due and submitted else 0.0


def penalty(rule: Rule, earned: float, late: float) -> float:
    """Return the points that go off `earned` for being `late` seconds: from 0 to `earned`."""
    if rule.per_day is None or late <= rule.grace.total_seconds() or earned <= 0:
        return 0.0
    off = rule.per_day.of(earned) * ceil(late / DAY)
    most = earned - rule.floor.of(earned)
    return min(max(0.0, min(off, most)), earned)


def sentence(rule: Rule | None, due: datetime | None, late: float, off: float) -> str:
    """Tell a student what being late did; "" to one who was not."""
    if not due or late <= 0:
        return ""
    zone = rule.zone if rule else UTC
    start = f"You handed this in {times.length_words(late)} after it was due, {times.local_words(due, zone)}"
    if off:
        return f"{start}: {off:g} point{'s' * (off != 1)} went off."
    graced = rule and late <= rule.grace.total_seconds()
    return f"{start}; that is within the time of grace, so nothing went off." if graced else f"{start}."
