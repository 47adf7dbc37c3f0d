"""Technicians of a world, their bookings, and slots by the receiver's own code."""

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from phonehome_cloud.core.visiting.calendar import Booking
from phonehome_cloud.core.visiting.calendar import Technician as Driver
from phonehome_cloud.core.visiting.presence import DAY_CLASSES, PART_H, PARTS, UNKNOWN, Presence
from phonehome_cloud.core.visiting.slots import DAY_MS, Need, Slot, Terms, Travel, fits, propose
from phonehome_product import Product

from .checks import skills_of
from .fleet import Appliance
from .world import EVERYWHERE, Household, Technician, World

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A week is looked at first: nearly always it has three slots, in a third of the time.
_HORIZONS = (7 * DAY_MS, 28 * DAY_MS)
_VISITS_A_DAY = 4  # of one technician, when a world does not say who there is
_WORKDAYS = 250
# Somebody who knows nothing of presence takes what comes first.
ANY_TIME = Presence((0.5,) * (len(DAY_CLASSES) * PARTS))


class Roster:
    """Who drives, and when they are taken: one for each policy and seed."""

    def __init__(self, world: World, product: Product) -> None:
        travel = Travel(
            same_min=world.travel.same_minutes,
            near_min=world.travel.near_minutes,
            far_min=world.travel.far_minutes,
        )
        self._travel = travel
        self._zone = world.world.zone
        self._terms = [Terms(horizon_ms=horizon, travel=travel) for horizon in _HORIZONS]
        self._drivers = list(_drivers(world, product))
        self._taken: defaultdict[str, list[Booking]] = defaultdict(list)
        self._learnt: dict[str, Presence] = {}

    def propose(
        self,
        skills: Sequence[str],
        minutes: int,
        parts_at: int,
        appliance: Appliance,
        presence: Presence,
        now_at: int,
    ) -> tuple[Slot, ...]:
        """Three slots, or none when nobody can come for four weeks."""
        need = Need(frozenset(skills), minutes, parts_at, self._zone, appliance.place)
        able = [driver for driver in self._drivers if driver.drives_to(appliance.place)]
        self._forget(able, now_at)
        bookings = [booking for driver in able for booking in self._taken[driver.id]]
        slots: tuple[Slot, ...] = ()
        for terms in self._terms:
            slots = propose(need, able, bookings, presence, now_at, terms=terms)
            if len(slots) == 3:
                break
        return slots

    def book(self, slot: Slot, place: str) -> Booking | None:
        """Take a slot; None when somebody else took it while the owner thought about it."""
        wanted = Booking(slot.technician, slot.start_at, slot.end_at, place)
        if not fits(self._taken[slot.technician], wanted, self._travel):
            return None
        insort(self._taken[slot.technician], wanted)
        return wanted

    def cancel(self, booking: Booking) -> None:
        """Give the time back."""
        self._taken[booking.technician].remove(booking)

    def presence_of(self, appliance: Appliance) -> Presence:
        """What is known of a home that shared its histogram long enough, and of any other one."""
        if not appliance.shares_presence:
            return UNKNOWN
        household = appliance.household
        if household.name not in self._learnt:
            self._learnt[household.name] = _learnt(household)
        return self._learnt[household.name]

    def _forget(self, drivers: Sequence[Driver], now_at: int) -> None:
        """Visits of the past are in nobody's way."""
        for driver in drivers:
            taken = self._taken[driver.id]
            while taken and taken[0].end_at < now_at - DAY_MS:
                del taken[0]


def local(at: int, zone: str) -> datetime:
    """A moment (unix ms) on the clock of a zone."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone))


def _learnt(household: Household) -> Presence:
    """The mean of each cell: what a histogram comes to when it has counted long enough."""
    cells = []
    for day in (household.workday, household.saturday, household.sunday):
        for part in range(PARTS):
            hours = day[part * PART_H : (part + 1) * PART_H]
            cells.append(float(sum(hours)) / PART_H)
    return Presence(tuple(cells))


def _drivers(world: World, product: Product) -> Sequence[Driver]:
    places = tuple(area.place for area in world.areas) or (EVERYWHERE,)
    skills = skills_of(product)
    head = world.world
    visits = head.appliances * float(head.faults_per_year) / _WORKDAYS
    enough = Technician(name="any", count=max(2, math.ceil(visits / _VISITS_A_DAY)))
    return [
        Driver(
            id=f"{one.name}-{number}",
            skills=skills if one.skills is None else frozenset(one.skills),
            area=places if one.areas is None else one.areas,
            hours={
                _WEEKDAYS.index(day): ((60 * one.from_hour, 60 * one.until_hour),)
                for day in one.weekdays
            },
            zone=head.zone,
        )
        for one in world.technicians or (enough,)
        for number in range(one.count)
    ]
