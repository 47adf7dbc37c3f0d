"""Many rows in one call: what a commit of intake is made of.

Rows are tuples in the order of `columns`, which begin with the primary key of the table. SQLite
gets a text that is made once and the tuples as they are: no statement to compile, no parameter to
rename, no row to return. A report in a commit of 50 costs the writer 85 us that way, in one of
250 50, most of it in SQLite; as dictionaries through SQLAlchemy 150. PostgreSQL gets `arrays`.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    Dialect,
    Row,
    RowMapping,
    Select,
    Table,
    any_,
    bindparam,
    func,
    select,
)

from . import arrays
from .columns import to_json

_SQLITE = "sqlite"
_WANTED = "wanted_values"

Rows = Sequence[tuple[Any, ...]]
Answer = arrays.Answer


def insert_new(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Rows,
    known: Answer | None = None,
) -> set[tuple[Any, ...]]:
    """Insert the rows whose primary key is not there yet; returns the keys of the others.

    `known` is what `look_for` has found of all their keys.
    """
    if not rows:
        return set()
    if known is not None:
        old = {tuple(key) for key in known()}
        width = len(table.primary_key)
        new = [row for row in rows if row[:width] not in old] if old else rows
        insert_rows(connection, table, columns, new)
        return old
    if connection.dialect.name != _SQLITE:
        added = arrays.insert_new(connection, table, columns, rows)
    else:
        inserted = connection.exec_driver_sql(_insert_text(table, columns), list(rows)).rowcount
        if inserted == len(rows):  # nearly always: nobody said it before
            return set()
        # Nobody else writes, and each new row gets the rowid after the highest.
        newest = connection.exec_driver_sql(_newest_text(table), (inserted,))
        added = {tuple(row) for row in newest}
    width = len(table.primary_key)
    return {row[:width] for row in rows} - added


def look_for(connection: Connection, table: Table, keys: Rows) -> Answer | None:
    """For a later insert_new by who keeps others from inserting these keys meanwhile.

    On PostgreSQL it is answered with the next statement, and the rows can go with the commit;
    SQLite tells without it what was new.
    """
    if not keys or connection.dialect.name == _SQLITE:
        return None
    return arrays.look_for(connection, table, keys)


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Insert rows; whatever stands in the way of one of them is an error."""
    if not rows:
        return
    if connection.dialect.name != _SQLITE:
        arrays.insert_rows(connection, table, columns, rows)
        return
    connection.exec_driver_sql(_plain_text(table, columns), list(rows))


def upsert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> None:
    """Insert rows, or overwrite all but the key of those that are there; keys are different."""
    if not rows:
        return
    if connection.dialect.name != _SQLITE:
        arrays.upsert(connection, table, columns, rows)
        return
    connection.exec_driver_sql(_upsert_text(table, columns), list(rows))


def update_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Overwrite all but the key of rows that are there; keys are different."""
    if not rows:
        return
    if connection.dialect.name != _SQLITE:
        arrays.update_rows(connection, table, columns, rows)
        return
    width = len(table.primary_key)
    given = [row[width:] + row[:width] for row in rows]
    connection.exec_driver_sql(_update_text(table, columns), given)


def delete_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows
) -> None:
    """Delete the rows that have these values in these columns."""
    if not rows:
        return
    if connection.dialect.name != _SQLITE:
        arrays.delete_rows(connection, table, columns, rows)
        return
    connection.exec_driver_sql(_delete_text(table, columns), list(rows))


def fetch_of(
    connection: Connection,
    make: Callable[[Any], Select[Any]],
    column: Column[Any],
    values: Collection[str],
) -> Sequence[Row[Any]]:
    """Rows of the statement that `make`, a function of a module, makes of a condition: that
    `column` is one of `values`.

    One statement, made once, however many values there are; building it takes 1 ms.
    """
    dialect, given = connection.dialect.name, list(values)
    wanted = to_json(given) if dialect == _SQLITE else given
    return connection.execute(_made(dialect, make, column), {_WANTED: wanted}).all()


def fetch_later(
    connection: Connection,
    make: Callable[[Any], Select[Any]],
    column: Column[Any],
    values: Collection[str],
) -> Answer:
    """As fetch_of, but to be asked behind the next statement, with which it goes on PostgreSQL."""
    if connection.dialect.name != _SQLITE:
        text = _text(connection.dialect, make, column)
        return arrays.fetch_later(connection, text, {_WANTED: list(values)})
    rows = fetch_of(connection, make, column, values)
    return lambda: rows


def mapping_of(row: Row[Any]) -> RowMapping:
    """The columns of a row by their names."""
    return row._mapping  # noqa: SLF001 - its public name, which has an underscore against columns


@cache
def _made(dialect: str, make: Callable[[Any], Select[Any]], column: Column[Any]) -> Select[Any]:
    if dialect == _SQLITE:
        each = func.json_each(bindparam(_WANTED)).table_valued("value")
        return make(column.in_(select(each.c.value)))
    return make(column == any_(bindparam(_WANTED, type_=ARRAY(column.type))))


@lru_cache(64)
def _text(dialect: Dialect, make: Callable[[Any], Select[Any]], column: Column[Any]) -> str:
    return str(_made(dialect.name, make, column).compile(dialect=dialect))


def _insert(table: Table, columns: Sequence[str]) -> str:
    values = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({_names(columns)}) VALUES ({values}) ON CONFLICT"  # noqa: S608


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


@cache
def _plain_text(table: Table, columns: tuple[str, ...]) -> str:
    return _insert(table, columns).removesuffix(" ON CONFLICT")


@cache
def _insert_text(table: Table, columns: tuple[str, ...]) -> str:
    return f"{_insert(table, columns)} DO NOTHING"


@cache
def _newest_text(table: Table) -> str:
    before = f"SELECT max(rowid) - ? FROM {table.name}"  # noqa: S608 - names of our schema
    return f"SELECT {_names(_key(table))} FROM {table.name} WHERE rowid > ({before})"  # noqa: S608


@cache
def _upsert_text(table: Table, columns: tuple[str, ...]) -> str:
    key = _key(table)
    kept = ", ".join(f'"{name}" = excluded."{name}"' for name in columns[len(key) :])
    return f"{_insert(table, columns)} ({_names(key)}) DO UPDATE SET {kept}"


@cache
def _update_text(table: Table, columns: tuple[str, ...]) -> str:
    width = len(table.primary_key)
    kept = ", ".join(f'"{name}" = ?' for name in columns[width:])
    same = " AND ".join(f'"{name}" = ?' for name in columns[:width])
    return f"UPDATE {table.name} SET {kept} WHERE {same}"  # noqa: S608 - names of our schema


@cache
def _delete_text(table: Table, columns: tuple[str, ...]) -> str:
    same = " AND ".join(f'"{name}" = ?' for name in columns)
    return f"DELETE FROM {table.name} WHERE {same}"  # noqa: S608 - names of our schema
