"""Whom letters about a ticket do not reach: a person hears of it, unless one has the ticket."""

from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from phonehome_cloud.core.caring import CANCELLED, WAITING_CONSENT, ActionKey, ActionRow
from phonehome_cloud.core.deciding.situation import LEAD, PERSON, SELF_HELP, VISIT
from phonehome_cloud.core.digesting import WHO_RULE, Ticket
from phonehome_cloud.core.tickets import HISTORY_ACTION, is_open
from phonehome_cloud.core.visiting.states import PROPOSED

from . import care, contacts, people, tickets, visits
from .acting import letters, persons
from .dialects import insert
from .schema import ticket as ticket_table
from .telling_tables import unreachable

# Nobody else's letter is one that a ticket waits for: subscribers of events look on, and who is at
# our own desk has the pages.
_WAITED_FOR: Final = frozenset(("owner", "technician", "calendar", "supplier", "sales"))
_OWNER: Final = "owner"
_NAMES: Final = MappingProxyType({"calendar": "the technician's calendar", "sales": "sales"})


def add(connection: Connection, effect: Row[Any], reason: str, now_at: int) -> None:
    """An effect about a ticket does not reach its reader; the pursuit of actions hears of it."""
    if effect.recipient.partition(":")[0] not in _WAITED_FOR:
        return
    of_it = ticket_table.c.device == effect.device, ticket_table.c.number == effect.ticket
    if connection.execute(select(ticket_table.c.number).where(*of_it)).first() is None:
        return
    row = {"device": effect.device, "ticket": effect.ticket, "recipient": effect.recipient}
    news = {"reason": reason, "at": now_at, "due_at": now_at}
    statement = insert(connection, unreachable).values(**row, **news)
    connection.execute(statement.on_conflict_do_update(index_elements=list(row), set_=news))


def follow(connection: Connection, ticket: Ticket, row: Row[Any], now_at: int) -> None:
    """Put an open ticket into a person's hands; the ticket is locked.

    What waits for an owner who cannot read of it ends. What goes on without them goes on, in
    somebody's hands, and the desk hears of it.
    """
    of_it = (
        unreachable.c.device == row.device,
        unreachable.c.ticket == row.ticket,
        unreachable.c.recipient == row.recipient,
    )
    connection.execute(update(unreachable).where(*of_it).values(due_at=None))
    running = _find_running(connection, ticket)
    if not is_open(ticket.state) or (running is not None and running.kind == PERSON):
        return
    who = row.recipient.partition(":")[0]
    text = f"what is sent to {_NAMES.get(who, f'the {who}')} does not arrive"
    ticket.note(now_at, WHO_RULE, HISTORY_ACTION, evidence={"reason": row.reason}, text=text)
    tickets.save(connection, (), [ticket])
    key = ticket.device, ticket.number
    if running is not None and who == _OWNER and _waits_for_owner(connection, running):
        care.conclude(connection, running.key, CANCELLED, WHO_RULE, now_at, text=text)
        running = None
    if running is None:
        care.start(connection, *key, PERSON, None, WHO_RULE, now_at, text)
    else:
        if persons.find_open(connection, *key) is None:
            persons.assign(connection, *key, None, (), now_at=now_at, is_urgent=False)
        _tell_desk(connection, row, who, now_at)


def _find_running(connection: Connection, ticket: Ticket) -> ActionRow | None:
    found = care.find(connection, ticket.device, ticket.number)
    if found is None or found["running"] is None:
        return None
    key = ActionKey(ticket.device, ticket.number, found["running"])
    return care.expect_action(connection, key)


def _waits_for_owner(connection: Connection, running: ActionRow) -> bool:
    if running.state == WAITING_CONSENT or running.kind in (SELF_HELP, LEAD):
        return True
    if running.kind != VISIT:
        return False
    of = visits.maybe_visit(connection, running.key)
    return of is not None and of.state == PROPOSED


def _tell_desk(connection: Connection, row: Row[Any], who: str, now_at: int) -> None:
    contact = contacts.maybe_find(connection, row.recipient)
    owner = people.find_owner(connection, row.device) if who == _OWNER else None
    data = {
        "who": who,
        "name": contact.name if contact else "",
        "phone": (owner.phone if owner else None) or "",
        "reason": row.reason,
    }
    key = letters.key_of("unreachable", row.device, row.ticket, 0, f"{row.recipient}:{row.at}")
    given = key, "unreachable", data, row.device, row.ticket, now_at
    letters.tell_desk(connection, *given)
