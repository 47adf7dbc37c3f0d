"""What a ticket's change says to the outside: events for webhooks, notices for its owner.

Written with the change itself, by store.tickets.save, so that none is told that did not happen and
none that did is forgotten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from phonehome_cloud.core.digesting import WHO_RULE, HistoryRow, Ticket
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.telling.effect import MAIL, NOTICE, SENT, Effect
from phonehome_cloud.core.tickets import (
    CLOSED,
    HISTORY_OPENED,
    HISTORY_STATE,
    OPEN,
    RESOLVED,
    is_open,
    ticket_id,
)

from . import effects, hooks, people
from .owner_links import make_page
from .people_tables import appliance
from .schema import effect

OPENED: Final = "ticket_opened"  # the template
# An owner hears of a fault when nothing better was written to them about it in the meantime: the
# steps that help, a question, or that it is over.
_PATIENCE_MS: Final = 15 * 60_000
_LASTS_MS: Final = 2 * 86_400_000
_OVER: Final = "it was over before anybody was told"
_HELD: Final = "it is part of an incident: its owner is not written to one by one"
_NAMES: Final = {RESOLVED: "ticket.resolved", CLOSED: "ticket.closed", OPEN: "ticket.reopened"}


@dataclass(frozen=True, slots=True)
class _News:
    """One change that is worth telling: the type of its event, and when."""

    ticket: Ticket
    row: HistoryRow
    event: str

    @property
    def key(self) -> str:
        """Of its effects; a change happens once."""
        return f"ticket:{ticket_id(self.ticket.device, self.ticket.number)}:{self.row.n}"


def tell(connection: Connection, tickets: Iterable[Ticket]) -> None:
    """Write effects for what the history says that these tickets gained."""
    news = [each for ticket in tickets for each in _find(ticket)]
    if not news:
        return
    listeners = hooks.list_all(connection)
    for each in news if listeners else ():
        ticket, at = each.ticket, each.row.at
        about = _show(each), ticket.device, ticket.number, at
        hooks.announce(connection, each.key, each.event, *about, among=listeners)
    owned = _load_owned(connection, {each.ticket.device for each in news})
    for each in news:
        owner = people.find_owner(connection, each.ticket.device) if owned else None
        if owner is not None and each.ticket.device in owned:
            _tell_owner(connection, each, owner)


def hold(connection: Connection, ticket: Ticket, now_at: int) -> None:
    """A ticket is part of an incident: its owner does not hear of it before that is decided."""
    key = f"ticket:{ticket_id(ticket.device, ticket.number)}:0:owner"
    effects.cancel(connection, key, _HELD, now_at)


def release(connection: Connection, ticket: Ticket, owner: Owner) -> None:
    """It was no incident: its owner hears of the fault as of any other."""
    _tell_owner(connection, _News(ticket, ticket.history[-1], "ticket.opened"), owner)


def _find(ticket: Ticket) -> Iterator[_News]:
    for row in ticket.history:
        if row.kind == HISTORY_OPENED:
            yield _News(ticket, row, "ticket.opened")
        elif row.kind == HISTORY_STATE and row.to_state in _NAMES and not _is_step(row):
            yield _News(ticket, row, _NAMES[row.to_state])


def _is_step(row: HistoryRow) -> bool:
    """Whether a person only put it back among the open ones: it was not over."""
    return row.to_state == OPEN and is_open(row.from_state or OPEN)


def _load_owned(connection: Connection, devices: set[str]) -> set[str]:
    """Those of them that somebody owns."""
    query = select(appliance.c.device).where(
        appliance.c.device.in_(devices), appliance.c.owner.is_not(None)
    )
    return set(connection.execute(query).scalars())


def _tell_owner(connection: Connection, news: _News, owner: Owner) -> None:
    ticket, at = news.ticket, news.row.at
    to = f"owner:{owner.id}"
    if news.event == "ticket.opened":
        link = make_page(connection, owner, ticket.device, ticket.number, at)
        _write(connection, news, to, OPENED, at + _PATIENCE_MS, {"link": link})
        return
    first = _News(ticket, HistoryRow(0, at, "", HISTORY_OPENED), "")
    effects.cancel(connection, f"{first.key}:owner", _OVER, at)
    if news.event == "ticket.resolved" and _knows(connection, ticket, to):
        link = make_page(connection, owner, ticket.device, ticket.number, at)
        more = {"by_device": news.row.who == WHO_RULE, "link": link}
        _write(connection, news, to, "ticket_resolved", at, more)


def _knows(connection: Connection, ticket: Ticket, to: str) -> bool:
    """Whether its owner was written to about a ticket: who was not has nothing to be told of."""
    query = select(effect.c.key).where(
        effect.c.device == ticket.device,
        effect.c.ticket == ticket.number,
        effect.c.recipient == to,
        effect.c.kind == MAIL,
        effect.c.state == SENT,
    )
    return connection.execute(query.limit(1)).first() is not None


def _write(
    connection: Connection,
    news: _News,
    to: str,
    template: str,
    due_at: int,
    more: dict[str, Any],
) -> None:
    ticket = news.ticket
    data = {
        "product": ticket.product or "",
        "fault": ticket.title,
        "code": ticket.code or f"{ticket.spn}.{ticket.fmi}",
        "at": news.row.at,
        **more,
    }
    key = f"{news.key}:owner"
    about = ticket.device, ticket.number, due_at, due_at + _LASTS_MS, NOTICE
    effects.add(connection, Effect(key, MAIL, to, template, data, *about), news.row.at)


def _show(news: _News) -> dict[str, Any]:
    """The data of its event."""
    ticket, row = news.ticket, news.row
    return {
        "ticket": ticket_id(ticket.device, ticket.number),
        "device": ticket.device,
        "product": ticket.product,
        "fault": f"{ticket.spn}.{ticket.fmi}",
        "code": ticket.code,
        "title": ticket.title,
        "severity": ticket.severity,
        "state": row.to_state or OPEN,
        "occurrences": ticket.occurrences,
        "who": row.who,
        "rule": row.rule,
        "at": row.at,
    }
