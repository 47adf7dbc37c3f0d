"""One database, few writers: every write runs in a thread that owns its connection.

SQLite takes one writer at a time, so there is one; on PostgreSQL there are two, and one more for
intake, and they are to each other as several receivers are. Readers run in a small pool of their
own. The database is SQLite in one file or PostgreSQL; nothing above this file knows which.
SQLAlchemy because the same statements have to run on both.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from phonehome_cloud.errors import ConfigError, StoreRefusedError, StoreUnavailableError

from . import postgresql, sqlite

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
_POSTGRESQL_WRITERS = 2  # the digest and care
_POSTGRESQL_LANES = 1  # of intake, which waits for neither; with two nothing was gained
# Two receivers that wrote the same rows: the loser begins anew, and then sees the winner's.
_RETRIES = 3
_SQLITE = "sqlite:///phonehome.db"
_WANTED = f"want {_SQLITE} or postgresql://user:password@host/database"


class Database:
    """Write threads, read pool and the engine under both; `open()` before, `close()` after.

    Raises StoreRefusedError from open() when the file is damaged; it is then left as it was.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.writers = 1 if self.is_sqlite else _POSTGRESQL_WRITERS
        make_engine = sqlite.make_engine if self.is_sqlite else postgresql.make_engine
        self.engine = make_engine(self.url, READERS + self.writers + _POSTGRESQL_LANES)
        self._reading = {"phonehome_read": True} if self.is_sqlite else postgresql.READING
        self._writers = ThreadPoolExecutor(self.writers, "store-writer")
        # SQLite has one writer for all, see above.
        self._intake = (
            self._writers
            if self.is_sqlite
            else ThreadPoolExecutor(_POSTGRESQL_LANES, "store-intake")
        )
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._connections: dict[int, Connection] = {}  # by the thread that writes with it

    def open(self) -> None:
        """Check the file and connect; nothing is created in a database that is refused."""
        if self.is_sqlite:
            path = Path(self.url.database or "")
            sqlite.check_file(path)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            sqlite.check_folder(path.parent)
        with unavailable(), self.engine.connect() as connection:
            if not self.is_sqlite:
                postgresql.warn_of_lies(connection)

    def close(self) -> None:
        """Finish what is queued, then let go of threads and connections."""
        self._writers.shutdown()
        self._intake.shutdown()
        self._readers.shutdown()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self.engine.dispose()

    async def write(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """fn(connection, ...) as one transaction in a writer thread; committed when it returns.

        Raises StoreUnavailableError when nothing could be stored, and whatever fn raises.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._writers, lambda: self.write_now(fn, *args, **kwargs)
        )

    async def write_intake(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As write, for what looks up all rows by their keys: in the lane of intake."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._intake, lambda: self._write_by_key(fn, *args, **kwargs)
        )

    async def read(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """fn(connection, ...) in the read pool, on one consistent view; nothing may be written."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, lambda: self.read_now(fn, *args, **kwargs)
        )

    def write_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The transaction itself. Only for writer threads, and for commands without a loop."""
        with unavailable():
            for _ in range(_RETRIES):
                try:
                    return self._write_once(fn, *args, **kwargs)
                except DBAPIError as error:
                    if not postgresql.is_collision(error.orig):
                        raise
            return self._write_once(fn, *args, **kwargs)

    def _write_by_key(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with unavailable():
            if not self.is_sqlite:
                postgresql.look_up_by_key(self._write_connection())
        return self.write_now(fn, *args, **kwargs)

    def _write_once(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        connection = self._write_connection()
        with connection.begin():
            return fn(connection, *args, **kwargs)

    def read_now(
        self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same without a loop, for commands."""
        with unavailable(), self.engine.connect() as pooled:
            connection = pooled.execution_options(**self._reading)
            with connection.begin():
                return fn(connection, *args, **kwargs)

    def _write_connection(self) -> Connection:
        thread = threading.get_ident()
        connection = self._connections.get(thread)
        if connection is not None and connection.invalidated:
            self._connections.pop(thread).close()
            connection = None
        if connection is None:
            connection = self._connections[thread] = self.engine.connect()
        return connection


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn what the database cannot do now into StoreUnavailableError; mistakes pass through."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreUnavailableError("no connection to the database became free") from error
    except DBAPIError as error:
        if sqlite.is_damage(error.orig):
            raise StoreRefusedError(f"the database is damaged: {error.orig}") from error
        if _is_away(error):
            raise StoreUnavailableError(str(error.orig)) from error
        raise


def is_passing(error: BaseException) -> bool:
    """Whether an error is of the moment: the same transaction, begun later, can work."""
    return isinstance(error, DBAPIError) and (
        _is_away(error) or postgresql.is_collision(error.orig)
    )


def _is_away(error: DBAPIError) -> bool:
    """Whether an error is about the database's state, not about what was asked of it."""
    is_broken = error.connection_invalidated or isinstance(
        error, OperationalError | InterfaceError
    )
    return is_broken or postgresql.is_away(error.orig)


def _checked_url(text: str) -> URL:
    """The parsed URL; SQLite must be in a file, because a lost database is a lost report."""
    try:
        url = postgresql.with_driver(make_url(text))
    except ArgumentError:
        raise ConfigError([f"store.url: no URL; {_WANTED}"]) from None
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ConfigError([f"store.url = {text!r}: name a file, as in {_SQLITE}"])
    elif url.drivername != postgresql.DRIVER:
        raise ConfigError([f"store.url: {url.drivername} is not supported; {_WANTED}"])
    return url
