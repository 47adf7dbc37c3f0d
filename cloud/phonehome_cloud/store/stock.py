"""Stock: parts are reserved before they are sent, and never more than there are.

The database's constraints decide (store.people_tables): of two who want the last one, one gets it.
"""

import secrets
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from phonehome_cloud.core.people.stock import DEPOT, Availability, days_until_there
from phonehome_cloud.errors import ConflictError, NotFoundError

from .dialects import insert
from .people_tables import part, reservation, stock, supplier

_ID_BYTES: Final = 8


def availability(connection: Connection, number: str, van: str = DEPOT) -> Availability | None:
    """How a part stands in the depot, or in a van; None when no such part is known."""
    query = (
        select(
            part,
            func.coalesce(part.c.lead_days, supplier.c.lead_days).label("days"),
            func.coalesce(stock.c.pieces - stock.c.reserved, 0).label("free"),
        )
        .join(supplier, supplier.c.supplier == part.c.supplier, isouter=True)
        .join(stock, (stock.c.part == part.c.part) & (stock.c.van == van), isouter=True)
        .where(part.c.part == number)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return Availability(
        number,
        days_until_there(row["free"], row["days"], row["discontinued"]),
        row["discontinued"],
        row["free"],
        row["price_cents"],
        row["currency"],
        row["supplier"],
        row["days"],
    )


def reserve(
    connection: Connection,
    number: str,
    pieces: int,
    now_at: int,
    ticket: tuple[str, int] | None = None,
    van: str = DEPOT,
) -> str:
    """Keep pieces of a part for a (device, number) of a ticket; returns the reservation's id.

    ConflictError when there are not as many free, however many ask at the same time.
    """
    changed = connection.execute(
        update(stock)
        .where(
            stock.c.part == number, stock.c.van == van, stock.c.pieces - stock.c.reserved >= pieces
        )
        .values(reserved=stock.c.reserved + pieces)
    )
    if not changed.rowcount:
        raise ConflictError(f"there are not {pieces} of part {number} free {_where(van)}")
    name, (device, n) = secrets.token_hex(_ID_BYTES), ticket or (None, None)
    row = {"part": number, "van": van, "pieces": pieces, "device": device, "ticket": n}
    connection.execute(reservation.insert().values(reservation=name, reserved_at=now_at, **row))
    return name


def add(connection: Connection, number: str, pieces: int) -> None:
    """Pieces of a part have come into the depot."""
    row = {"part": number, "van": DEPOT, "pieces": pieces}
    statement = insert(connection, stock).values(row)
    more = {"pieces": stock.c.pieces + pieces}
    keys = ["part", "van"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=more))


def release(connection: Connection, name: str) -> None:
    """Give back what a reservation kept; NotFoundError when it is over."""
    row = _end(connection, name)
    _change(connection, row, pieces=0)


def take(connection: Connection, name: str) -> None:
    """What a reservation kept has left the place; NotFoundError when it is over."""
    row = _end(connection, name)
    _change(connection, row, pieces=row["pieces"])


def _end(connection: Connection, name: str) -> RowMapping:
    wanted = reservation.c.reservation == name
    row = connection.execute(select(reservation).where(wanted)).mappings().first()
    if row is None or not connection.execute(delete(reservation).where(wanted)).rowcount:
        raise NotFoundError(f"no reservation {name}")
    return row


def _change(connection: Connection, row: RowMapping, pieces: int) -> None:
    connection.execute(
        update(stock)
        .where(stock.c.part == row["part"], stock.c.van == row["van"])
        .values(
            pieces=stock.c.pieces - pieces,
            reserved=stock.c.reserved - row["pieces"],
        )
    )


def _where(van: str) -> str:
    return f"in the van of {van}" if van else "in the depot"
