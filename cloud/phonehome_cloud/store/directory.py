"""The books as the desk reads them: a page of a kind, one of it, and its end."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Table, delete, select
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.core.people.kinds import Kind
from phonehome_cloud.core.people.stock import DEPOT
from phonehome_cloud.errors import ConflictError, NotFoundError

from .erasing import Subject, erase
from .handing import erase_owner, hand_over
from .leaving import CHECKS
from .people_tables import (
    appliance,
    desk,
    leave,
    owner,
    part,
    reservation,
    stock,
    supplier,
    technician,
)
from .schema import device

_TABLES: Final[Mapping[str, Table]] = {
    "owners": owner,
    "appliances": appliance,
    "technicians": technician,
    "suppliers": supplier,
    "parts": part,
    "desks": desk,
}

Shown = dict[str, Any]


def list_after(
    connection: Connection, kind: Kind, wanted: Mapping[str, str], after: str, limit: int
) -> list[Shown]:
    """The next of a kind after a key ("" for the first); `wanted` are values of columns."""
    table = _TABLES[kind.name]
    key = _key(table)
    query = select(table).where(key > after).order_by(key).limit(limit)
    for name, value in wanted.items():
        query = query.where(table.c[name] == value)
    return _show_all(connection, kind, connection.execute(query).mappings().all())


def expect(connection: Connection, kind: Kind, name: str) -> Shown:
    """One of a kind by its key; NotFoundError."""
    table = _TABLES[kind.name]
    rows = connection.execute(select(table).where(_key(table) == name)).mappings().all()
    if not rows:
        raise NotFoundError(f"no {kind.one} {name[:64]}")
    return _show_all(connection, kind, rows)[0]


def remove(connection: Connection, kind: Kind, name: str, now_at: int) -> dict[str, int]:
    """End one of a kind; rows that were changed or are gone, by table.

    NotFoundError; ConflictError while something else needs it.
    """
    expect(connection, kind, name)
    if kind.name == "owners":
        return erase_owner(connection, name, now_at)
    if kind.name == "technicians":
        for check in CHECKS:
            check(connection, name, now_at)
        connection.execute(delete(stock).where(stock.c.van == name))
        known = expect(connection, kind, name)
        words = tuple(filter(None, (known[n] for n in ("name", "mail", "calendar", "phone"))))
        return erase(connection, Subject(technician=name, words=words), now_at)
    if kind.name == "appliances":
        hand_over(connection, name, None, now_at)
    if kind.name == "parts":
        _remove_stock(connection, name)
    table = _TABLES[kind.name]
    try:
        with connection.begin_nested():
            connection.execute(delete(table).where(_key(table) == name))
    except IntegrityError:
        raise ConflictError(f"{kind.one} {name} is in use: change what refers to it") from None
    return {table.name: 1}


def _remove_stock(connection: Connection, number: str) -> None:
    held = select(reservation.c.reservation).where(reservation.c.part == number).limit(1)
    if connection.execute(held).first() is not None:
        raise ConflictError(f"some of part {number} are reserved: wait until they are sent")
    connection.execute(delete(stock).where(stock.c.part == number))


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key


def _show_all(
    connection: Connection, kind: Kind, rows: Sequence[Mapping[Any, Any]]
) -> list[Shown]:
    found = [dict(row) for row in rows]
    more = _MORE.get(kind.name)
    if more is not None and found:
        more(connection, found)
    return found


def _show_appliances(connection: Connection, found: list[Shown]) -> None:
    query = select(device.c.device, device.c.product).where(
        device.c.device.in_([row["device"] for row in found])
    )
    products = {row.device: row.product for row in connection.execute(query)}
    for row in found:
        row["product"] = products[row["device"]]
        row["bought"] = _day(row.pop("bought_at"))
        for name in ("warranty_until", "contract_until"):
            row[name] = _day(row[name])


def _show_technicians(connection: Connection, found: list[Shown]) -> None:
    names = [row["technician"] for row in found]
    query = select(leave).where(leave.c.technician.in_(names)).order_by(leave.c.from_at)
    away: dict[str, list[tuple[int, int]]] = {}
    for row in connection.execute(query):
        away.setdefault(row.technician, []).append((row.from_at, row.until_at))
    for shown in found:
        zone = ZoneInfo(shown["zone"])
        shown["leave"] = [_span(*span, zone) for span in away.get(shown["technician"], ())]


def _show_parts(connection: Connection, found: list[Shown]) -> None:
    numbers = [row["part"] for row in found]
    query = select(stock).where(stock.c.part.in_(numbers)).order_by(stock.c.van)
    places: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        places.setdefault(row.part, []).append(row)
    for shown in found:
        cents = shown.pop("price_cents")
        shown["price"] = None if cents is None else f"{cents // 100}.{cents % 100:02}"
        here = places.get(shown["part"], [])
        depot = next((row for row in here if row.van == DEPOT), None)
        shown["stock"] = depot.pieces if depot else 0
        shown["reserved"] = sum(row.reserved for row in here)
        shown["vans"] = [f"{row.van}={row.pieces}" for row in here if row.van != DEPOT]


def _day(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def _span(from_at: int, until_at: int, zone: ZoneInfo) -> str:
    """As people wrote it: both days are days of leave."""
    first = datetime.fromtimestamp(from_at / 1000, zone).date()
    last = datetime.fromtimestamp(until_at / 1000, zone).date() - timedelta(days=1)
    return f"{first}..{max(first, last)}"


_MORE: Final = {
    "appliances": _show_appliances,
    "technicians": _show_technicians,
    "parts": _show_parts,
}
