"""Service levels: promised in hours of an open desk, counted in time that really passes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome_cloud.core.acting.clocks import (
    Opening,
    add_open,
    is_open,
    next_open,
    open_between,
)

MINUTE = 60_000
HOUR = 60 * MINUTE
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]
# Both clock changes of 2026 in Berlin are within; New York's and Lord Howe's, too.
YEAR = st.integers(
    int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 60,
    int(datetime(2026, 12, 31, tzinfo=UTC).timestamp()) // 60,
).map(lambda minutes: minutes * MINUTE)
SPAN = st.tuples(st.integers(0, 60), st.integers(240, 1440))  # edges where no clock changes
OFFICE = dict.fromkeys(range(5), ((8 * 60, 17 * 60),))


@st.composite
def openings(draw):
    """A desk with at least one open day."""
    days = draw(st.dictionaries(st.integers(0, 6), SPAN.map(lambda span: (span,)), min_size=1))
    offsets = draw(st.sets(st.integers(0, 364), max_size=5))
    holidays = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in offsets)
    return Opening(draw(st.sampled_from(ZONES)), days, holidays)


def at(text, zone="Europe/Berlin"):
    """A wall clock as unix ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@settings(deadline=None, max_examples=150)
@given(openings(), YEAR, st.integers(1, 80 * 60))
def test_what_was_promised_is_what_passed(opening, start_at, minutes):
    """Between a promise and its deadline lies exactly the promised open time."""
    end_at = add_open(start_at, minutes * MINUTE, opening)
    assert open_between(start_at, end_at, opening) == minutes * MINUTE
    assert is_open(end_at - 1, opening)


@settings(deadline=None, max_examples=100)
@given(openings(), YEAR, st.integers(1, 2000), st.integers(1, 2000))
def test_promises_add_up(opening, start_at, first, second):
    """Two spans one behind the other end where one of their sum ends."""
    half = add_open(start_at, first * MINUTE, opening)
    assert add_open(half, second * MINUTE, opening) == add_open(
        start_at, (first + second) * MINUTE, opening
    )


@settings(deadline=None, max_examples=60)
@given(openings(), YEAR, st.integers(1, 1500))
def test_open_time_is_counted_minute_by_minute(opening, start_at, minutes):
    """The sum over spans is what somebody with a clock on the wall would have counted."""
    zone, counted = ZoneInfo(opening.zone), 0
    for n in range(minutes):
        wall = datetime.fromtimestamp(start_at / 1000 + 60 * n, UTC).astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        spans = (
            opening.hours.get(wall.weekday(), ()) if wall.date() not in opening.holidays else ()
        )
        counted += any(start <= minute < end for start, end in spans)
    assert open_between(start_at, start_at + minutes * MINUTE, opening) == counted * MINUTE


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-27T16:00", 2, "2026-11-30T09:00"),  # Friday to Monday
        ("2026-11-28T12:00", 1, "2026-11-30T09:00"),  # a Saturday
        ("2026-12-24T16:30", 1, "2026-12-28T08:30"),  # Christmas Day is a Friday
        ("2026-11-27T08:00", 9, "2026-11-27T17:00"),  # a whole day ends when it closes
    ],
)
def test_nights_weekends_and_holidays_do_not_count(start, hours, end):
    """A promise made before the weekend ends after it."""
    opening = Opening("Europe/Berlin", OFFICE, frozenset({date(2026, 12, 25)}))
    assert add_open(at(start), hours * HOUR, opening) == at(end)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-24", 24)]
)
def test_a_day_of_a_clock_change_is_as_long_as_it_is(day, hours):
    """Round the clock, a Sunday in March has 23 hours, and one in October 25."""
    opening = Opening("Europe/Berlin", dict.fromkeys(range(7), ((0, 1440),)))
    midnight = at(f"{day}T00:00")
    next_midnight = at((date.fromisoformat(day) + timedelta(days=1)).isoformat() + "T00:00")
    assert next_midnight - midnight == hours * HOUR
    assert open_between(midnight, next_midnight, opening) == hours * HOUR


def test_a_desk_that_opens_in_the_hour_that_is_skipped():
    """It opens when the clock has jumped over it, and is not open twice in the hour that comes
    again.
    """
    opening = Opening("Europe/Berlin", {6: ((150, 240),)})  # Sundays from 2:30 to 4:00
    assert next_open(at("2026-03-29T01:00"), opening) == at("2026-03-29T03:00")
    sunday = at("2026-03-29T00:00")
    assert open_between(sunday, sunday + 24 * HOUR, opening) == HOUR
    early = Opening("Europe/Berlin", {6: ((60, 150),)})  # until 2:30, which comes twice
    sunday = at("2026-10-25T00:00")
    assert open_between(sunday, sunday + 25 * HOUR, early) == 90 * MINUTE


def test_a_desk_that_never_opens_counts_round_the_clock():
    """A promise of a desk without hours still ends."""
    assert add_open(0, HOUR, Opening("UTC", {})) == HOUR
    assert open_between(0, HOUR, Opening("UTC", {0: ((60, 60),)})) == HOUR
