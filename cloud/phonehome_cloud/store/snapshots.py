"""A backup: one SQLite file with every row of every table, whatever the database was.

Inside it a manifest says how many rows each table has and what they sum up to, so that a copy can
be compared with it on any database. The sum does not depend on the order of rows: it adds the
SHA-256 of each, modulo 2**256. The file gets its name when it is complete and synced.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from sqlalchemy import JSON, Connection, Table, create_engine, insert, select

from phonehome_cloud.errors import StoreRefusedError

from .columns import metadata

FORMAT: Final = "1"
VERSIONS: Final = "alembic_version"
_MANIFEST: Final = "backup_manifest"
_ABOUT: Final = "backup_about"
_CHUNK: Final = 1000
_ROOM: Final = 1 << 256


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows a table has, and the sum over them."""

    rows: int
    digest: str


class Summing:
    """Counts and sums the rows of one table; `columns` in any order, the same for every row."""

    def __init__(self, columns: Iterable[str], in_json: Iterable[str]) -> None:
        given = list(columns)
        self._order = sorted(range(len(given)), key=given.__getitem__)
        self._in_json = {given.index(name) for name in in_json}
        self._rows, self._sum = 0, 0

    def add(self, row: Any) -> None:
        """Take one row, JSON as text or as a value."""
        values = [self._plain(place, row[place]) for place in self._order]
        digest = sha256(msgspec.msgpack.encode(values)).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _ROOM
        self._rows += 1

    def _plain(self, place: int, value: Any) -> Any:
        """What databases spell differently, spelled in one way."""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, memoryview):
            return bytes(value)
        if place in self._in_json and value is not None:
            value = json.loads(value) if isinstance(value, str | bytes) else value
            return None if value is None else json.dumps(value, sort_keys=True)
        return value

    @property
    def content(self) -> Content:
        """What was added so far."""
        return Content(self._rows, f"{self._sum:064x}")


def sum_tables(connection: Connection) -> dict[str, Content]:
    """What each table of a database holds that is at this version's schema."""
    return {table.name: _sum_table(connection, table) for table in metadata.sorted_tables}


def _sum_table(connection: Connection, table: Table) -> Content:
    in_json = [column.name for column in table.c if isinstance(column.type, JSON)]
    summing = Summing(table.c.keys(), in_json)
    for row in connection.execute(select(table), execution_options={"yield_per": _CHUNK}):
        summing.add(row)
    return summing.content


def sum_file(connection: sqlite3.Connection) -> dict[str, Content]:
    """What each table of an SQLite file holds, whichever version's schema it has."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    ours = sorted({name for (name,) in names} - {_MANIFEST, _ABOUT, VERSIONS})
    return {name: _sum_file_table(connection, name) for name in ours if not _is_internal(name)}


def _is_internal(name: str) -> bool:
    return name.startswith("sqlite_")


def _sum_file_table(connection: sqlite3.Connection, name: str) -> Content:
    columns = connection.execute(f"PRAGMA table_info('{name}')").fetchall()
    in_json = [column[1] for column in columns if column[2] == "JSON"]
    summing = Summing((column[1] for column in columns), in_json)
    for row in connection.execute(f"SELECT * FROM '{name}'"):  # noqa: S608 - a name of the file
        summing.add(row)
    return summing.content


@contextlib.contextmanager
def begun(path: Path) -> Iterator[Path]:
    """A new file of mode 0600 under another name, that is given its own when all went well.

    StoreRefusedError when there is something of that name, before or after, or no such folder.
    """
    if not path.parent.is_dir():
        raise StoreRefusedError(f"{path.parent} is no folder: make it first")
    if path.exists():
        raise StoreRefusedError(f"{path} is there already; nothing was overwritten")
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield partial
        _sync(partial, os.O_RDWR)
        os.link(partial, path)
    except FileExistsError:
        raise StoreRefusedError(f"{path} was made meanwhile; it was not overwritten") from None
    finally:
        partial.unlink(missing_ok=True)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """The SQLite database of one file in another one, as of one moment, while others write."""
    with (
        contextlib.closing(_connect(source, "ro")) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file is all there is


def copy_rows(connection: Connection, path: Path) -> None:
    """Every row of another database in an SQLite file; the connection sees one moment."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as new:
            metadata.create_all(new)
            new.exec_driver_sql(f"CREATE TABLE {VERSIONS} (version_num VARCHAR(32) NOT NULL)")
            transfer(connection, new)
            found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSIONS}").scalar()  # noqa: S608
            new.exec_driver_sql(f"INSERT INTO {VERSIONS} VALUES (?)", (found,))  # noqa: S608
    finally:
        engine.dispose()


