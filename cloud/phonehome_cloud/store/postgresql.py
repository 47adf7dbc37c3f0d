"""PostgreSQL: commits that are on the disk, readers on one snapshot, and a server that may go.

psycopg 3, because the store is synchronous (one writer thread): asyncpg would be called through a
greenlet for each statement, and psycopg 2 gets repairs only. Its binary wheel brings libpq.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from .columns import from_json, to_json
from .packing import Packed

_LOG = logging.getLogger(__name__)

DRIVER: Final = "postgresql+psycopg"
SCHEMES: Final = frozenset(("postgresql", "postgres"))
# A reader sees the database as it was when it began, as on SQLite; it takes no lock.
READING: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

# A server that is gone without a word: noticed in seconds, not in the two hours of TCP.
_LINK: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "phonehome",
}
_POOL_WAIT_S: Final = 5
# What another transaction did to ours: serialization failure, deadlock, the same row inserted.
_COLLISIONS: Final = frozenset(("40001", "40P01", "23505"))
# No disk, no memory, no connection, shutting down, read only (a standby): it may work later.
_AWAY: Final = ("08", "53", "57", "58", "25006")


_BY_KEY: Final = "phonehome_by_key"


def with_driver(url: URL) -> URL:
    """`postgresql://` as people write it, with our driver named."""
    return url.set(drivername=DRIVER) if url.drivername in SCHEMES else url


def make_engine(url: URL, connections: int) -> Engine:
    """An engine whose every commit waits for the disk."""
    engine = create_engine(
        url,
        json_serializer=to_json,
        json_deserializer=from_json,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_S,
        connect_args=_LINK | dict(url.query),
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _prepare)
    return engine


def warn_of_lies(connection: Connection) -> None:
    """Say so when the server itself does not sync: nobody but its operator can change that."""
    if connection.execute(text("SHOW fsync")).scalar() == "off":
        _LOG.warning("this PostgreSQL runs with fsync=off: a power cut can lose what was acked")


def look_up_by_key(connection: Connection) -> None:
    """Let the planner find rows by index only, on a connection whose statements all name keys.

    Without statistics, a table that is empty when a statement is planned is read as a whole from
    then on: messages and records in each commit, until the autovacuum has looked at them. With
    10,000 messages that was 2.4 ms of the server's time for a commit of 24; with this it is 1.1.
    Planned so, a statement needs one plan: finding another for each commit, over all partitions of
    the messages, took 0.7 of the 1.7 ms of a commit of 6 (busy machine).
    """
    if connection.info.get(_BY_KEY):
        return
    with connection.begin():
        for kind in ("seqscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET enable_{kind} = off")
        connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
    connection.info[_BY_KEY] = True


def is_collision(error: BaseException | None) -> bool:
    """Whether the same transaction, begun anew, can work at once."""
    return getattr(error, "sqlstate", None) in _COLLISIONS


def is_away(error: BaseException | None) -> bool:
    """Whether an error of the driver is about the server and not about the statement."""
    return (getattr(error, "sqlstate", None) or "").startswith(_AWAY)


def _connect(_dialect: object, _record: object, words: Sequence[Any], names: Any) -> Any:
    """A connection whose statements can wait for each other."""
    # Loaded here, and below: a receiver on SQLite has no use for the driver's 9 MiB.
    from .trips import TripConnection  # noqa: PLC0415

    return TripConnection.connect(*words, **names)


def _prepare(connection: Any, _record: object) -> None:
    """An ack may only follow a commit that is on the disk; a stricter server stays as it is."""
    from psycopg.types.array import ListBinaryDumper  # noqa: PLC0415
    from psycopg.types.string import BytesBinaryDumper  # noqa: PLC0415

    from .trips import PackedDumper  # noqa: PLC0415

    # As text each byte would be three, and each array written out and read again.
    connection.adapters.register_dumper(Packed, PackedDumper)
    connection.adapters.register_dumper(list, ListBinaryDumper)
    connection.adapters.register_dumper(bytes, BytesBinaryDumper)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
