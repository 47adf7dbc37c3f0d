"""Who runs on this database, and how far behind they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, func, select

from .dialects import insert
from .schema import receiver, record, session

COUNT_CAP = 10_001
_FORGOTTEN_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records that wait for the digest: the oldest came at `since_at`; None when there is none."""

    since_at: int | None
    waiting: int


def note_alive(connection: Connection, name: str, started_at: int, now_at: int) -> None:
    """Say that this receiver could write; those that could not for a day are forgotten."""
    row = {"name": name, "started_at": started_at, "seen_at": now_at}
    statement = insert(connection, receiver).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now_at})
    )
    connection.execute(delete(receiver).where(receiver.c.seen_at < now_at - _FORGOTTEN_MS))


def list_alive(connection: Connection) -> Sequence[RowMapping]:
    """The receivers that wrote within a day, by name."""
    return connection.execute(select(receiver).order_by(receiver.c.name)).mappings().all()


def load_backlog(connection: Connection) -> Backlog:
    """How much waits for the digest, counted up to COUNT_CAP."""
    waits = record.c.digested_at.is_(None)
    since_at = connection.execute(select(func.min(record.c.received_at)).where(waits)).scalar()
    some = select(record.c.received_at).where(waits).limit(COUNT_CAP).subquery()
    waiting = connection.execute(select(func.count()).select_from(some)).scalar_one()
    return Backlog(since_at, waiting)


def count_dropped(connection: Connection) -> tuple[int, int]:
    """(devices, records): whose newest boot said that it dropped something, and how much."""
    query = select(func.count(), func.coalesce(func.sum(session.c.dropped), 0)).where(
        session.c.newest, session.c.dropped > 0
    )
    devices, records = connection.execute(query).one()
    return int(devices), int(records)
