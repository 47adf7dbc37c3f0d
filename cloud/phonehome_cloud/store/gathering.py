"""Many tickets in one transaction: what each writes goes in together, what all read is read once.

Inside of `gather` rows that are put wait for its end and go in by one statement for each table,
and what is `shared` is loaded for the first who asks. Outside, both happen at once, each time. A
ticket that is considered in a batch of a hundred takes a third of its time that way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Table

from phonehome_cloud.core.digesting import Ticket

from .bulk import Rows

_HELD: Final = "phonehome gathered"

T = TypeVar("T")
TicketKey = tuple[str, int]  # device, number
Write = Callable[[Connection, Table, tuple[str, ...], Rows], Any]
_Into = tuple[Write, Table, tuple[str, ...]]


class _Gathered:
    """What waits to be written, in the order of the tables that were first, and what was read."""

    def __init__(self, tickets: Mapping[TicketKey, Ticket]) -> None:
        self.tickets = tickets
        self.rows: dict[_Into, list[tuple[Any, ...]]] = {}
        self.shared: dict[Callable[[Connection], Any], Any] = {}

    def write(self, connection: Connection) -> None:
        rows, self.rows = self.rows, {}
        for (write, table, columns), of_table in rows.items():
            write(connection, table, columns, of_table)


@contextmanager
def gather(connection: Connection, tickets: Mapping[TicketKey, Ticket]) -> Iterator[None]:
    """Until the end of the context, rows wait and what is shared is kept; `tickets` are known.

    When it ends by an error nothing of it is written: the caller's transaction is not, either.
    """
    info = connection.info
    held = info[_HELD] = _Gathered(tickets)
    try:
        yield
        held.write(connection)
    finally:
        del info[_HELD]


def put(
    connection: Connection,
    write: Write,
    table: Table,
    columns: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Write rows by a function of store.bulk; at the end of the gathering when there is one.

    Nobody may look for them in their table before.
    """
    held: _Gathered | None = connection.info.get(_HELD)
    if held is None:
        write(connection, table, columns, list(rows))
    else:
        held.rows.setdefault((write, table, columns), []).extend(rows)


def shared(connection: Connection, load: Callable[[Connection], T]) -> T:
    """What `load` finds; within a gathering what it found for the first, as it is by now."""
    held: _Gathered | None = connection.info.get(_HELD)
    if held is None:
        return load(connection)
    if load not in held.shared:
        held.write(connection)
        held.shared[load] = load(connection)
    found: T = held.shared[load]
    return found


def known_tickets(connection: Connection) -> Mapping[TicketKey, Ticket]:
    """The tickets of the gathering; none outside."""
    held: _Gathered | None = connection.info.get(_HELD)
    return held.tickets if held is not None else {}


@contextmanager
def attempt(connection: Connection, *, puts_only: bool) -> Iterator[None]:
    """What is put inside is forgotten when it ends by an error; what is written, too, by a
    savepoint, which costs a third of a consideration: nothing is written where `puts_only`.
    """
    held: _Gathered | None = connection.info.get(_HELD)
    before = {into: len(rows) for into, rows in held.rows.items()} if held is not None else {}
    try:
        with nullcontext() if puts_only and held is not None else connection.begin_nested():
            yield
    except Exception:
        if held is not None:
            _forget(held, before)
        raise


def _forget(held: _Gathered, before: Mapping[_Into, int]) -> None:
    held.rows = {into: rows[: before[into]] for into, rows in held.rows.items() if into in before}
    held.shared.clear()  # it may have counted what is not to be
