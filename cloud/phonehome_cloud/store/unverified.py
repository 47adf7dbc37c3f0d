"""Reports without a signature, kept apart: nothing else in the store refers to them."""

from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, literal, select, tuple_

from phonehome_cloud.core.arrivals import HASH_BYTES
from phonehome_cloud.errors import ConflictError, NotFoundError

from .dialects import insert
from .unverified_tables import unverified

# Anybody can make such reports: who files them looks at some, and lets them go.
MAX_KEPT = 256  # of one device

_SHOWN = tuple(column for column in unverified.c if column.name != "raw")


def add(connection: Connection, row: dict[str, Any]) -> bytes:
    """Keep a report; return its hash. The same again is the same row.

    ConflictError when its device has as many as are kept.
    """
    digest = sha256(row["raw"]).digest()[:HASH_BYTES]
    device = row["device"]
    kept = select(func.count()).where(unverified.c.device == device, unverified.c.hash != digest)
    if connection.execute(kept).scalar_one() >= MAX_KEPT:
        raise ConflictError(
            f"{device} has {MAX_KEPT} unverified reports: look at them and DELETE them first"
        )
    statement = insert(connection, unverified).values(hash=digest, **row)
    connection.execute(statement.on_conflict_do_nothing())
    return digest


def list_after(
    connection: Connection, after: tuple[str, bytes] | None, limit: int
) -> list[RowMapping]:
    """The next reports behind (device, hash), by device."""
    order = (unverified.c.device, unverified.c.hash)
    query = select(*_SHOWN).order_by(*order).limit(limit)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*(literal(value) for value in after)))
    return list(connection.execute(query).mappings())


def expect(connection: Connection, device: str, digest: bytes) -> RowMapping:
    """One report with its bytes; NotFoundError when there is none."""
    query = select(unverified).where(unverified.c.device == device, unverified.c.hash == digest)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"device {device} has no unverified report {digest.hex()}")
    return found


def discard(connection: Connection, device: str) -> None:
    """Let all reports of a device go."""
    connection.execute(delete(unverified).where(unverified.c.device == device))
