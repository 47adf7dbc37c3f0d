"""A technician's week: working hours on their own clock, and what takes time out of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

# (from, until) in minutes after local midnight, per weekday (0 is Monday).
Hours = Mapping[int, tuple[tuple[int, int], ...]]

_HOUR_MIN = 60
# Nobody needs to say that they do not work at night.
OFFICE_HOURS: Hours = MappingProxyType(dict.fromkeys(range(5), ((8 * _HOUR_MIN, 17 * _HOUR_MIN),)))


@dataclass(frozen=True, slots=True)
class Technician:
    """Who drives: what they can do, where, and when they work on their own clock.

    `area` are starts of places: DE-10 is every place such as DE-10115; the day begins in the first
    of them. `leave` are (start_at, end_at) in unix ms; `holidays` are days of their zone.
    """

    id: str
    skills: frozenset[str]
    area: tuple[str, ...]
    hours: Hours = field(default_factory=lambda: OFFICE_HOURS)
    zone: str = "UTC"
    leave: tuple[tuple[int, int], ...] = ()
    holidays: frozenset[date] = frozenset()

    def drives_to(self, place: str) -> bool:
        """Whether a place such as DE-10115 is in their area; nobody drives to one without name."""
        return place != "" and place.startswith(self.area)


@dataclass(frozen=True, slots=True, order=True)
class Booking:
    """Time of a technician that is taken: a visit from `start_at` until `end_at` in `area`, which
    is a place such as DE-10115.
    """

    technician: str
    start_at: int
    end_at: int
    area: str = ""


def working_windows(of: Technician, start_at: int, end_at: int) -> Iterator[tuple[int, int]]:
    """When they work between two moments, in order, as (start_at, end_at) in unix ms.

    A shift is what the clock on the wall says: on the night of the change one of 02:00 to 06:00
    lasts three or five hours, and one that begins in the missing hour begins when it ends.
    """
    day = _local(start_at, of.zone).date() - timedelta(days=1)
    last = _local(end_at, of.zone).date()
    while day <= last:
        if day not in of.holidays:
            for start_min, end_min in of.hours.get(day.weekday(), ()):
                window = _at(day, start_min, of.zone), _at(day, end_min, of.zone)
                yield from _without((window,), of.leave, start_at, end_at)
        day += timedelta(days=1)


def _without(
    windows: tuple[tuple[int, int], ...],
    taken: tuple[tuple[int, int], ...],
    start_at: int,
    end_at: int,
) -> Iterator[tuple[int, int]]:
    for from_at, until_at in windows:
        at, end = max(from_at, start_at), min(until_at, end_at)
        for taken_from, taken_until in sorted(taken):
            if taken_until <= at or taken_from >= end:
                continue
            if taken_from > at:
                yield at, taken_from
            at = max(at, taken_until)
        if at < end:
            yield at, end


@lru_cache(16_384)
def _at(day: date, minute: int, zone: str) -> int:
    """The moment at which the clock on the wall of `zone` first shows that minute of that day.

    A minute that the clock leaves out is the moment of the change.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    there = ZoneInfo(zone)
    moment = wall.replace(tzinfo=there).astimezone(UTC)
    # In a gap the clock before the change is meant, which reads as much later as the gap is long.
    late = moment.astimezone(there).replace(tzinfo=None) - wall
    if late:
        moment -= wall - _change(wall, there)
    return int(moment.timestamp() * 1000)


def _change(wall: datetime, there: ZoneInfo) -> datetime:
    """The last minute before a missing one that the clock shows: where it is put forward."""
    while not _exists(wall, there):
        wall -= timedelta(minutes=1)
    return wall + timedelta(minutes=1)


def _exists(wall: datetime, there: ZoneInfo) -> bool:
    moment = wall.replace(tzinfo=there).astimezone(UTC)
    return moment.astimezone(there).replace(tzinfo=None) == wall


def _local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
