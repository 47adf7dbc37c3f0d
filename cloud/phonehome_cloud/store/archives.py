"""Which raw messages are in which file, and the moves between `message` and a file.

A row of `archive` owns what is in its file. Until it is cleared, rows may be in both places, and
whoever finds it so deletes them from the table: by their keys, as the file has them, so that a
message which came in between is never deleted. That is the state after a kill while rows are
deleted, and while they are restored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, exists, select, update

from .bulk import delete_rows, insert_new
from .dialects import fetch_among
from .partitions import WEEK_MS
from .schema import archive, message, session
from .sessions import load_journal

COLUMNS: Final = tuple(column.name for column in message.columns)
_KEY: Final = ("device", "hash", "received_at")
_BATCH = 20_000  # rows of one row group in the file: some 10 MB


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive: its name, its week, and what must be in it."""

    file: str
    week_at: int
    rows: int
    sha256: str
    made_at: int
    cleared_at: int | None = None


def load_weeks(connection: Connection, before_at: int) -> list[int]:
    """The weeks that ended before a time and have messages in the table, oldest first."""
    week = message.c.received_at - message.c.received_at % WEEK_MS
    last_at = before_at - before_at % WEEK_MS
    query = select(week).where(message.c.received_at < last_at, ~_is_newest()).distinct()
    return sorted(connection.execute(query).scalars())


def stream_week(connection: Connection, week_at: int) -> Iterator[Sequence[Row[Any]]]:
    """The messages of a week in batches, device by device, as of one moment."""
    query = (
        select(message)
        .where(message.c.received_at >= week_at, message.c.received_at < week_at + WEEK_MS)
        .where(~_is_newest())
        .order_by(message.c.device, message.c.received_at, message.c.hash)
    )
    streaming = connection.execution_options(stream_results=True)
    yield from streaming.execute(query).partitions(_BATCH)


def _is_newest() -> Any:
    """Whether a message is the last that a boot said: it stays, or sent again by a stranger it
    would look like a sign of life. Whatever is older is late by its uptime.
    """
    return exists().where(
        session.c.device == message.c.device,
        session.c.inc == message.c.inc,
        session.c.boot == message.c.boot,
        session.c.newest,
        session.c.last_now_ms == message.c.now_ms,
    )


def last_number(connection: Connection, week_at: int) -> int:
    """That of the last file of a week, which may have some: clocks are set back, too."""
    query = select(archive.c.file).where(archive.c.week_at == week_at)
    files = connection.execute(query).scalars()
    return max((int(Path(file).stem.rpartition("-")[2]) for file in files), default=0)


def has_all(connection: Connection, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether all these messages of a file are in the table, too."""
    when = message.c.device, message.c.received_at
    moments = {(row["device"], row["received_at"]) for row in rows}
    found = fetch_among(connection, when, moments, message.c.device, message.c.hash)
    return {(row["device"], row["hash"]) for row in rows} <= {tuple(row) for row in found}


def book(connection: Connection, entry: Entry) -> None:
    """From now on the file owns its rows."""
    row = {name: getattr(entry, name) for name in Entry.__slots__}
    connection.execute(archive.insert().values(row))


def load_uncleared(connection: Connection) -> list[Entry]:
    """Files whose rows may still be in the table."""
    query = select(archive).where(archive.c.cleared_at.is_(None)).order_by(archive.c.file)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def maybe_find(connection: Connection, file: str) -> Entry | None:
    """A file of the archive of this database; None for one that it does not know."""
    row = connection.execute(select(archive).where(archive.c.file == file)).mappings().first()
    return None if row is None else Entry(**row)


def clear(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Delete messages that are in a file."""
    keys = [tuple(row[name] for name in _KEY) for row in rows]
    delete_rows(connection, message, _KEY, keys)


def mark_cleared(connection: Connection, file: str, now_at: int | None) -> None:
    """Its rows are in the file alone; None: they may be in both again."""
    connection.execute(update(archive).where(archive.c.file == file).values(cleared_at=now_at))


def put_back(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Insert messages of a file that are not in the table; returns how many."""
    load_journal(connection, {row["device"] for row in rows})  # its lock keeps intake from them
    given = [tuple(row[name] for name in COLUMNS) for row in rows]
    return len(given) - len(insert_new(connection, message, COLUMNS, given))


def forget(connection: Connection, file: str) -> None:
    """The table owns its rows again."""
    connection.execute(delete(archive).where(archive.c.file == file))
