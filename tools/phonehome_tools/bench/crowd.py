"""A database of very many devices, each with one open ticket, written past the receiver.

By way of reports a million tickets would take an hour; what matters to the digest is that rows and
index entries are there, and where: ids are random, as those of appliances that fail are.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

# psycopg: the receiver's own driver; COPY takes rows as fast as PostgreSQL can.
import psycopg

from phonehome_tools.bench.reports import FIRST_SPN
from phonehome_wire.registry import FMI_CONDITION, KIND_CONFIRMED, SEVERITY_ERROR

Tables: TypeAlias = Mapping[str, Mapping[str, Any]]
Rows: TypeAlias = Mapping[tuple[str, tuple[str, ...]], Iterator[tuple[Any, ...]]]
AT = int(time.time() * 1000)
# table -> columns; a row is (device, *the same for all), but for one column that is counted up.
TABLES: Tables = {
    "device": {"label": "", "created_at": AT},
    "fault": {
        "spn": FIRST_SPN,
        "fmi": FMI_CONDITION,
        "inc": "00000000",
        "inc_seen_at": 1,
        "boot": 1,
        "seq": 1,
        "kind": KIND_CONFIRMED,
        "status": 9,
        "occurrence": 1,
        "event_at": AT,
    },
    "ticket": {
        "number": 1,
        "spn": FIRST_SPN,
        "fmi": FMI_CONDITION,
        "state": "open",
        "severity": SEVERITY_ERROR,
        "title": "one of many",
        "opened_at": AT,
        "updated_at": AT,
        "event_at": AT,
        "last_event_at": AT,
        "late": False,
        "occurrences": 1,
        "reopened": 0,
        "events": 1,
    },
    "ticket_event": {"ticket": 1, "n": 0, "at": AT, "who": "device", "kind": "opened"},
}


def add_crowd(
    store: str, known: Sequence[str], tickets: int, tables: Tables = TABLES
) -> list[str]:
    """One open ticket for each of `known`, and for strangers until there are `tickets`.

    Returns all of these devices, the strangers in no order.
    """
    strangers = [os.urandom(8).hex() for _ in range(tickets - len(known))]
    everybody = sorted([*known, *strangers])
    add = _add_sqlite if store.startswith("sqlite:///") else _add_postgresql
    rows = {
        (name, ("device", *columns)): _rows(
            sorted(strangers) if name == "device" else everybody, columns
        )
        for name, columns in tables.items()
    }
    add(store, rows)
    return [*known, *strangers]


def _rows(devices: Sequence[str], columns: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    rest = tuple(columns.values())
    return ((device, *rest) for device in devices)


def _add_sqlite(store: str, tables: Rows) -> None:
    connection = sqlite3.connect(store.removeprefix("sqlite:///"), timeout=60)
    connection.execute("PRAGMA synchronous=OFF")  # of this connection alone
    connection.execute("PRAGMA cache_size=-262144")
    with connection:
        for (table, columns), rows in tables.items():
            names, values = ", ".join(columns), ", ".join("?" * len(columns))
            insert = f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - ours
            connection.executemany(insert, rows)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _add_postgresql(store: str, tables: Rows) -> None:
    with psycopg.connect(store) as connection, connection.cursor() as cursor:
        for (table, columns), rows in tables.items():
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(store, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
