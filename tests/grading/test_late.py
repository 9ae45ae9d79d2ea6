"""Laws of lateness, and times as people write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.policy import times
from autograder.policy.late import DAY, Amount, Rule, due_for, penalty, seconds_late, sentence

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 12, 12)
points = st.floats(0, 1000)
seconds = st.floats(0, 100 * DAY)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1))
amounts = st.builds(Amount, st.floats(0, 100), st.booleans())
rules = st.builds(
    Rule,
    due=moments,
    grace=st.timedeltas(timedelta(0), timedelta(days=2)),
    per_day=st.none() | amounts,
    floor=amounts,
)


@given(rules, points, seconds)
def test_never_negative_never_more_than_was_earned(rule, earned, late):
    assert 0 <= penalty(rule, earned, late) <= earned


@given(rules, points, seconds, seconds)
def test_later_never_costs_less(rule, earned, one, other):
    assert penalty(rule, earned, min(one, other)) <= penalty(rule, earned, max(one, other))


@given(rules, st.floats(0, 1000), seconds)
def test_the_floor_is_left_of_what_was_earned(rule, earned, late):
    left = earned - penalty(rule, earned, late)
    assert left >= min(earned, rule.floor.of(earned)) - 1e-9


@given(rules, points, moments, moments)
def test_an_extension_is_a_shifted_due_date(rule, earned, later, submitted):
    extended = Rule(rule.due, rule.grace, rule.per_day, rule.floor, extensions={"ann": later})
    shifted = Rule(later, rule.grace, rule.per_day, rule.floor)
    costs = [penalty(r, earned, seconds_late(due_for(r, "ann"), submitted)) for r in (extended, shifted)]
    assert costs[0] == costs[1]
    assert due_for(extended, "bob") == rule.due


@given(rules, points)
def test_in_time_and_within_grace_nothing_goes_off(rule, earned):
    assert penalty(rule, earned, 0) == penalty(rule, earned, rule.grace.total_seconds()) == 0


@pytest.mark.parametrize(
    ("late", "off"),
    [(0, 0), (900, 0), (901, 1), (DAY, 1), (DAY + 1, 2), (3 * DAY, 3), (4.5 * DAY, 5), (30 * DAY, 5)],
)
def test_by_hand_ten_percent_for_each_day_begun_down_to_half(late, off):
    rule = Rule(DUE, timedelta(minutes=15), Amount(10, percent=True), Amount(50, percent=True))
    assert penalty(rule, 10, late) == off
    points = Rule(DUE, timedelta(minutes=15), Amount(1), Amount(5))
    assert penalty(points, 10, late) == off
    assert penalty(points, 4, late) == 0  # less than the floor is not made less


def test_one_sentence_for_the_student():
    rule = Rule(DUE, timedelta(minutes=15), Amount(1), zone=BERLIN)
    assert sentence(rule, DUE, 0, 0) == sentence(rule, None, 5, 1) == ""
    late = DAY + 2 * 3600 + 60
    assert sentence(rule, DUE, late, penalty(rule, 9, late)) == (
        "You handed this in 1 day and 2 hours after it was due, 12 October 2026, 14:00 (Europe/Berlin): "
        "2 points went off."
    )
    assert "1 minute after it was due" in (graced := sentence(rule, DUE, 60, 0)) and "grace" in graced
    assert sentence(None, DUE, 3600, 1).endswith("12:00 (UTC): 1 point went off.")


@given(moments, st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]))
def test_a_local_time_read_again_in_its_zone_is_the_same(moment, name):
    zone = times.zone(name)
    read = times.moment(moment.replace(microsecond=0), zone)
    shown = read.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    # An hour that the clocks skip is read as the hour after it.
    assert shown - moment.replace(microsecond=0) in (timedelta(0), timedelta(hours=1), timedelta(days=1))


def test_where_clocks_change_the_doubt_is_the_students():
    twice = times.moment("2026-10-25 02:30", BERLIN)  # 00:30 and 01:30 in UTC
    assert twice == datetime(2026, 10, 25, 1, 30)
    skipped = times.moment("2026-03-29 02:30", BERLIN)  # nobody's clock showed that: 03:30 summer time
    assert skipped == datetime(2026, 3, 29, 1, 30)
    assert times.moment("2026-10-12T23:59:00+02:00", ZoneInfo("UTC")) == datetime(2026, 10, 12, 21, 59)


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_a_stamp_with_a_numeric_zone_is_read_as_it_is_meant(moment, minutes):
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{moment:%Y-%m-%d %H:%M:%S.%f} {sign}{hours:02}{rest:02}"
    assert times.stamp(text) == moment - timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "soon", "2026-10-12", "2026-10-12 12:00 UTC", "2026-13-40 12:00 +0200"])
def test_other_stamps_are_left_to_nbgrader(text):
    assert times.stamp(text) is None


@pytest.mark.parametrize(
    ("text", "days"), [("15 minutes", 15 / 1440), ("1 hour", 1 / 24), ("2 days", 2), ("0.5 weeks", 3.5)]
)
def test_lengths_of_time(text, days):
    assert times.length(text) == timedelta(days=days)


@pytest.mark.parametrize("value", ["15", "ten minutes", 15, "-1 day", None])
def test_no_lengths_of_time(value):
    with pytest.raises(ValueError, match="15 minutes"):
        times.length(value)
