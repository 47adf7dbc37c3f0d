"""Devices: who may phone home, and what each last said about itself."""

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select, update
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.errors import ConflictError, NotFoundError

from .keys import ACTIVE, NEXT, delete_keys
from .schema import device, device_key, session, ticket

_LIST_COLUMNS = (
    device.c.device,
    device.c.product,
    device.c.label,
    device.c.created_at,
    device.c.revoked_at,
)
_PRESENCE_COLUMNS = (
    session.c.inc,
    session.c.boot,
    session.c.first_seen_at,
    session.c.last_seen_at,
    session.c.last_now_ms,
    session.c.build,
    session.c.dropped,
    session.c.state,
    session.c.agent,
    session.c.platform,
    session.c.reset_cause,
    session.c.config_version,
)


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Register a device (device, product, label, created_at); ConflictError when it is known."""
    try:
        with connection.begin_nested():
            connection.execute(device.insert().values(row))
    except IntegrityError:
        raise ConflictError(f"device {row['device']} is registered already") from None


def expect(connection: Connection, device_id: str) -> RowMapping:
    """The row of a device; NotFoundError when it was never registered."""
    found = _one(connection, select(*_LIST_COLUMNS).where(device.c.device == device_id))
    if found is None:
        raise NotFoundError(f"no device {device_id}")
    return found


def maybe_kid(connection: Connection, device_id: str) -> bytes | None:
    """The id of the key that a device is using, or is to begin with; None when it has none."""
    query = (
        select(device_key.c.epoch)
        .where(device_key.c.device == device_id, device_key.c.state.in_((ACTIVE, NEXT)))
        .order_by(device_key.c.state, device_key.c.epoch.desc())  # active before next
    )
    epoch = connection.execute(query).scalar()
    return None if epoch is None else bytes.fromhex(device_id) + bytes((epoch,))


def maybe_presence(connection: Connection, device_id: str) -> RowMapping | None:
    """What the newest boot of a device said; None before its first report."""
    query = (
        select(*_PRESENCE_COLUMNS)
        .where(session.c.device == device_id, session.c.newest)
        .order_by(session.c.inc_seen_at.desc())
        .limit(1)
    )
    return _one(connection, query)


def count_open_tickets(connection: Connection, device_id: str) -> int:
    """How many tickets of a device still need somebody."""
    query = select(func.count()).where(ticket.c.device == device_id, ticket.c.ended_at.is_(None))
    return int(connection.execute(query).scalar_one())


def list_after(
    connection: Connection, after: str, limit: int, *, is_dropping: bool = False
) -> list[RowMapping]:
    """The next `limit` devices, by id, after the id `after` ("" for the first); `is_dropping`
    leaves those whose newest boot has dropped records.
    """
    query = (
        select(*_LIST_COLUMNS)
        .where(device.c.device > after)
        .order_by(device.c.device)
        .limit(limit)
    )
    if is_dropping:
        dropping = select(session.c.device).where(session.c.newest, session.c.dropped > 0)
        query = query.where(device.c.device.in_(dropping))
    return list(connection.execute(query).mappings())


def revoke(connection: Connection, device_id: str, now_at: int) -> None:
    """Destroy a device's keys; its data stays. Revoking twice changes nothing."""
    expect(connection, device_id)
    delete_keys(connection, device_id)
    connection.execute(
        update(device)
        .where(device.c.device == device_id, device.c.revoked_at.is_(None))
        .values(revoked_at=now_at)
    )


def _one(connection: Connection, query: Select[Any]) -> RowMapping | None:
    return connection.execute(query).mappings().first()
