"""What the desk reads: tickets and reports, by keyset, so that every page costs the same."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, literal, select, tuple_

from phonehome_cloud.core.tickets import OPEN_STATES, ticket_id
from phonehome_cloud.errors import NotFoundError

from .frames import load_frames
from .schema import device, fault_event, manifest, message, quarantine, session, ticket
from .schema import ticket_event as history

COUNT_CAP = 1001  # "more than 1000" is all a person wants to know, and a count has no index


@dataclass(frozen=True)
class TicketFilter:
    """Which tickets; None or empty means any. `severity_max` 3 means error or worse."""

    states: Collection[str] = ()
    device: str | None = None
    code: str | None = None
    spn: int | None = None
    fmi: int | None = None
    severity_max: int | None = None


def list_tickets(
    connection: Connection,
    wanted: TicketFilter,
    after: tuple[int, str, int] | None,
    limit: int,
) -> list[RowMapping]:
    """The next tickets after (updated_at, device, number), the one that changed last first."""
    order = (ticket.c.updated_at, ticket.c.device, ticket.c.number)
    query = (
        select(ticket, device.c.label)
        .join(device, device.c.device == ticket.c.device)
        .where(*_conditions(wanted))
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*order) < _literals(after))
    return list(connection.execute(query).mappings())


def list_titles(connection: Connection, keys: Collection[tuple[str, int]]) -> dict[str, str]:
    """Ticket id -> code and title, of the tickets with these (device, number)."""
    key = tuple_(ticket.c.device, ticket.c.number)
    query = select(ticket.c.device, ticket.c.number, ticket.c.code, ticket.c.title)
    rows = connection.execute(query.where(key.in_(sorted(keys)))) if keys else ()
    return {
        ticket_id(row.device, row.number): f"{row.code or ''} {row.title}".strip() for row in rows
    }


def count_tickets(connection: Connection, wanted: TicketFilter) -> int:
    """How many tickets there are, counted up to COUNT_CAP."""
    some = select(ticket.c.number).where(*_conditions(wanted)).limit(COUNT_CAP).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def expect_ticket(connection: Connection, device_id: str, number: int) -> RowMapping:
    """One ticket with its device's label; NotFoundError when there is none."""
    query = (
        select(ticket, device.c.label)
        .join(device, device.c.device == ticket.c.device)
        .where(ticket.c.device == device_id, ticket.c.number == number)
    )
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"no ticket {device_id}-{number}")
    return found


def list_history(connection: Connection, device_id: str, number: int) -> list[RowMapping]:
    """Everything that happened to a ticket, oldest first."""
    query = (
        select(history)
        .where(history.c.device == device_id, history.c.ticket == number)
        .order_by(history.c.n)
    )
    return list(connection.execute(query).mappings())


def list_frames(
    connection: Connection, device_id: str, number: int, limit: int = 10
) -> list[dict[str, Any]]:
    """The newest fault transitions of a ticket that carry a freeze frame, with that and with
    their manifest.
    """
    query = (
        select(fault_event, session.c.manifest)
        .join(session, _same_boot(), isouter=True)  # a boot may have died before it spoke
        .where(
            fault_event.c.device == device_id,
            fault_event.c.ticket == number,
            fault_event.c.has_frame,
        )
        .order_by(fault_event.c.event_at.desc(), fault_event.c.seq.desc())
        .limit(limit)
    )
    rows = connection.execute(query).mappings().all()
    keys = [(row["device"], row["inc"], row["boot"], row["seq"]) for row in rows]
    frames = load_frames(connection, keys)
    return [dict(row) | {"frame": frames[key]} for row, key in zip(rows, keys, strict=True)]


def list_catalogs(connection: Connection, device_id: str) -> dict[str, dict[str, Any]]:
    """Manifest id -> channel catalog, of those that a device itself has sent."""
    query = select(manifest.c.manifest, manifest.c.channels).where(manifest.c.device == device_id)
    return {row.manifest: row.channels for row in connection.execute(query)}


def list_reports(
    connection: Connection, device_id: str, after: tuple[int, bytes] | None, limit: int
) -> list[RowMapping]:
    """The next signed messages of a device after (received_at, hash), newest first."""
    order = (message.c.received_at, message.c.hash)
    query = (
        select(*_without_raw(message))
        .where(message.c.device == device_id)
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*order) < _literals(after))
    return list(connection.execute(query).mappings())


def expect_report(connection: Connection, device_id: str, digest: bytes) -> RowMapping:
    """One signed message as it was received; NotFoundError when there is none."""
    query = select(message).where(message.c.device == device_id, message.c.hash == digest)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"device {device_id} has no report {digest.hex()}")
    return found


def count_quarantined(connection: Connection, device_id: str) -> int:
    """How much of a device's authentic traffic could not be read."""
    query = select(func.count()).where(quarantine.c.device == device_id)
    return int(connection.execute(query).scalar_one())


def _conditions(wanted: TicketFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states:
        found.append(ticket.c.state.in_(sorted(wanted.states)))
        if OPEN_STATES.issuperset(wanted.states):
            found.append(ticket.c.ended_at.is_(None))  # lets the partial index serve
    if wanted.severity_max is not None:
        found.append(ticket.c.severity <= wanted.severity_max)
    exact = {
        ticket.c.device: wanted.device,
        ticket.c.code: wanted.code,
        ticket.c.spn: wanted.spn,
        ticket.c.fmi: wanted.fmi,
    }
    found += [column == value for column, value in exact.items() if value is not None]
    return found


def _same_boot() -> ColumnElement[bool]:
    return and_(
        session.c.device == fault_event.c.device,
        session.c.inc == fault_event.c.inc,
        session.c.boot == fault_event.c.boot,
    )


def _literals(values: tuple[Any, ...]) -> ColumnElement[Any]:
    return tuple_(*(literal(value) for value in values))


def _without_raw(table: Any) -> list[Any]:
    return [column for column in table.c if column.name != "raw"]
