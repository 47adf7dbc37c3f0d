"""Which changes of a ticket somebody outside is told of, and as what event."""

from typing import Final

from phonehome_cloud.core.digesting import HistoryRow, Ticket
from phonehome_cloud.core.tickets import (
    CLOSED,
    HISTORY_OPENED,
    HISTORY_STATE,
    OPEN,
    RESOLVED,
    is_open,
)

TICKET_OPENED: Final = "ticket.opened"
TICKET_RESOLVED: Final = "ticket.resolved"
_OF_STATES: Final = {
    RESOLVED: TICKET_RESOLVED,
    CLOSED: "ticket.closed",
    OPEN: "ticket.reopened",
}


def event_of(row: HistoryRow) -> str | None:
    """The type of the event that a change is; None when only the ticket's history has it."""
    if row.kind == HISTORY_OPENED:
        return TICKET_OPENED
    if row.kind != HISTORY_STATE or _is_step(row):
        return None
    return _OF_STATES.get(row.to_state or "")


def has_news(ticket: Ticket) -> bool:
    """Whether anything in the history that a ticket gained is told to anybody."""
    return any(event_of(row) is not None for row in ticket.history)


def _is_step(row: HistoryRow) -> bool:
    """Whether a person only put it back among the open ones: it was not over."""
    return row.to_state == OPEN and is_open(row.from_state or OPEN)
