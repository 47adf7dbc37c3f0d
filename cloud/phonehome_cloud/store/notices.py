"""What a ticket's change says to the outside: events for webhooks, notices for its owner.

The transaction that changes a ticket writes its history, and has it looked at; the care loop tells
what the history has beyond `care.told`, and moves that mark in the transaction that writes what is
told. So none is told that did not happen, none that did is forgotten, each is told once; and the
digest does not wait for it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from phonehome_cloud.core.digesting import WHO_RULE, HistoryRow, Ticket
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.telling.effect import MAIL, NOTICE, SENT, Effect
from phonehome_cloud.core.telling.news import TICKET_OPENED, TICKET_RESOLVED, event_of
from phonehome_cloud.core.tickets import HISTORY_OPENED, OPEN, ticket_id

from . import effects, hooks
from .dialects import fetch_among
from .owner_links import make_page, make_pages
from .schema import effect, ticket_event

OPENED: Final = "ticket_opened"  # the template
# An owner hears of a fault when nothing better was written to them about it in the meantime: the
# steps that help, a question, or that it is over.
_PATIENCE_MS: Final = 15 * 60_000
_LASTS_MS: Final = 2 * 86_400_000
_OVER: Final = "it was over before anybody was told"
_HELD: Final = "it is part of an incident: its owner is not written to one by one"

TicketKey = tuple[str, int]
_KEY: Final = ticket_event.c.device, ticket_event.c.ticket, ticket_event.c.n
_CHANGE: Final = tuple(
    ticket_event.c[name] for name in ("at", "who", "kind", "from_state", "to_state", "rule")
)


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


def load_untold(
    connection: Connection, tickets: Iterable[Ticket], told: Mapping[TicketKey, int]
) -> dict[TicketKey, list[HistoryRow]]:
    """What the history of locked tickets has beyond so many rows, each ticket's in its order."""
    keys = [
        (ticket.device, ticket.number, n)
        for ticket in tickets
        for n in range(told[ticket.device, ticket.number], ticket.events)
    ]
    found: dict[TicketKey, list[HistoryRow]] = {}
    for dev, number, *row in sorted(fetch_among(connection, _KEY, keys, *_KEY, *_CHANGE)):
        found.setdefault((dev, number), []).append(HistoryRow(*row))
    return found


def tell(
    connection: Connection,
    changes: Iterable[tuple[Ticket, Sequence[HistoryRow]]],
    owners: Mapping[str, Owner],
    held: Collection[TicketKey],
    now_at: int,
) -> None:
    """Write effects for what happened to these tickets; `owners` by device.

    Of a ticket that is `held`, part of an incident, its owner does not hear that it was opened.
    """
    news = [
        _News(ticket, row, event)
        for ticket, rows in changes
        for row in rows
        if (event := event_of(row)) is not None
    ]
    if not news:
        return
    _announce(connection, news)
    owned = [(each, owners[each.ticket.device]) for each in news if each.ticket.device in owners]
    _tell_opened(connection, [one for one in owned if _is_told_of(one[0], held)], now_at)
    for each, owner in owned:
        if each.event != TICKET_OPENED:
            _tell_owner(connection, each, owner)


def hold(connection: Connection, ticket: Ticket, now_at: int) -> None:
    """A ticket is part of an incident: its owner does not hear of it before that is decided."""
    key = f"ticket:{ticket_id(ticket.device, ticket.number)}:0:owner"
    effects.cancel(connection, key, _HELD, now_at)


def release(connection: Connection, ticket: Ticket, owner: Owner) -> None:
    """It was no incident: its owner hears of the fault as of any other."""
    news = _News(ticket, ticket.history[-1], TICKET_OPENED)
    _tell_opened(connection, [(news, owner)], news.row.at)


def _announce(connection: Connection, news: Sequence[_News]) -> None:
    listeners = hooks.list_all(connection)
    events = []
    for each in news if listeners else ():
        about = _show(each), each.ticket.device, each.ticket.number, each.row.at
        events += hooks.compose(listeners, each.key, each.event, *about)
    effects.add_all(connection, events)


def _is_told_of(news: _News, held: Collection[TicketKey]) -> bool:
    is_held = (news.ticket.device, news.ticket.number) in held
    return news.event == TICKET_OPENED and not is_held


def _tell_opened(
    connection: Connection, opened: Sequence[tuple[_News, Owner]], now_at: int
) -> None:
    """Hundreds are opened at a time: a statement for all links, one for all letters."""
    if not opened:
        return
    whose = [(owner, news.ticket.device, news.ticket.number) for news, owner in opened]
    pages = make_pages(connection, whose, now_at)
    letters = [
        _letter(news, f"owner:{owner.id}", OPENED, news.row.at + _PATIENCE_MS, {"link": link})
        for (news, owner), link in zip(opened, pages, strict=True)
    ]
    effects.add_all(connection, letters, now_at)


def _tell_owner(connection: Connection, news: _News, owner: Owner) -> None:
    ticket, at = news.ticket, news.row.at
    to = f"owner:{owner.id}"
    first = _News(ticket, HistoryRow(0, at, "", HISTORY_OPENED), "")
    effects.cancel(connection, f"{first.key}:owner", _OVER, at)
    if news.event == TICKET_RESOLVED and _knows(connection, ticket, to):
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
