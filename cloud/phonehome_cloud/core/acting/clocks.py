"""Business hours: how much of them has passed, and when so much of them will have.

Service levels are promised in hours of an open desk. A desk opens by its wall clock, so a day with
a clock change is an hour longer or shorter, and what is counted is always time that really passes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_MINUTE_MS: Final = 60_000
_DAY: Final = timedelta(days=1)
# A desk that does not open within so many days never does.
_MAX_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Opening:
    """When a desk is open: minutes of the day by weekday (0: Monday), but not on `holidays`."""

    zone: str
    hours: Mapping[int, tuple[tuple[int, int], ...]]
    holidays: frozenset[date] = frozenset()

    @property
    def ever(self) -> bool:
        """Whether it opens at all."""
        return any(end > start for spans in self.hours.values() for start, end in spans)


def add_open(at: int, span_ms: int, opening: Opening) -> int:
    """The moment at which `span_ms` of open time have passed since `at`.

    A span of nothing ends at once, also at night. A desk that never opens counts round the clock.
    """
    if span_ms <= 0 or not opening.ever:
        return at + max(span_ms, 0)
    left_ms = span_ms
    for start_at, end_at in _spans(at, opening):
        free_ms = end_at - max(start_at, at)
        if free_ms >= left_ms:
            return max(start_at, at) + left_ms
        left_ms -= max(free_ms, 0)
    return at + span_ms


def open_between(start_at: int, end_at: int, opening: Opening) -> int:
    """How much open time lies between two moments, in ms; 0 when they are in the wrong order."""
    if end_at <= start_at:
        return 0
    if not opening.ever:
        return end_at - start_at
    total_ms = 0
    for from_at, until_at in _spans(start_at, opening):
        if from_at >= end_at:
            break
        total_ms += max(0, min(until_at, end_at) - max(from_at, start_at))
    return total_ms


def is_open(at: int, opening: Opening) -> bool:
    """Whether the desk is open at a moment."""
    return open_between(at, at + 1, opening) > 0


def next_open(at: int, opening: Opening) -> int:
    """The first moment from `at` on at which the desk is open."""
    if not opening.ever:
        return at
    return next((max(start, at) for start, end in _spans(at, opening) if end > at), at)


def _spans(at: int, opening: Opening) -> Iterator[tuple[int, int]]:
    """Open spans as unix ms, from the day of `at` on, in their order."""
    zone = ZoneInfo(opening.zone)
    day = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date() - _DAY
    for _ in range(_MAX_DAYS):
        if day not in opening.holidays:
            for start, end in sorted(opening.hours.get(day.weekday(), ())):
                start_at, end_at = _moment(day, start, zone), _moment(day, end, zone)
                if end_at > start_at:
                    yield start_at, end_at
        day += _DAY


def _moment(day: date, minute: int, zone: ZoneInfo) -> int:
    """The wall clock of a day as unix ms: the first of two, and the end of a gap for one in it."""
    days, minutes = divmod(minute, 24 * 60)
    wall = datetime.combine(day + days * _DAY, time(minutes // 60, minutes % 60))
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return round(moment.timestamp() * 1000)
    earlier = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while earlier.astimezone(zone).replace(tzinfo=None) < wall:
        earlier += timedelta(milliseconds=_MINUTE_MS)
    return round(earlier.timestamp() * 1000)
