"""Three proposals for a visit: a technician who can, is free and near, when somebody is home."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from .calendar import Booking, Technician, working_windows
from .presence import Presence

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS

# Who would come to a start: minutes of the drive, visits they have already, and who.
Offer = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Need:
    """What a visit needs: skills, minutes of work, parts that arrive at `parts_at` (unix ms, 0
    when none is needed), and the zone and area of the appliance: a place such as DE-10115.
    """

    skills: frozenset[str]
    minutes: int
    parts_at: int
    zone: str
    area: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit that could be: of this technician, with P(somebody is home) when it begins."""

    technician: str
    start_at: int
    end_at: int
    p_home: float


@dataclass(frozen=True, slots=True)
class Travel:
    """Minutes between two visits, by what their places have in common.

    Places are country and postcode: the same one is a street away, the same region (DE-10) is
    across the town, any other is across the country road. An assumption of these orders: what
    maps know is worth nothing while nobody knows the address of the visit before.
    """

    same_min: int = 15
    near_min: int = 30
    far_min: int = 60
    region_chars: int = 5

    def minutes(self, one: str, other: str) -> int:
        """Minutes from one place to another."""
        if one == other:
            return self.same_min
        is_near = one[: self.region_chars] == other[: self.region_chars]
        return self.near_min if is_near else self.far_min


@dataclass(frozen=True, slots=True)
class Terms:
    """When visits may be: how soon, how far ahead, and what a day of waiting weighs.

    Starts lie on a grid of UTC; every zone in use is whole quarters of an hour away from it.
    A day later is worth it for `day_weight` more P(home). The owner confirms a slot before a van
    drives, so P(home) is hardly whether the visit is in vain, but whether the slot is taken; and
    nobody takes another one for a few days without the appliance. Of 0.03 to 0.4, `phonehome
    simulate-service --world city` found the same visits and first-time fixes, and from 0.2 on the
    fewest days: 2.4 instead of 3.8 for a fault.
    """

    notice_ms: int = 18 * 60 * MINUTE_MS
    horizon_ms: int = 21 * DAY_MS
    day_weight: float = 0.2
    grid_ms: int = 30 * MINUTE_MS
    travel: Travel = field(default_factory=Travel)


def propose(
    need: Need,
    technicians: Iterable[Technician],
    bookings: Iterable[Booking],
    presence: Presence,
    now_at: int,
    count: int = 3,
    terms: Terms = Terms(),
) -> tuple[Slot, ...]:
    """The best slots for a visit, best first, each on another day or another half of a day.

    Fewer than `count` when there are no more within the horizon; none when nobody has the skills
    or drives to the area. Bookings are those of these technicians, in any order.
    """
    first_at = max(now_at + terms.notice_ms, need.parts_at)
    until_at = first_at + terms.horizon_ms
    able = [t for t in technicians if is_able(t, need)]
    taken = _by_technician(bookings, {t.id for t in able}, first_at, until_at)
    best: dict[int, Offer] = {}
    for technician in able:
        own = taken.get(technician.id, [])
        for start_at, drive_min in _starts(need, technician, own, first_at, until_at, terms):
            offer = drive_min, len(own), technician.id
            if start_at not in best or offer < best[start_at]:
                best[start_at] = offer
    return _choose(need, best, presence, first_at, count, terms)


def is_able(technician: Technician, need: Need) -> bool:
    """Whether they have every skill that is needed and drive to the place."""
    return need.skills <= technician.skills and technician.drives_to(need.area)


def fits(near: Iterable[Booking], wanted: Booking, travel: Travel) -> bool:
    """Whether a visit leaves time to drive from the one before it and to the one after it.

    `near` are visits of the same technician that may be close to it.
    """
    return all(_is_clear(other, wanted, travel) for other in near)


def _is_clear(other: Booking, wanted: Booking, travel: Travel) -> bool:
    pause_ms = travel.minutes(other.area, wanted.area) * MINUTE_MS
    return other.end_at + pause_ms <= wanted.start_at or wanted.end_at + pause_ms <= other.start_at


def _by_technician(
    bookings: Iterable[Booking], ids: set[str], first_at: int, until_at: int
) -> dict[str, list[Booking]]:
    taken: defaultdict[str, list[Booking]] = defaultdict(list)
    from_at, to_at = first_at - DAY_MS, until_at + DAY_MS
    for booking in bookings:
        if from_at < booking.end_at and booking.start_at < to_at and booking.technician in ids:
            taken[booking.technician].append(booking)
    for own in taken.values():
        own.sort()
    return taken


def _starts(
    need: Need,
    technician: Technician,
    own: Sequence[Booking],
    first_at: int,
    until_at: int,
    terms: Terms,
) -> Iterator[tuple[int, int]]:
    """Where the technician could begin, and the minutes of the drive there."""
    begins = [booking.start_at for booking in own]
    work_ms, grid_ms = need.minutes * MINUTE_MS, terms.grid_ms
    for from_at, to_at in working_windows(technician, first_at, until_at):
        for start_at in range(-(-from_at // grid_ms) * grid_ms, to_at - work_ms + 1, grid_ms):
            after = bisect_left(begins, start_at)
            near = own[max(0, after - 1) : after + 1]
            wanted = Booking(technician.id, start_at, start_at + work_ms, need.area)
            if fits(near, wanted, terms.travel):
                before = near[0] if near and near[0].end_at > from_at and after else None
                place = before.area if before else technician.area[0]
                yield start_at, terms.travel.minutes(place, need.area)


def _choose(
    need: Need,
    offers: Mapping[int, Offer],
    presence: Presence,
    first_at: int,
    count: int,
    terms: Terms,
) -> tuple[Slot, ...]:
    """The best of each half of a day, then the best of those; the shorter drive breaks ties."""
    halves: dict[tuple[int, bool], tuple[float, int, int]] = {}
    for start_at, (drive_min, *_) in offers.items():
        waited_days = (start_at - first_at) / DAY_MS
        worth = presence.at(start_at, need.zone) - terms.day_weight * waited_days
        half = _half(start_at, need.zone)
        rank = -worth, drive_min, start_at
        if half not in halves or rank < halves[half]:
            halves[half] = rank
    work_ms = need.minutes * MINUTE_MS
    return tuple(
        Slot(offers[at][-1], at, at + work_ms, presence.at(at, need.zone))
        for _, _, at in sorted(halves.values())[:count]
    )


def _half(at: int, zone: str) -> tuple[int, bool]:
    """The day, and whether it is its second half, on the clock of the home."""
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    return there.toordinal(), there.hour >= 12
