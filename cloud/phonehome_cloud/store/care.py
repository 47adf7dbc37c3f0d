"""Looking after tickets: the actions that are under way.

Whoever changes anything that a decision may look at calls `looking.look` in its own transaction.
Locks are taken in one order, first the ticket, then its care: the care loop never waits for a
ticket.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from phonehome_cloud.core.acting.pricing import say_terms
from phonehome_cloud.core.caring import (
    AGREED,
    CANCELLED,
    HELPED,
    WAITING_CONSENT,
    ActionKey,
    ActionRow,
)
from phonehome_cloud.core.considering import has_helped
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.tickets import HISTORY_ACTION, is_open
from phonehome_cloud.errors import ConflictError, NotFoundError

from . import acting, tickets
from .bulk import insert_rows, update_rows
from .care_tables import action, care
from .columns import to_json
from .looking import look

_COLUMNS = tuple(field.name for field in fields(ActionRow))
_JSON = ("costs", "detail")
_plain = attrgetter(*(name for name in _COLUMNS if name not in _JSON))
_KEPT = (*(name for name in _COLUMNS if name not in _JSON), *_JSON)


def change_state(
    connection: Connection,
    dev: str,
    number: int,
    to_state: str,
    who: str,
    now_at: int,
    text: str | None = None,
) -> None:
    """A person moves a ticket, as store.tickets does it; what is under way follows.

    Who opens one again says that what was believed to have helped has not: otherwise the ticket
    would be resolved by it at the next look.
    """
    moved = tickets.change_state(connection, dev, number, to_state, who, now_at, text)
    before = moved.history[-1].from_state
    if before is not None and not is_open(before) and is_open(to_state):
        _take_back_help(connection, dev, number, who, now_at)
    look(connection, dev, number, now_at)


def _take_back_help(connection: Connection, dev: str, number: int, who: str, now_at: int) -> None:
    ticket = tickets.expect(connection, dev, number)
    actions = [ActionRow(**row) for row in list_actions(connection, dev, number)]
    helped = has_helped(ticket, actions)
    if helped is not None:
        take_back(connection, ticket, helped, who, now_at)


def expect_action(connection: Connection, key: ActionKey) -> ActionRow:
    """One action, locked; NotFoundError when there is none. Lock its ticket first."""
    dev, number, n = key
    of_it = action.c.device == dev, action.c.ticket == number, action.c.n == n
    row = connection.execute(select(action).where(*of_it).with_for_update()).mappings().first()
    if row is None:
        raise NotFoundError(f"ticket {dev}-{number} has no action {n}")
    return ActionRow(**row)


def find(connection: Connection, dev: str, number: int) -> RowMapping | None:
    """How far the care of a ticket is; None when it was never looked at."""
    of_ticket = care.c.device == dev, care.c.ticket == number
    return connection.execute(select(care).where(*of_ticket)).mappings().first()


def list_actions(connection: Connection, dev: str, number: int) -> list[RowMapping]:
    """What was and is done about a ticket, oldest first."""
    of_ticket = action.c.device == dev, action.c.ticket == number
    query = select(action).where(*of_ticket).order_by(action.c.n)
    return list(connection.execute(query).mappings())


def save_actions(
    connection: Connection, started: Iterable[ActionRow], changed: Iterable[ActionRow]
) -> None:
    """Write actions; the unique index refuses a second one under way on a ticket."""
    update_rows(connection, action, _KEPT, [_row(one) for one in changed])
    insert_rows(connection, action, _KEPT, [_row(one) for one in started])


def _row(one: ActionRow) -> tuple[Any, ...]:
    return (*_plain(one), to_json(one.costs), to_json(one.detail))


def conclude(
    connection: Connection,
    key: ActionKey,
    outcome: str,
    who: str,
    now_at: int,
    evidence: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> ActionRow:
    """End an action as helped, failed or cancelled, and have its ticket considered again.

    Raises NotFoundError, and TransitionError when it has ended already.
    """
    ticket = tickets.expect(connection, *key[:2])
    found = expect_action(connection, key)
    end(connection, ticket, found, outcome, who, now_at, evidence, text)
    _save(connection, ticket, found, now_at)
    return found


def end(
    connection: Connection,
    ticket: Ticket,
    found: ActionRow,
    outcome: str,
    who: str,
    now_at: int,
    evidence: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> None:
    """Move a locked action to its end, with the history; the caller saves both."""
    before = found.state
    found.move(outcome, now_at)
    note(ticket, found, before, who, now_at, evidence, text)
    if (at_end := acting.ENDS.get(found.kind)) is not None:
        at_end(connection, found, now_at)


def take_back(
    connection: Connection,
    ticket: Ticket,
    found: ActionRow,
    who: str,
    now_at: int,
    evidence: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> None:
    """A locked action was believed to have helped and has not; its ticket is considered again."""
    found.take_back(now_at)
    note(ticket, found, HELPED, who, now_at, evidence, text)
    _save(connection, ticket, found, now_at)


def note(
    ticket: Ticket,
    found: ActionRow,
    before: str | None,
    who: str,
    now_at: int,
    evidence: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> None:
    """Write into a ticket's history that an action came to its present state."""
    given = {"n": found.n, "kind": found.kind, "action": found.action_id}
    if found.is_under_way:
        given |= say_terms(found.detail)
    given |= evidence or {}
    states = {"from_state": before, "to_state": found.state}
    ticket.note(now_at, who, HISTORY_ACTION, **states, evidence=given, text=text)


