"""What configuration each device should have, and which it says it has."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, or_, select, update

from phonehome_cloud.core.configs import PENDING
from phonehome_cloud.core.wishes import Wish
from phonehome_cloud.errors import ConflictError, NotFoundError

from .dialects import insert
from .schema import device, device_config, session

_DUE_BATCH = 100


def put(
    connection: Connection,
    dev: str,
    version: int | None,
    wish: Wish,
    who: str,
    now_at: int,
) -> int | None:
    """Wish for a configuration; returns the number of the command that carried the one before.

    Without a version it gets the next one; ConflictError when the given one is not the next.
    """
    if connection.execute(select(device.c.device).where(device.c.device == dev)).first() is None:
        raise NotFoundError(f"no device {dev}")
    before = maybe_find(connection, dev, lock=True)
    reported = _reported(connection, dev)
    last = max(before["version"] if before else 0, reported or 0)
    if version is not None and version != last + 1:
        raise ConflictError(f"the next version for device {dev} is {last + 1}, not {version}")
    row = {
        "device": dev,
        "version": last + 1,
        "wished": wish.shown,
        "encoded": wish.encoded,
        "state": PENDING,
        "who": who,
        "asked_at": now_at,
        "changed_at": now_at,
        "reported": reported,
        "judged": None,
        "tries": 0,
        "command": None,
        "due_at": now_at,
    }
    statement = insert(connection, device_config).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["device"], set_=row))
    return before["command"] if before else None


def maybe_find(connection: Connection, dev: str, *, lock: bool = False) -> RowMapping | None:
    """What a device should have; None when nobody wished for anything."""
    statement = select(device_config).where(device_config.c.device == dev)
    if lock:
        statement = statement.with_for_update()
    return connection.execute(statement).mappings().first()


def note_reported(
    connection: Connection, reported: Collection[tuple[str, int]], now_at: int
) -> None:
    """What devices say they run under; a change is looked at next."""
    rows = [{"_device": dev, "_version": version, "_now_at": now_at} for dev, version in reported]
    if rows:
        connection.execute(_NOTE, rows)


_NOTE = (
    update(device_config)
    .where(device_config.c.device == bindparam("_device"))
    .where(
        or_(
            device_config.c.reported.is_(None),
            device_config.c.reported != bindparam("_version"),
        )
    )
    .values(reported=bindparam("_version"), due_at=bindparam("_now_at"))
)


def wake(connection: Connection, dev: str, number: int, now_at: int) -> None:
    """The command that carried a configuration has ended: that is looked at next."""
    connection.execute(
        update(device_config)
        .where(device_config.c.device == dev, device_config.c.command == number)
        .values(due_at=now_at)
    )


def load_due(connection: Connection, now_at: int) -> list[RowMapping]:
    """The configurations to look at now, locked; another receiver's are left out."""
    statement = (
        select(device_config)
        .where(device_config.c.due_at <= now_at)
        .order_by(device_config.c.due_at)
        .limit(_DUE_BATCH)
    )
    return list(connection.execute(statement.with_for_update(skip_locked=True)).mappings())


def has_due(connection: Connection, now_at: int) -> bool:
    """Whether there is one to look at."""
    statement = select(device_config.c.device).where(device_config.c.due_at <= now_at).limit(1)
    return connection.execute(statement).first() is not None


def change(connection: Connection, dev: str, **values: Any) -> None:
    """Move a configuration on."""
    connection.execute(update(device_config).where(device_config.c.device == dev).values(values))


def _reported(connection: Connection, dev: str) -> int | None:
    """The version that the newest boot of a device said."""
    statement = (
        select(session.c.config_version)
        .where(session.c.device == dev, session.c.newest)
        .order_by(session.c.last_seen_at.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar()
