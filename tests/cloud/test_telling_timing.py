"""When a letter may go: quiet hours by the reader's own clock, over clock changes; and caps."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.telling import timing
from phonehome_cloud.core.telling.effect import SAFETY, SERVICE
from phonehome_cloud.core.telling.timing import DAY_MS, Wishes

BERLIN = "Europe/Berlin"
MINUTE_MS = 60_000
ZONES = (
    "UTC",
    BERLIN,
    "America/New_York",
    "America/St_Johns",  # half an hour off
    "Australia/Lord_Howe",  # its summer is half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",
    "No/Such_Zone",
)
MOMENTS = st.integers(1_700_000_000_000, 1_900_000_000_000)
WISHES = st.builds(
    Wishes,
    daily_cap=st.integers(1, 8),
    quiet_from=st.integers(0, 1439),
    quiet_until=st.integers(0, 1439),
    zone=st.sampled_from(ZONES),
)


def at(text, zone=BERLIN, fold=0):
    """A moment on a clock, as unix ms."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(local.timestamp()) * 1000


def night(quiet_from="21:00", quiet_until="07:00", zone=BERLIN):
    """Wishes with these quiet hours."""
    return Wishes(6, timing.parse_minute(quiet_from), timing.parse_minute(quiet_until), zone)


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-11-18T20:59", "2026-11-18T20:59"),
        ("2026-11-18T21:00", "2026-11-19T07:00"),
        ("2026-11-19T03:00", "2026-11-19T07:00"),
        ("2026-11-19T06:59", "2026-11-19T07:00"),
        ("2026-11-19T07:00", "2026-11-19T07:00"),
        # The night of 28 to 29 March has nine hours, that of 24 to 25 October eleven.
        ("2026-03-28T22:00", "2026-03-29T07:00"),
        ("2026-10-24T22:00", "2026-10-25T07:00"),
    ],
)
def test_a_night_ends_when_the_clock_on_the_wall_says_so(now, goes):
    """Also in the nights in which it is put forward or back."""
    assert timing.end_of_quiet(night(), at(now)) == at(goes)


def test_an_end_that_the_night_leaves_out_is_later_by_the_change():
    """02:30 does not exist on 29 March; the letter goes at 03:30, and not a day later."""
    wishes = night(quiet_until="02:30")
    assert timing.end_of_quiet(wishes, at("2026-03-29T01:00")) == at("2026-03-29T03:30")


def test_an_end_that_the_night_has_twice_ends_it_twice():
    """02:30 comes twice on 25 October: the first one ends the night, until 02:00 is back."""
    wishes = night(quiet_until="02:30")
    assert timing.end_of_quiet(wishes, at("2026-10-25T01:00")) == at("2026-10-25T02:30")
    again = at("2026-10-25T02:10", fold=1)
    assert timing.end_of_quiet(wishes, again) == at("2026-10-25T02:30", fold=1)


def test_quiet_hours_of_a_day_and_none_at_all():
    """A siesta does not go over midnight; the same time twice is never quiet."""
    siesta = night("13:00", "16:00")
    assert timing.end_of_quiet(siesta, at("2026-11-18T14:00")) == at("2026-11-18T16:00")
    assert not timing.is_quiet(siesta, at("2026-11-18T03:00"))
    assert not timing.is_quiet(night("07:00", "07:00"), at("2026-11-18T07:00"))


@given(wishes=WISHES, now_at=MOMENTS)
def test_the_end_is_the_first_moment_that_is_not_quiet(wishes, now_at):
    """Whatever the zone and the day: it is not quiet then, and was quiet all the time before."""
    end_at = timing.end_of_quiet(wishes, now_at)
    assert not timing.is_quiet(wishes, end_at)
    assert now_at <= end_at <= now_at + 25 * DAY_MS // 24
    for passed in range(now_at, end_at, 17 * MINUTE_MS):
        # Only in the hour after a clock change that swallowed the end may it be over already.
        assert timing.is_quiet(wishes, passed) or end_at - passed <= 60 * MINUTE_MS


@given(wishes=WISHES, now_at=MOMENTS, gaps=st.lists(st.integers(0, DAY_MS), max_size=20))
def test_no_day_ever_has_more_letters_than_the_cap(wishes, now_at, gaps):
    """Whenever letters are written, in any 24 hours at most so many go; none in a quiet hour."""
    sent = []
    for gap in sorted(gaps):
        ready_at = max([now_at + gap, *sent])
        go_at = timing.may_go_at(wishes, SERVICE, ready_at, sent)
        assert go_at >= ready_at
        assert not timing.is_quiet(wishes, go_at)
        if go_at == ready_at:
            sent.append(go_at)
        else:  # the moment it is promised for keeps its promise
            assert timing.may_go_at(wishes, SERVICE, go_at, sent) == go_at
            sent.append(go_at)
    for end in sent:
        assert sum(end - DAY_MS < each <= end for each in sent) <= wishes.daily_cap


@given(wishes=WISHES, now_at=MOMENTS, ago=st.lists(st.integers(0, DAY_MS), max_size=20))
def test_safety_waits_for_nobody(wishes, now_at, ago):
    """At any hour, after any number of letters."""
    assert timing.may_go_at(wishes, SAFETY, now_at, [now_at - each for each in ago]) == now_at


@pytest.mark.parametrize(
    "text", ["", "7", "24:00", "07:60", "7:5", "-1:00", "\u0660\u0667:\u0660\u0660", "07:00:00"]
)
def test_a_time_that_is_none_is_refused(text):
    """HH:MM or nothing."""
    with pytest.raises(ValueError, match="is no time"):
        timing.parse_minute(text)
