"""Visits that cannot be as they are booked: somebody is away, or a part is not there."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from phonehome_cloud.core.visiting.states import UNDER_WAY
from phonehome_cloud.core.visiting.visit import Key, Visit

from . import people, tickets, visit_answers, visit_supply, visits
from .acting import visit_parts
from .acting.visit_parts import LOAD_MS
from .visit_answers import AWAY, PART_LATE
from .visit_tables import visit

WHO: Final = "rule"


def find_stranded(connection: Connection, now_at: int) -> list[Key]:
    """Visits to come whose technician is not there any more, or has leave at that time."""
    known = {one.id: one for one in people.technicians(connection)}
    found = []
    for of in _list_coming(connection, now_at):
        booked, driver = of.booking, known.get(of.technician or "")
        if booked is None:
            continue
        if driver is None or any(
            start < booked.end_at and booked.start_at < end for start, end in driver.leave
        ):
            found.append(of.key)
    return found


def find_waiting(connection: Connection, now_at: int) -> list[Key]:
    """Visits to come that wait for a part which nobody has kept for them yet."""
    coming = _list_coming(connection, now_at, visit.c.parts_at > 0)
    return [of.key for of in coming if any(row["reservation"] is None for row in of.parts)]


def move_stranded(connection: Connection, key: Key, now_at: int) -> str:
    """Give a visit to somebody else, or another time."""
    visit_answers.move_on(connection, key, AWAY, WHO, now_at)
    return AWAY


def look_for_parts(connection: Connection, key: Key, now_at: int) -> str:
    """Keep what has arrived; a visit that begins soon without its part moves."""
    tickets.expect(connection, key[0], key[1])
    of = visits.expect(connection, key)
    if not of.is_under_way:
        return ""
    visit_parts.keep_in_depot(connection, of, now_at)
    visits.save(connection, of)
    missing = [row["part"] for row in visit_parts.missing(of)]
    if not missing:
        return "part_there"
    if of.start_at is None or of.start_at - now_at > LOAD_MS:
        return ""
    parts_at = visit_supply.guess(connection, of, missing, now_at)
    visit_answers.delay(connection, key, parts_at, WHO, now_at)
    return PART_LATE


def _list_coming(connection: Connection, now_at: int, *more: ColumnElement[bool]) -> list[Visit]:
    query = select(visit).where(visit.c.state.in_(UNDER_WAY), visit.c.start_at > now_at, *more)
    return [Visit(**row) for row in connection.execute(query).mappings()]