def transfer(source: Connection, target: Connection) -> None:
    """Insert every row of one database into the empty tables of another, parents first."""
    for table in metadata.sorted_tables:
        found = source.execute(select(table), execution_options={"yield_per": _CHUNK})
        for rows in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])


def write_manifest(path: Path, about: Mapping[str, str]) -> dict[str, Content]:
    """Say inside a complete copy what it holds; returns that."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        found = sum_file(connection)
        revision = connection.execute(f"SELECT version_num FROM {VERSIONS}").fetchone()[0]  # noqa: S608
        connection.execute(f"CREATE TABLE {_MANIFEST} (name PRIMARY KEY, rows, digest)")
        connection.execute(f"CREATE TABLE {_ABOUT} (name PRIMARY KEY, value)")
        rows = [(name, content.rows, content.digest) for name, content in found.items()]
        connection.executemany(f"INSERT INTO {_MANIFEST} VALUES (?, ?, ?)", rows)  # noqa: S608
        facts = {"format": FORMAT, "revision": revision, **about}
        connection.executemany(f"INSERT INTO {_ABOUT} VALUES (?, ?)", list(facts.items()))  # noqa: S608
    return found


def check_backup(path: Path) -> tuple[dict[str, str], dict[str, Content]]:
    """What a backup says about itself and holds; StoreRefusedError unless both are the same."""
    if not path.is_file():
        raise StoreRefusedError(f"{path} is no file")
    try:
        with contextlib.closing(_connect(path, "ro", immutable=True)) as connection:
            about, wanted = _read_manifest(connection)
            damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            found = sum_file(connection) if damage == "ok" else {}
    except (sqlite3.DatabaseError, OverflowError, ValueError) as error:
        raise StoreRefusedError(f"{path} is no whole backup: {error}") from None
    if about.get("format") != FORMAT:
        raise StoreRefusedError(f"{path} has format {about.get('format')}, known is {FORMAT}")
    if found != wanted:
        raise StoreRefusedError(f"{path} is damaged: {difference(wanted, found)}")
    return about, found


def difference(wanted: Mapping[str, Content], found: Mapping[str, Content]) -> str:
    """In which tables two contents differ, and how; "" when they are the same."""
    lines = []
    for name in sorted({*wanted, *found}):
        before, after = wanted.get(name), found.get(name)
        if before != after:
            counts = [content.rows if content else "no" for content in (before, after)]
            lines.append(f"{name} ({counts[0]} rows before, {counts[1]} now)")
    return ", ".join(lines)


def strip_manifest(path: Path) -> None:
    """Make a plain database of a copy of a backup."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table in (_MANIFEST, _ABOUT):
            connection.execute(f"DROP TABLE {table}")


def _read_manifest(connection: sqlite3.Connection) -> tuple[dict[str, str], dict[str, Content]]:
    about = dict(connection.execute(f"SELECT name, value FROM {_ABOUT}").fetchall())  # noqa: S608
    rows = connection.execute(f"SELECT name, rows, digest FROM {_MANIFEST}").fetchall()  # noqa: S608
    return about, {name: Content(count, digest) for name, count, digest in rows}


def opened(path: Path) -> sqlite3.Connection:
    """A backup, to be read; the caller closes it."""
    return _connect(path, "ro", immutable=True)


def _connect(path: Path, mode: str, *, immutable: bool = False) -> sqlite3.Connection:
    how = f"mode={mode}" + ("&immutable=1" if immutable else "")
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?{how}", uri=True)
