"""How each kind of action is started, asked for, asked again and ended.

Every function runs in the transaction of whoever calls it, and reaches the world by effects only.
Modules of actions add themselves to these tables; they import `core.caring`, never `store.care`,
which looks up in here what to do.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.caring import WAITING_CONSENT, ActionRow, Case
from phonehome_cloud.core.deciding.situation import (
    LEAD,
    PART,
    PERSON,
    REMOTE_FIX,
    SELF_HELP,
    VISIT,
)

from . import consent, leads, parts, persons, remote, self_help, visits

# (connection, action, case, now_at). The action is in state `running`, or `waiting_consent` for
# ASKS; what they put into its `detail` and `due_at` is kept. Raises core.caring.StartError.
Start = Callable[[Connection, ActionRow, Case, int], None]
# Its due_at has passed: when to ask again, or None when it has failed.
Due = Callable[[Connection, ActionRow, Case, int], int | None]
# It has ended, in whatever state it is now: take back what is not needed any more.
End = Callable[[Connection, ActionRow, int], None]


def _due(connection: Connection, row: ActionRow, case: Case, now_at: int) -> int | None:
    """Nobody answered, or it took too long."""
    if row.state == WAITING_CONSENT:
        return consent.remind(connection, row, case, now_at)
    if row.kind == SELF_HELP:
        return self_help.due(connection, row, case, now_at)
    if row.kind == VISIT:
        return visits.due(connection, row, case, now_at)
    return None


STARTS: Mapping[str, Start] = MappingProxyType(
    {
        SELF_HELP: self_help.start,
        REMOTE_FIX: remote.start,
        PART: parts.start,
        VISIT: visits.start,
        LEAD: leads.start,
        PERSON: persons.start,
    }
)
ASKS: Mapping[str, Start] = MappingProxyType(
    dict.fromkeys((SELF_HELP, REMOTE_FIX, PART, VISIT, LEAD, PERSON), consent.ask)
)
# Of these the start writes nothing but what it puts (store.gathering), as whoever asks an owner.
PUTS_ONLY: Final = frozenset((SELF_HELP, PERSON))
DUES: Mapping[str, Due] = MappingProxyType(
    dict.fromkeys((SELF_HELP, REMOTE_FIX, PART, VISIT, LEAD, PERSON), _due)
)
ENDS: Mapping[str, End] = MappingProxyType(
    {
        SELF_HELP: self_help.end,
        REMOTE_FIX: remote.end,
        PART: parts.end,
        VISIT: visits.end,
        LEAD: leads.end,
        PERSON: persons.end,
    }
)
