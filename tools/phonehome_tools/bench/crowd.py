"""A database of very many devices, each with one open ticket, written past the receiver.

By way of reports a million tickets would take an hour; what matters to the digest is that rows and
index entries are there, and where: ids are random, as those of appliances that fail are.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any

# psycopg: the receiver's own driver; COPY takes rows as fast as PostgreSQL can.
import psycopg

from phonehome_tools.bench.reports import FIRST_SPN
from phonehome_wire.registry import FMI_CONDITION, KIND_CONFIRMED, SEVERITY_ERROR

AT = int(time.time() * 1000)
# table -> columns; a row is (device, *the same for all), but for one column that is counted up.
TABLES: dict[str, dict[str, Any]] = {
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


def add_crowd(store: str, known: Sequence[str], tickets: int) -> None:
    """One open ticket for each of `known`, and for strangers until there are `tickets`."""
    strangers = [os.urandom(8).hex() for _ in range(tickets - len(known))]
    everybody = sorted([*known, *strangers])
    add = _add_sqlite if store.startswith("sqlite:///") else _add_postgresql
    add(store, {name: sorted(strangers) if name == "device" else everybody for name in TABLES})


def _rows(table: str, devices: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    rest = tuple(TABLES[table].values())
    return ((device, *rest) for device in devices)


def _add_sqlite(store: str, devices: dict[str, list[str]]) -> None:
    connection = sqlite3.connect(store.removeprefix("sqlite:///"), timeout=60)
    connection.execute("PRAGMA synchronous=OFF")  # of this connection alone
    connection.execute("PRAGMA cache_size=-262144")
    with connection:
        for table, columns in TABLES.items():
            names = ", ".join(("device", *columns))
            values = ", ".join("?" * (1 + len(columns)))
            insert = f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - ours
            connection.executemany(insert, _rows(table, devices[table]))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _add_postgresql(store: str, devices: dict[str, list[str]]) -> None:
    with psycopg.connect(store) as connection, connection.cursor() as cursor:
        for table, columns in TABLES.items():
            names = ", ".join(("device", *columns))
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
                for row in _rows(table, devices[table]):
                    copy.write_row(row)
    with psycopg.connect(store, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
