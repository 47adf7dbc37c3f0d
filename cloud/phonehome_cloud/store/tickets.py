"""Tickets and their history: every change of a ticket is written together with its row."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.core.digesting import HistoryRow, Ticket
from phonehome_cloud.core.telling.news import has_news
from phonehome_cloud.core.tickets import BY_PERSON, HISTORY_COMMENT, HISTORY_STATE
from phonehome_cloud.errors import ConflictError, NotFoundError

from .bulk import insert_rows, update_rows
from .columns import to_json
from .dialects import fetch_among, join_keys, keys_of, run_with_keys
from .faults import FaultKey
from .looking import look_at
from .schema import ticket, ticket_event

_KEPT = tuple(field.name for field in fields(Ticket) if field.name != "history")
_row = attrgetter(*_KEPT)
_FIXED = frozenset(("spn", "fmi", "severity", "product", "code", "title", "opened_at", "late"))
_CHANGING = tuple(name for name in _KEPT if name not in _FIXED)
# Nothing of it in the index that holds one open ticket, which SQLite would write again: a ticket
# that heals or comes back costs 2 us less of 9 in SQLite.
_COUNTED = tuple(n for n in _CHANGING if n not in ("state", "reopened", "ended_at"))
_changing, _counted = attrgetter(*_CHANGING), attrgetter(*_COUNTED)
_HISTORY = ("device", "ticket", *(field.name for field in fields(HistoryRow)))


def load_newest(connection: Connection, keys: Collection[FaultKey]) -> dict[FaultKey, Ticket]:
    """The newest ticket of each of these faults, whatever its state, locked."""
    columns = ticket.c.device, ticket.c.spn, ticket.c.fmi
    kept = (ticket.c[name] for name in _KEPT)
    rows = fetch_among(connection, columns, keys, *kept, lock=True)
    found = sorted((Ticket(*row) for row in rows), key=lambda t: t.number)
    return {(t.device, t.spn, t.fmi): t for t in found}


def has_due(connection: Connection, now_at: int) -> bool:
    """Whether `load_due` would find something that nobody else has in hand."""
    return connection.execute(_due(now_at).limit(1)).first() is not None


def load_due(connection: Connection, now_at: int, limit: int) -> list[Ticket]:
    """Tickets whose off-rule has held until now, locked; another receiver's are left out."""
    statement = _due(now_at).order_by(ticket.c.resolve_at).limit(limit)
    rows = connection.execute(statement.with_for_update(skip_locked=True)).mappings()
    return [Ticket(**row) for row in rows]


def _due(now_at: int) -> Select[Any]:
    return select(ticket).where(ticket.c.resolve_at.is_not(None), ticket.c.resolve_at <= now_at)


def expect(connection: Connection, dev: str, number: int) -> Ticket:
    """One ticket, locked; NotFoundError when there is none."""
    statement = select(ticket).where(ticket.c.device == dev, ticket.c.number == number)
    row = connection.execute(statement.with_for_update()).mappings().first()
    if row is None:
        raise NotFoundError(f"no ticket {dev}-{number}")
    return Ticket(**row)


def load_free(
    connection: Connection, keys: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Ticket]:
    """Of these tickets (device, number) those that nobody has in hand, locked."""
    columns = ticket.c.device, ticket.c.number
    kept = tuple(ticket.c[name] for name in _KEPT)
    statement = join_keys(connection.dialect.name, columns, kept, lock=False)
    free = statement.with_for_update(of=ticket, skip_locked=True)
    found = (Ticket(*row) for row in run_with_keys(connection, free, columns, keys))
    return {(each.device, each.number): each for each in found}


def load_last_numbers(connection: Connection, devices: Collection[str]) -> dict[str, int]:
    """The highest ticket number of each device that has one."""
    statement = _last_numbers(connection.dialect.name)
    keys = [(dev,) for dev in devices]
    rows = run_with_keys(connection, statement, (ticket.c.device,), keys)
    return {dev: number for dev, number in rows if number is not None}


@cache
def _last_numbers(dialect: str) -> Select[Any]:
    """One step in the index for each device, however many tickets it has."""
    given = keys_of(dialect, (ticket.c.device,))
    highest = select(func.max(ticket.c.number)).where(ticket.c.device == given.c.device)
    return select(given.c.device, highest.scalar_subquery())


def save(connection: Connection, opened: Iterable[Ticket], changed: Iterable[Ticket]) -> None:
    """Write tickets with their history, and have those looked at that somebody is to be told of.

    The unique index refuses a second open one.
    """
    opened, changed = list(opened), list(changed)
    write(connection, opened, changed)
    news = [t for t in (*opened, *changed) if has_news(t)]
    if news:
        at = min(t.updated_at for t in news)
        look_at(connection, [(t.device, t.number) for t in news], at)


def write(connection: Connection, opened: Sequence[Ticket], changed: Sequence[Ticket]) -> None:
    """As `save`, for who tells of them and looks after them in the same transaction."""
    insert_rows(connection, ticket, _KEPT, [_row(t) for t in opened])
    moved, counted = [], []
    for each in changed:
        if _has_moved(each):
            moved.append(_changing(each))
        else:
            counted.append(_counted(each))
    update_rows(connection, ticket, _CHANGING, moved)
    update_rows(connection, ticket, _COUNTED, counted)
    gained = [_history_row(t, row) for t in (*opened, *changed) for row in t.history]
    insert_rows(connection, ticket_event, _HISTORY, gained)


def _has_moved(changed: Ticket) -> bool:
    """Whether its state is another one: only Ticket.move does that, and notes it."""
    return any(row.kind == HISTORY_STATE for row in changed.history)


def _history_row(of: Ticket, row: HistoryRow) -> tuple[Any, ...]:
    return (
        of.device,
        of.number,
        row.n,
        row.at,
        row.who,
        row.kind,
        row.from_state,
        row.to_state,
        row.rule,
        row.evidence and to_json(row.evidence),
        row.text,
    )


def comment(
    connection: Connection, dev: str, number: int, who: str, text: str, now_at: int
) -> Ticket:
    """Append a person's words to a ticket; NotFoundError when there is none."""
    found = expect(connection, dev, number)
    found.note(now_at, who, HISTORY_COMMENT, text=text)
    save(connection, (), [found])
    return found


def change_state(
    connection: Connection,
    dev: str,
    number: int,
    to_state: str,
    who: str,
    now_at: int,
    text: str | None = None,
) -> Ticket:
    """A person moves a ticket.

    Raises NotFoundError, TransitionError when the table says no, and ConflictError when a newer
    ticket of the same fault is open already.
    """
    found = expect(connection, dev, number)
    found.move(to_state, now_at, who, BY_PERSON, text=text)
    try:
        save(connection, (), [found])
    except IntegrityError:
        raise ConflictError(
            "another ticket of this fault is open; work on that one, or close it first"
        ) from None
    return found
