"""Many rows to PostgreSQL at once: which were new, which overwritten, which not there."""

import pytest
from sqlalchemy import insert, select

from phonehome_cloud.store import arrays, schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.packing import pack
from tests.fakes.bases import empty_shared

COLUMNS = ("device", "inc", "boot", "kind", "slot", "device_ms", "utc_ms")
DEVICE = "a4cf12fffe05d3b1"


@pytest.fixture
def database(postgresql):
    """An empty PostgreSQL that knows a device."""
    made = Database(empty_shared(postgresql))
    made.open()
    made.write_now(lambda c: c.execute(insert(schema.device).values(device=DEVICE, created_at=1)))
    yield made
    made.close()


def row(slot, utc_ms):
    """A row of `anchor`."""
    return DEVICE, "abcdef01", 1, 0, slot, 2**40, utc_ms


def stored(database):
    """Slot and time of every anchor."""
    statement = select(schema.anchor.c.slot, schema.anchor.c.utc_ms)
    found = database.write_now(lambda c: c.execute(statement).all())
    return dict(tuple(row) for row in found)


def test_only_new_rows_are_inserted_and_named(database):
    """What was there stays as it was."""

    def put(rows):
        return database.write_now(arrays.insert_new, schema.anchor, COLUMNS, rows)

    assert put([row(1, 10)]) == {row(1, 0)[:5]}
    assert put([row(3, 30), row(1, 11), row(2, 20)]) == {row(2, 0)[:5], row(3, 0)[:5]}
    assert stored(database) == {1: 10, 2: 20, 3: 30}


def test_rows_are_overwritten_by_their_key(database):
    """`upsert` adds what is missing, `update_rows` does not."""
    for write, rows in (
        (arrays.upsert, [row(1, 10), row(2, 20)]),
        (arrays.upsert, [row(2, 21), row(3, 30)]),
        (arrays.update_rows, [row(3, 31), row(4, 40)]),
    ):
        database.write_now(write, schema.anchor, COLUMNS, rows)
    assert stored(database) == {1: 10, 2: 21, 3: 31}


def test_keys_are_found_however_they_follow_one_another(database):
    """Those that were asked for and are there, in runs, with gaps and in any order; no others."""
    stored = [row(slot, 1)[:5] for slot in (0, 1, 2, 3, 5, 6, 9)]
    wanted = [row(slot, 1)[:5] for slot in (2, 3, 4, 5, 9, 10, 0, 7)]
    others = [(DEVICE, "abcdef01", 2, 0, 6), (DEVICE, "abcdef02", 1, 0, 7)]  # as if the next one
    runs = arrays._runs([*wanted, *others])
    assert [run[4:] for run in runs] == [(2, 5), (9, 10), (0, 0), (7, 7), (6, 6), (7, 7)]

    def look(connection):
        arrays.insert_rows(connection, schema.anchor, COLUMNS, [(*key, 1, 1) for key in stored])
        known = arrays.look_for(connection, schema.anchor, [*wanted, *others])
        connection.execute(select(1))
        return {tuple(key) for key in known()}

    assert database.write_now(look) == set(stored) & set(wanted)


def test_bytes_and_nothing_arrive_as_they_are(database):
    """Every byte value, an empty text of bytes, and NULL in a column and in all of one."""
    columns = (
        "device",
        "hash",
        "inc",
        "boot",
        "now_ms",
        "utc_ms",
        "received_at",
        "transport",
        "raw",
    )
    rows = [
        (DEVICE, bytes(range(n, n + 16)), "abcdef01", 1, n, None, 2**41, "http", raw)
        for n, raw in enumerate((bytes(range(256)), b"", b"\\x00'%s{,}\""))
    ]
    database.write_now(arrays.insert_new, schema.message, columns, rows)
    wanted = [schema.message.c[name] for name in columns]
    statement = select(*wanted).order_by(schema.message.c.now_ms)
    assert [tuple(r) for r in database.write_now(lambda c: c.execute(statement).all())] == rows


@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("BIGINT", [0, -1, 2**63 - 1, -(2**63), None]),
        ("BIGINT", [1, 2, 3]),
        ("INTEGER", [7, -(2**31), None]),
        ("SMALLINT", [32767, -32768]),
        ("VARCHAR(16)", ["", "NULL", "ä{,}\"'\\", None]),
        ("TEXT", [None, None]),
        ("BYTEA", [b"", bytes(range(256)), None]),
        ("BOOLEAN", [True, False, None]),
        ("BIGINT", []),
        ("VARCHAR(16)", []),
        ("BYTEA", []),
    ],
)
def test_the_server_reads_an_array_as_it_was_packed(database, type_name, values):
    """Each type at its limits, NULL among others and alone, and no element at all."""
    statement = f"SELECT %s::{type_name}[]"
    given = (pack(type_name, values),)
    read = database.write_now(lambda c: c.exec_driver_sql(statement, given).scalar())
    assert read == values
