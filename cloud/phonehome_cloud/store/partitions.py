"""Raw messages in one partition a week, on PostgreSQL: what is archived is dropped, not deleted.

A partition has to be there before the first row of its week, because rows that found none are in
`message_rest`, and no partition can be made for a week that has some. So weeks ahead are made by
whichever receiver looks first.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from .dialects import has_row_locks, take_turn

WEEK_MS: Final = 7 * 86_400_000
AHEAD: Final = 4  # weeks: receivers may all be off for a month
_LOCK_TIMEOUT = "2s"  # intake waits behind whoever waits for the table


def week_of(at: int) -> int:
    """When the week of a time begins; weeks begin on Thursdays, as unix time does."""
    return at - at % WEEK_MS


def partition_name(week: int) -> str:
    """The table of the week that begins then."""
    return f"message_{datetime.fromtimestamp(week / 1000, UTC):%Y%m%d}"


def make_ahead(connection: Connection, now_at: int) -> list[str]:
    """Make what is missing for this week and the next ones; returns the names. None on SQLite."""
    if not has_row_locks(connection) or not take_turn(connection, "partitions"):
        return []
    weeks = [week_of(now_at) + n * WEEK_MS for n in range(AHEAD + 1)]
    missing = [week for week in weeks if partition_name(week) not in list_partitions(connection)]
    made = []
    for week in missing:
        if not _has_strays(connection, week):
            make_partition(connection, week)
            made.append(partition_name(week))
    return made


def make_partition(connection: Connection, week: int) -> None:
    """The table for one week; nobody's rows may be in message_rest for it."""
    name, end = partition_name(week), week + WEEK_MS
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.execute(
        text(f"CREATE TABLE {name} PARTITION OF message FOR VALUES FROM ({week}) TO ({end})")
    )


def list_partitions(connection: Connection) -> set[str]:
    """The names of all partitions of the messages."""
    inherits = (
        "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
        " WHERE inhparent = 'message'::regclass"
    )
    return set(connection.execute(text(inherits)).scalars())


def drop_partition(connection: Connection, week: int) -> bool:
    """Drop the table of a week that has nothing left in it; whether there was one."""
    name = partition_name(week)
    if not has_row_locks(connection) or name not in list_partitions(connection):
        return False
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
    if connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first() is not None:  # noqa: S608 - our own name
        return False
    connection.execute(text(f"DROP TABLE {name}"))
    return True


def _has_strays(connection: Connection, week: int) -> bool:
    strays = text(
        "SELECT 1 FROM message_rest WHERE received_at >= :a AND received_at < :b LIMIT 1"
    )
    given = {"a": week, "b": week + WEEK_MS}
    return connection.execute(strays, given).first() is not None
