"""PostgreSQL in few trips: a statement may wait for the next one, or for the commit, and go along.

A commit of intake needs eight statements, BEGIN and COMMIT among them. Sent one by one, each waits
for the server's answer before the next, and behind the answer for its turn among our threads.

Loaded with the driver, so only where the store is PostgreSQL.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from psycopg import Connection, Cursor, Error
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import TupleRow

from .packing import Packed


class PackedDumper(Dumper):
    """Arrays that `packing` has made; their type is told by the statement."""

    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        """As it is."""
        return obj


class TripCursor(Cursor[TupleRow]):
    """Takes along what waits on its connection, in the order in which it came."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """See psycopg.Cursor; raises what went wrong with a statement that waited, too."""
        with self._waited_for():
            return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        """As execute."""
        with self._waited_for():
            super().executemany(query, params_seq, **options)

    def _waited_for(self) -> Any:
        connection: Any = self.connection
        return connection.trip()


class TripConnection(Connection[TupleRow]):
    """A connection whose statements can wait. Rolled back, they are forgotten."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = TripCursor
        self._waiting: list[tuple[Cursor[TupleRow], str, Any]] = []
        self._has_begun = False  # by a BEGIN of ours

    def send_later(self, text: str, values: Any) -> Cursor[TupleRow]:
        """Let a statement wait; the cursor has its rows when the next one was executed."""
        cursor = Cursor(self)
        self._waiting.append((cursor, text, values))
        return cursor

    @contextmanager
    def trip(self) -> Iterator[None]:
        """What waits is sent now, what is executed meanwhile behind it, and all answers are read.

        Nothing happens while nothing waits.
        """
        if not self._waiting:
            yield
            return
        waiting, self._waiting = self._waiting, []
        begins = self._is_to_begin()
        with self.pipeline() as pipeline:
            try:
                if begins:
                    Cursor(self).execute("BEGIN", prepare=False)
                for cursor, text, values in waiting:
                    cursor.execute(text, values)
                yield
            except Error:
                # The server passed over what came behind: nobody need hear of each.
                with suppress(Error):
                    pipeline.sync()
                raise

    def commit(self) -> None:
        """Commit, and what waits before. As ever, what cannot be committed is rolled back."""
        if self._waiting:
            try:
                with self.trip():  # the driver's own commit would make a trip of itself
                    Cursor(self).execute("COMMIT", prepare=False)
            except Error:
                with suppress(Error):
                    self.rollback()
                raise
        else:
            super().commit()
        self._end()

    def rollback(self) -> None:
        """Roll back; what waits is not sent."""
        self._waiting.clear()
        super().rollback()
        self._end()

    def _is_to_begin(self) -> bool:
        """Whether BEGIN has to go along: the driver would wait for the answer to its own."""
        is_idle = self.info.transaction_status == TransactionStatus.IDLE
        if not is_idle or self.autocommit:
            return False
        self.autocommit = self._has_begun = True
        return True

    def _end(self) -> None:
        if self._has_begun:
            self._has_begun = False
            self.autocommit = False
