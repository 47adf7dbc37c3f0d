"""One database, one writer: every write runs in one thread that owns the write connection.

Readers run in a small pool of their own. The database is SQLite in one file (WAL, synced at each
commit) or anything else SQLAlchemy Core speaks; nothing above this file knows which.
SQLAlchemy because the same statements have to run on PostgreSQL unchanged.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

# msgspec: freeze frames are written as JSON some times faster than by the standard library.
import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

from phonehome_cloud.errors import ConfigError, StoreRefusedError, StoreUnavailableError

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
READERS = 4
CACHE_KIB = 32 * 1024

_HEADER = b"SQLite format 3\x00"
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class Database:
    """The write thread, the read pool and the engine under both; `open()` before, `close()` after.

    Raises StoreRefusedError from open() when the file is damaged; it is then left as it was.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._make_engine()
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._connection: Connection | None = None

    def _make_engine(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_size=READERS + 1, json_serializer=_to_json)
        engine = create_engine(
            self.url,
            json_serializer=_to_json,
            poolclass=QueuePool,
            pool_size=READERS + 1,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def open(self) -> None:
        """Check the file and connect; nothing is created in a database that is refused."""
        if self.is_sqlite:
            path = Path(self.url.database or "")
            check_sqlite_file(path)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with unavailable():
            self.engine.connect().close()

    def close(self) -> None:
        """Finish what is queued, then let go of threads and connections."""
        self._writer.submit(self._disconnect).result()
        self._writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()

    async def write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """fn(connection, ...) as one transaction in the writer thread; committed when it returns.

        Raises StoreUnavailableError when nothing could be stored, and whatever fn raises.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._writer, lambda: self.write_now(fn, *args, **kwargs)
        )

    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """fn(connection, ...) in the read pool, on one consistent view; nothing may be written."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, lambda: self._read_now(fn, *args, **kwargs)
        )

    def write_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The transaction itself. Only for the writer thread, and for commands without a loop."""
        with unavailable():
            connection = self._write_connection()
            with connection.begin():
                return fn(connection, *args, **kwargs)

    def _read_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with unavailable(), self.engine.connect() as pooled:
            connection = pooled.execution_options(phonehome_read=True)
            with connection.begin():
                return fn(connection, *args, **kwargs)

    def _write_connection(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._connection = self.engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def check_sqlite_file(path: Path) -> None:
    """StoreRefusedError for a damaged database file, which is only read."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        head = file.read(len(_HEADER))
    problem = _find_damage(path) if head == _HEADER else "its header is not SQLite's"
    if problem:
        raise StoreRefusedError(
            f"{path} is damaged ({problem}); nothing was changed. "
            "Restore a backup, or move the file away to start empty."
        )


def _find_damage(path: Path) -> str | None:
    """The first thing SQLite's own check finds wrong in a file, or None."""
    # Nobody has the file open when there is no log beside it; "immutable" then makes none.
    has_log = path.with_name(path.name + "-wal").exists()
    how = "mode=ro" if has_log else "immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{how}", uri=True)
    try:
        answer: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    return None if answer == "ok" else " ".join(answer.split())


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn what the database cannot do now into StoreUnavailableError; mistakes pass through."""
    try:
        yield
    except IntegrityError:
        raise
    except OperationalError as error:
        raise StoreUnavailableError(str(error.orig)) from error
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _DAMAGED:
            raise StoreRefusedError(f"the database is damaged: {error.orig}") from error
        raise


def _checked_url(text: str) -> URL:
    """The parsed URL; SQLite must be in a file, because a lost database is a lost report."""
    url = make_url(text)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError([f"store.url = {text!r}: name a file, as in sqlite:///phonehome.db"])
    return url


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Durable, checked, patient: an ack may only follow a commit that is on the disk."""
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        f"cache_size=-{CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, so that no transaction fails half way; readers take none."""
    reads = connection.get_execution_options().get("phonehome_read", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
