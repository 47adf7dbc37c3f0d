"""Ticket states: one table says what may follow what, and who may do it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from phonehome_cloud.errors import NotFoundError, TransitionError

OPEN = "open"
ACKNOWLEDGED = "acknowledged"
IN_PROGRESS = "in_progress"
RESOLVED = "resolved"
CLOSED = "closed"

STATES = (OPEN, ACKNOWLEDGED, IN_PROGRESS, RESOLVED, CLOSED)
OPEN_STATES = frozenset((OPEN, ACKNOWLEDGED, IN_PROGRESS))

# Who changes a state: a rule of the receiver, or a person through the API.
BY_RULE = "rule"
BY_PERSON = "person"
_BOTH = frozenset((BY_RULE, BY_PERSON))
_PERSON = frozenset((BY_PERSON,))

TRANSITIONS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        (OPEN, ACKNOWLEDGED): _PERSON,
        (OPEN, IN_PROGRESS): _BOTH,
        (OPEN, RESOLVED): _BOTH,
        (OPEN, CLOSED): _PERSON,
        (ACKNOWLEDGED, OPEN): _PERSON,
        (ACKNOWLEDGED, IN_PROGRESS): _BOTH,
        (ACKNOWLEDGED, RESOLVED): _BOTH,
        (ACKNOWLEDGED, CLOSED): _PERSON,
        (IN_PROGRESS, OPEN): _BOTH,
        (IN_PROGRESS, ACKNOWLEDGED): _PERSON,
        (IN_PROGRESS, RESOLVED): _BOTH,
        (IN_PROGRESS, CLOSED): _PERSON,
        (RESOLVED, OPEN): _BOTH,
        (RESOLVED, CLOSED): _PERSON,
        # A closed ticket stays closed: the same fault later is another ticket.
    }
)

# Kinds of history rows.
HISTORY_OPENED = "opened"
HISTORY_REPEATED = "repeated"
HISTORY_RECOVERING = "recovering"
HISTORY_RELAPSED = "relapsed"
HISTORY_STATE = "state"
HISTORY_COMMENT = "comment"
HISTORY_DIAGNOSED = "diagnosed"
HISTORY_DECIDED = "decided"
HISTORY_ACTION = "action"
HISTORY_INCIDENT = "incident"

_TICKET_ID = re.compile(r"([0-9a-f]{16})-([1-9][0-9]{0,8})", re.ASCII)


def check_transition(from_state: str, to_state: str, by: str) -> None:
    """Raise TransitionError unless `by` (rule or person) may move a ticket like this."""
    if by in TRANSITIONS.get((from_state, to_state), frozenset()):
        return
    may = [b for (a, b), who in TRANSITIONS.items() if a == from_state and by in who]
    raise TransitionError(
        f"a ticket in state {from_state!r} cannot become {to_state!r}; "
        f"from here: {', '.join(may) or 'nothing'}"
    )


def is_open(state: str) -> bool:
    """Whether somebody still has to do something about a ticket in this state."""
    return state in OPEN_STATES


def ticket_id(device: str, number: int) -> str:
    """The public id of a ticket; it carries the device, so every query by id does too."""
    return f"{device}-{number}"


def parse_ticket_id(text: str) -> tuple[str, int]:
    """(device, number) of a public ticket id; NotFoundError when it cannot be one."""
    match = _TICKET_ID.fullmatch(text)
    if match is None:
        raise NotFoundError(f"{text[:64]!r} is no ticket id; one looks like a4cf12fffe05d3b1-3")
    return match[1], int(match[2])
