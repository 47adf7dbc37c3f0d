"""When a visit can be: what the store knows of people, calendars and homes, given to the core."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.visiting.calendar import Technician
from phonehome_cloud.core.visiting.slots import DAY_MS, MINUTE_MS, Slot, Terms, is_able, propose
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import ConflictError

from . import people, presence, visits

PROPOSALS: Final = 3
_FARTHEST_MS: Final = 366 * DAY_MS  # nobody knows when they work in a year
TERMS: Final = Terms()


def find_technicians(connection: Connection) -> list[Technician]:
    """Everybody who drives, as the core wants them; the service desk's holidays are theirs."""
    holidays = people.find_desk(connection).holidays
    return [
        Technician(one.id, one.skills, one.area, one.hours, one.zone, one.leave, holidays)
        for one in people.technicians(connection)
    ]


def find_able(connection: Connection, of: Visit) -> list[Technician]:
    """Who can do a visit: only those in whose van a part of it is kept, where one is."""
    vans = of.vans
    return [
        one
        for one in find_technicians(connection)
        if is_able(one, of.need) and (not vans or one.id in vans)
    ]


def find_slots(
    connection: Connection,
    of: Visit,
    now_at: int,
    count: int = PROPOSALS,
    but: Collection[int] = (),
    among: Collection[str] | None = None,
    terms: Terms = TERMS,
) -> tuple[Slot, ...]:
    """The best slots for a visit as things stand; none of those that begin at a time of `but`, and
    only with a technician `among` these, when they are given.
    """
    able = [one for one in find_able(connection, of) if among is None or one.id in among]
    first_at = max(now_at, of.parts_at) - DAY_MS
    span = first_at, first_at + terms.notice_ms + terms.horizon_ms + 2 * DAY_MS
    booked = visits.load_bookings(connection, [one.id for one in able], *span, of.key)
    home = presence.find(connection, of.device)
    found = propose(of.need, able, booked, home, now_at, count + len(but), terms)
    return tuple(slot for slot in found if slot.start_at not in but)[:count]


def hold_first(
    connection: Connection, of: Visit, slots: Collection[Slot], terms: Terms = TERMS
) -> Slot | None:
    """Book the first of these that is still free; None when others took them all."""
    for slot in slots:
        try:
            visits.book(connection, of, slot, terms)
        except ConflictError:
            continue
        return slot
    return None


def propose_again(
    connection: Connection, of: Visit, now_at: int, but: Collection[int] = ()
) -> tuple[Slot, ...]:
    """A new round of proposals, in force at once; the caller saves the visit."""
    slots = find_slots(connection, of, now_at, PROPOSALS, but)
    of.round += 1
    visits.write_proposals(connection, of, slots)
    return slots


def find_asked(connection: Connection, of: Visit, start_at: int, now_at: int) -> Slot | None:
    """The slot of a time that somebody asked for, when a technician has it; else None."""
    start_at = start_at // visits.CELL_MS * visits.CELL_MS
    # Look at that moment alone; the grid of proposals is coarser than people's wishes.
    narrow = replace(TERMS, notice_ms=0, horizon_ms=of.minutes * MINUTE_MS, grid_ms=visits.CELL_MS)
    earliest_at = max(now_at + TERMS.notice_ms, of.parts_at)
    if not earliest_at <= start_at < now_at + _FARTHEST_MS:
        return None
    able = find_able(connection, of)
    span = start_at - DAY_MS, start_at + 2 * DAY_MS
    booked = visits.load_bookings(connection, [one.id for one in able], *span, of.key)
    home = presence.find(connection, of.device)
    found = propose(of.need, able, booked, home, start_at, 1, narrow)
    return found[0] if found and found[0].start_at == start_at else None