def agree(
    connection: Connection,
    key: ActionKey,
    who: str,
    now_at: int,
    text: str | None = None,
) -> ActionRow:
    """The owner, or an operator for them, agrees to an action; the care loop starts it.

    Raises NotFoundError, and TransitionError when it does not wait for consent.
    """
    ticket = tickets.expect(connection, *key[:2])
    found = expect_action(connection, key)
    before = found.state
    found.move(AGREED, now_at)
    note(ticket, found, before, who, now_at, text=text)
    _save(connection, ticket, found, now_at)
    return found


def decline(
    connection: Connection,
    key: ActionKey,
    who: str,
    now_at: int,
    text: str | None = None,
) -> ActionRow:
    """The owner does not want an action: it is cancelled, and not proposed again.

    Raises NotFoundError, and ConflictError when it does not wait for consent.
    """
    tickets.expect(connection, *key[:2])  # locks in order
    if expect_action(connection, key).state != WAITING_CONSENT:
        raise ConflictError(f"action {key.n} does not wait for consent")
    return cancel(connection, key, who, now_at, text)


def cancel(
    connection: Connection,
    key: ActionKey,
    who: str,
    now_at: int,
    text: str | None = None,
) -> ActionRow:
    """A person stops an action, however far it is; it is not proposed again.

    Raises NotFoundError, and TransitionError when it has ended already.
    """
    ticket = tickets.expect(connection, *key[:2])
    found = expect_action(connection, key)
    found.detail["declined"] = True
    end(connection, ticket, found, CANCELLED, who, now_at, {"declined": True}, text)
    _save(connection, ticket, found, now_at)
    return found


def _save(connection: Connection, ticket: Ticket, found: ActionRow, now_at: int) -> None:
    tickets.save(connection, (), [ticket])
    save_actions(connection, (), [found])
    of_ticket = care.c.device == ticket.device, care.c.ticket == ticket.number
    running = found.n if found.is_under_way else None
    connection.execute(update(care).where(*of_ticket).values(running=running))
    look(connection, ticket.device, ticket.number, now_at)


def start(
    connection: Connection,
    dev: str,
    number: int,
    kind: str,
    action_id: str | None,
    who: str,
    now_at: int,
    text: str | None = None,
) -> ActionRow:
    """A person chooses an action; the care loop starts it, with all that is known.

    Raises NotFoundError, and ConflictError when the ticket has ended or an action is under way.
    """
    ticket = tickets.expect(connection, dev, number)
    if not is_open(ticket.state):
        raise ConflictError(f"ticket {dev}-{number} is {ticket.state}; reopen it first")
    look(connection, dev, number, now_at)
    of_ticket = care.c.device == dev, care.c.ticket == number
    row = connection.execute(select(care.c.actions, care.c.running).where(*of_ticket)).one()
    if row.running is not None:
        raise ConflictError(f"action {row.running} is under way; cancel or conclude it first")
    found = ActionRow(dev, number, row.actions, kind, action_id, AGREED, who, "owner", now_at)
    note(ticket, found, None, who, now_at, text=text)
    tickets.save(connection, (), [ticket])
    save_actions(connection, [found], ())
    given = {"actions": row.actions + 1, "running": found.n}
    connection.execute(update(care).where(*of_ticket).values(**given))
    return found
