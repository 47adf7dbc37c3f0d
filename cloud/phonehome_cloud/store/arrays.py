"""Many rows to PostgreSQL in one statement: an array per column, unnested there.

The text is the same however many rows there are, so the driver prepares it once, and arrays go
over in binary (`packing`). A row of a commit of 200 costs this process 2.4 us; as one VALUES with
RETURNING 14, by executemany 8 (and no RETURNING), as arrays in text 9.

Rows are tuples in the order of `columns`, which begin with the primary key of the table. They go
in by that key: receivers that write the same rows wait for each other, and never in a circle.

What has nothing to answer waits for the next statement, or for the commit, and raises there what
stands in its way: see `trips`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from .columns import PARTITIONED
from .packing import pack

Rows = Sequence[tuple[Any, ...]]
Answer = Callable[[], Sequence[Sequence[Any]]]


def insert_new(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> set[tuple[Any, ...]]:
    """Insert the rows whose primary key is not there yet; returns the keys of those.

    Of a partitioned table only who has locked what the rows are about may ask: no index helps.
    """
    found = connection.exec_driver_sql(_insert_text(table, columns), _arrays(table, columns, rows))
    return {tuple(row) for row in found}


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Insert rows; whatever stands in the way of one of them is an error."""
    _send_later(connection, _plain_text(table, columns), _arrays(table, columns, rows))


def upsert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> None:
    """Insert rows, or overwrite all but the key of those that are there; keys are different."""
    _send_later(connection, _upsert_text(table, columns), _arrays(table, columns, rows))


def update_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Overwrite all but the key of rows that are there; keys are different."""
    _send_later(connection, _update_text(table, columns), _arrays(table, columns, rows))


def delete_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Delete the rows that have these values in these columns."""
    _send_later(connection, _delete_text(table, columns), _arrays(table, columns, rows))


def look_for(connection: Connection, table: Table, keys: Rows) -> Answer:
    """Which of these primary keys are there: can be asked when the next statement was executed.

    They end with a number, and those that follow one another are looked for as one: what a
    message brings mostly does. A record of 20 in a message costs the server 2 us less that way.
    """
    runs = _runs(keys)
    types = _types(table, _key(table))
    given = map(pack, [*types, types[-1]], zip(*runs, strict=True))
    return fetch_later(connection, _look_text(table), tuple(given))


def _runs(keys: Rows) -> Rows:
    """Keys of which each is the one before with its number one higher: (*key, last number)."""
    runs = []
    first, last = keys[0], keys[0][-1]
    for key in keys[1:]:
        if key[-1] == last + 1 and key[:-1] == first[:-1]:
            last += 1
            continue
        runs.append((*first, last))
        first, last = key, key[-1]
    return [*runs, (*first, last)]


def fetch_later(connection: Connection, text: str, values: Any) -> Answer:
    """The rows of a statement: can be asked when the next one was executed."""
    rows: Answer = _send_later(connection, text, values).fetchall
    return rows


def _send_later(connection: Connection, text: str, values: Any) -> Any:
    link: Any = connection.connection.driver_connection  # a trips.TripConnection
    return link.send_later(text, values)


def _arrays(table: Table, columns: tuple[str, ...], rows: Rows) -> tuple[Any, ...]:
    ordered = sorted(rows, key=itemgetter(*range(len(table.primary_key))))
    return tuple(map(pack, _types(table, columns), zip(*ordered, strict=True)))


@cache
def _dialect() -> Dialect:
    # Loaded here: a receiver on SQLite has no use for its 2 MiB.
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.dialect()  # type: ignore[no-untyped-call]


def _given(table: Table, columns: tuple[str, ...]) -> str:
    """The rows that the arrays hold."""
    return f"unnest({', '.join(f'%s::{type_}[]' for type_ in _types(table, columns))})"


@cache
def _types(table: Table, columns: tuple[str, ...]) -> list[str]:
    return [table.c[name].type.compile(dialect=_dialect()) for name in columns]


def _names(names: Sequence[str], of: str = "") -> str:
    return ", ".join(of + _quoted(name) for name in names)


def _quoted(name: str) -> str:
    """`limit` is a column of ours, and a word of SQL's."""
    return _dialect().identifier_preparer.quote(name)


def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _insert(table: Table, columns: tuple[str, ...]) -> str:
    given = _given(table, columns)
    return f"INSERT INTO {table.name} ({_names(columns)}) SELECT * FROM {given} ON CONFLICT"  # noqa: S608 - names of our schema


@cache
def _plain_text(table: Table, columns: tuple[str, ...]) -> str:
    return _insert(table, columns).removesuffix(" ON CONFLICT")


@cache
def _insert_text(table: Table, columns: tuple[str, ...]) -> str:
    names, key = _names(columns), _key(table)
    if not table.info.get(PARTITIONED):
        return f"{_insert(table, columns)} DO NOTHING RETURNING {_names(key)}"
    given = f"SELECT DISTINCT ON ({_names(key)}) * FROM {_rows(table, columns)}"  # noqa: S608 - as below
    known = f"SELECT FROM {table.name} WHERE {_same(table, key)}"
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM ({given}) AS given"  # noqa: S608 - names of our schema
        f" WHERE NOT EXISTS ({known}) RETURNING {_names(key)}"
    )


@cache
def _upsert_text(table: Table, columns: tuple[str, ...]) -> str:
    key = _key(table)
    kept = ", ".join(f"{_quoted(c)} = excluded.{_quoted(c)}" for c in columns[len(key) :])
    return f"{_insert(table, columns)} ({_names(key)}) DO UPDATE SET {kept}"


@cache
def _update_text(table: Table, columns: tuple[str, ...]) -> str:
    key = _key(table)
    kept = ", ".join(f"{_quoted(c)} = given.{_quoted(c)}" for c in columns[len(key) :])
    rows, same = _rows(table, columns), _same(table, key)
    return f"UPDATE {table.name} SET {kept} FROM {rows} WHERE {same}"  # noqa: S608 - as above


@cache
def _delete_text(table: Table, columns: tuple[str, ...]) -> str:
    rows, same = _rows(table, columns), _same(table, columns)
    return f"DELETE FROM {table.name} USING {rows} WHERE {same}"  # noqa: S608 - as above


@cache
def _look_text(table: Table) -> str:
    *others, number = key = _key(table)
    types = _types(table, key)
    given = ", ".join(f"%s::{type_}[]" for type_ in (*types, types[-1]))
    run = f"unnest({given}) AS given ({_names(key)}, last)"
    within = f"{table.name}.{_quoted(number)} BETWEEN given.{_quoted(number)} AND given.last"
    same = f"{_same(table, others)} AND {within}"
    return f"SELECT {_names(key, f'{table.name}.')} FROM {run} JOIN {table.name} ON {same}"  # noqa: S608 - as above


def _rows(table: Table, columns: tuple[str, ...]) -> str:
    return f"{_given(table, columns)} AS given ({_names(columns)})"


def _same(table: Table, key: Sequence[str]) -> str:
    return " AND ".join(f"{table.name}.{_quoted(c)} = given.{_quoted(c)}" for c in key)
