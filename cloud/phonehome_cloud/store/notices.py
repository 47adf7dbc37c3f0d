"""What a ticket's change says to the outside: events for webhooks, notices for its owner.

Written with the change itself, by store.tickets.save, so that none is told that did not happen and
none that did is forgotten.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, select

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
from .bulk import fetch_of, mapping_of
from .owner_links import make_page, make_pages
from .people_tables import appliance
from .people_tables import owner as owner_table
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
    owners = _load_owners(connection, {each.ticket.device for each in news})
    owned = [(each, owners[each.ticket.device]) for each in news if each.ticket.device in owners]
    _tell_opened(connection, [one for one in owned if one[0].event == "ticket.opened"])
    for each, owner in owned:
        if each.event != "ticket.opened":
            _tell_owner(connection, each, owner)


def hold(connection: Connection, ticket: Ticket, now_at: int) -> None:
    """A ticket is part of an incident: its owner does not hear of it before that is decided."""
    key = f"ticket:{ticket_id(ticket.device, ticket.number)}:0:owner"
    effects.cancel(connection, key, _HELD, now_at)


def release(connection: Connection, ticket: Ticket, owner: Owner) -> None:
    """It was no incident: its owner hears of the fault as of any other."""
    news = _News(ticket, ticket.history[-1], "ticket.opened")
    _tell_opened(connection, [(news, owner)])


def _find(ticket: Ticket) -> Iterator[_News]:
    for row in ticket.history:
        if row.kind == HISTORY_OPENED:
            yield _News(ticket, row, "ticket.opened")
        elif row.kind == HISTORY_STATE and row.to_state in _NAMES and not _is_step(row):
            yield _News(ticket, row, _NAMES[row.to_state])


def _is_step(row: HistoryRow) -> bool:
    """Whether a person only put it back among the open ones: it was not over."""
    return row.to_state == OPEN and is_open(row.from_state or OPEN)


def _load_owners(connection: Connection, devices: set[str]) -> dict[str, Owner]:
    """Whose these devices are, of those that somebody owns."""
    rows = fetch_of(connection, _owned, appliance.c.device, devices)
    return {row.device: people.make_owner(mapping_of(row)) for row in rows}


def _owned(of_devices: Any) -> Select[Any]:
    query = select(owner_table, appliance.c.device)
    return query.join(appliance, appliance.c.owner == owner_table.c.owner).where(of_devices)


def _tell_opened(connection: Connection, opened: Sequence[tuple[_News, Owner]]) -> None:
    """The digest opens hundreds at a time: a statement for all links, one for all letters."""
    if not opened:
        return
    at = opened[0][0].row.at
    whose = [(owner, news.ticket.device, news.ticket.number) for news, owner in opened]
    pages = make_pages(connection, whose, at)
    letters = [
        _letter(news, f"owner:{owner.id}", OPENED, news.row.at + _PATIENCE_MS, {"link": link})
        for (news, owner), link in zip(opened, pages, strict=True)
    ]
    effects.add_all(connection, letters, at)


def _tell_owner(connection: Connection, news: _News, owner: Owner) -> None:
    ticket, at = news.ticket, news.row.at
    to = f"owner:{owner.id}"
    first = _News(ticket, HistoryRow(0, at, "", HISTORY_OPENED), "")
    effects.cancel(connection, f"{first.key}:owner", _OVER, at)
    if news.event == "ticket.resolved" and _knows(connection, ticket, to):
        link = make_page(connection, owner, ticket.device, ticket.number, at)
        more = {"by_device": news.row.who == WHO_RULE, "link": link}
        effects.add(connection, _letter(news, to, "ticket_resolved", at, more), at)


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


def _letter(news: _News, to: str, template: str, due_at: int, more: dict[str, Any]) -> Effect:
    ticket = news.ticket
    data = {
        "product": ticket.product or "",
        "fault": ticket.title,
        "code": ticket.code or f"{ticket.spn}.{ticket.fmi}",
        "at": news.row.at,
        **more,
    }
    about = ticket.device, ticket.number, due_at, due_at + _LASTS_MS, NOTICE
    return Effect(f"{news.key}:owner", MAIL, to, template, data, *about)


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
