"""What becomes of a ticket after its visit: for the page of one that is over."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, select

from phonehome_cloud.core.caring import WAITING_CONSENT
from phonehome_cloud.core.deciding.situation import PERSON
from phonehome_cloud.core.tickets import is_open
from phonehome_cloud.core.visiting.visit import Key

from . import care, people
from .acting import callbacks
from .schema import ticket

# What comes next, in the words of web.visit_words: "next_" and one of these.
ENDED: Final = "ended"
ASKED: Final = "asked"
WITH_PERSON: Final = "person"
UNDER_WAY: Final = "under_way"
UNDECIDED: Final = "undecided"


@dataclass(frozen=True, slots=True)
class After:
    """What comes next, the call that the owner waits for, and the desk's number ("": none)."""

    next: str
    callback: RowMapping | None
    desk_phone: str


def read_after(connection: Connection, key: Key) -> After:
    """How things stand with the ticket of a visit."""
    callback = callbacks.find_open(connection, key.device, key.ticket)
    desk_phone = people.find_desk(connection).phone or ""
    return After(_find_next(connection, key), callback, desk_phone)


def _find_next(connection: Connection, key: Key) -> str:
    of_it: Any = (ticket.c.device == key.device, ticket.c.number == key.ticket)
    if not is_open(connection.execute(select(ticket.c.state).where(*of_it)).scalar_one()):
        return ENDED
    newest = care.list_actions(connection, key.device, key.ticket)[-1]
    if newest["ended_at"] is not None:
        return UNDECIDED
    if newest["state"] == WAITING_CONSENT:
        return ASKED
    return WITH_PERSON if newest["kind"] == PERSON else UNDER_WAY
