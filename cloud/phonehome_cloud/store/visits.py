"""Visits and whose time they take: the key of `booking` lets two never have the same.

Locks are taken in one order: the ticket (store.tickets), its visit, the technician's turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, delete, select, update
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.core.visiting.calendar import Booking
from phonehome_cloud.core.visiting.slots import MINUTE_MS, Slot, Terms, fits
from phonehome_cloud.core.visiting.states import UNDER_WAY
from phonehome_cloud.core.visiting.visit import Key, Visit
from phonehome_cloud.errors import ConflictError, NotFoundError

from .dialects import wait_for_turn
from .visit_tables import booking, proposal, visit

CELL_MS: Final = 15 * MINUTE_MS
_NAMED: Final = ("device", "ticket", "action")
# No visit is longer: what may stand in the way of one begins at most so much earlier.
_LONGEST_MS: Final = 24 * 60 * MINUTE_MS


def add(connection: Connection, made: Visit) -> None:
    """Write a new visit."""
    connection.execute(visit.insert().values(asdict(made)))


def save(connection: Connection, changed: Visit) -> None:
    """Write what has changed of a visit."""
    values = {name: value for name, value in asdict(changed).items() if name not in _NAMED}
    connection.execute(update(visit).where(_same(visit, changed.key)).values(values))


def maybe_visit(connection: Connection, key: Key) -> Visit | None:
    """One visit, locked; None when the action has none."""
    query = select(visit).where(_same(visit, key)).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else Visit(**row)


def expect(connection: Connection, key: Key) -> Visit:
    """One visit, locked; NotFoundError when the action has none."""
    found = maybe_visit(connection, key)
    if found is None:
        raise NotFoundError(f"no visit {key[0]}-{key[1]}:{key[2]}")
    return found


def read(connection: Connection, key: Key) -> Visit:
    """One visit as it is, for looking only; NotFoundError when the action has none."""
    row = connection.execute(select(visit).where(_same(visit, key))).mappings().first()
    if row is None:
        raise NotFoundError(f"no visit {key[0]}-{key[1]}:{key[2]}")
    return Visit(**row)


def find_key(connection: Connection, uid: str) -> Key | None:
    """Which visit a calendar entry is of; None for others' entries."""
    columns = (visit.c.device, visit.c.ticket, visit.c.action)
    row = connection.execute(select(*columns).where(visit.c.uid == uid)).first()
    return None if row is None else Key(row.device, row.ticket, row.action)


def list_keys_of(
    connection: Connection, technician: str, from_at: int, until_at: int
) -> list[Key]:
    """Visits under way of a technician that overlap a span of time, by their start."""
    columns = (visit.c.device, visit.c.ticket, visit.c.action)
    rows = connection.execute(
        select(*columns)
        .where(*_of_technicians([technician], from_at, until_at))
        .order_by(visit.c.start_at)
    )
    return [Key(row.device, row.ticket, row.action) for row in rows]


def list_between(
    connection: Connection,
    from_at: int,
    until_at: int,
    technician: str | None = None,
    limit: int = 500,
) -> Sequence[RowMapping]:
    """Visits of any state that begin in a span of time, by their start."""
    query = select(visit).where(visit.c.start_at >= from_at, visit.c.start_at < until_at)
    if technician is not None:
        query = query.where(visit.c.technician == technician)
    ordered = query.order_by(visit.c.start_at, visit.c.device, visit.c.ticket).limit(limit)
    return connection.execute(ordered).mappings().all()


def load_bookings(
    connection: Connection,
    technicians: Iterable[str],
    from_at: int,
    until_at: int,
    but: Key | None = None,
) -> list[Booking]:
    """What takes the time of technicians in a span; `but` leaves one visit out."""
    query = select(visit).where(*_of_technicians(list(technicians), from_at, until_at))
    rows = (Visit(**row) for row in connection.execute(query).mappings())
    return [one.booking for one in rows if one.booking is not None and one.key != but]


def _of_technicians(
    technicians: list[str], from_at: int, until_at: int
) -> tuple[ColumnElement[bool], ...]:
    return (
        visit.c.technician.in_(technicians),
        visit.c.start_at > from_at - _LONGEST_MS,
        visit.c.start_at < until_at,
        visit.c.end_at > from_at,
        visit.c.state.in_(UNDER_WAY),
    )


def book(connection: Connection, of: Visit, slot: Slot, terms: Terms) -> None:
    """Take a technician's time for a visit, and give back what it had; the caller saves it.

    ConflictError when somebody else was first, or would leave no time for the drive; the visit
    then has what it had.
    """
    wait_for_turn(connection, f"technician {slot.technician}")
    try:
        with connection.begin_nested():
            free(connection, of)
            connection.execute(booking.insert(), _cells(of, slot, terms))
            _check_drives(connection, of, slot, terms)
    except IntegrityError:
        raise ConflictError("somebody else has just taken this time") from None
    of.take(slot)


def _check_drives(connection: Connection, of: Visit, slot: Slot, terms: Terms) -> None:
    """ConflictError when the visits around a slot leave no time to drive; in the turn of who
    books this technician, so that none of them is on its way.
    """
    wanted = Booking(slot.technician, slot.start_at, slot.end_at, of.area)
    pause_ms = terms.travel.far_min * MINUTE_MS
    span = slot.start_at - pause_ms, slot.end_at + pause_ms
    if not fits(load_bookings(connection, [slot.technician], *span, of.key), wanted, terms.travel):
        raise ConflictError("the technician has another visit too near to this time")


def free(connection: Connection, of: Visit) -> None:
    """Give back the time that a visit takes."""
    connection.execute(delete(booking).where(_same(booking, of.key)))


def _cells(of: Visit, slot: Slot, terms: Terms) -> list[dict[str, Any]]:
    """A visit takes the quarters that it touches, and the shortest drive after it."""
    first = slot.start_at // CELL_MS * CELL_MS
    until = slot.end_at + terms.travel.same_min * MINUTE_MS
    named = dict(zip(_NAMED, of.key, strict=True))
    return [
        {"technician": slot.technician, "cell_at": at, **named}
        for at in range(first, until, CELL_MS)
    ]


def write_proposals(connection: Connection, of: Visit, slots: Iterable[Slot]) -> None:
    """The slots of the round that the visit is in."""
    named = dict(zip(_NAMED, of.key, strict=True))
    rows = [
        {**named, "round": of.round, "place": place, **asdict(slot)}
        for place, slot in enumerate(slots)
    ]
    if rows:
        connection.execute(proposal.insert(), rows)


def list_proposals(connection: Connection, of: Visit) -> list[Slot]:
    """The slots of the round that is in force, best first."""
    query = select(proposal).where(_same(proposal, of.key), proposal.c.round == of.round)
    rows = connection.execute(query.order_by(proposal.c.place))
    return [Slot(row.technician, row.start_at, row.end_at, row.p_home) for row in rows]


def _same(table: Table, key: Key) -> ColumnElement[bool]:
    device, ticket, action = key
    columns = table.c
    return (columns.device == device) & (columns.ticket == ticket) & (columns.action == action)
