"""Answers of calendars: each counts when it fits what was asked."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.visiting.invitations import (
    ACCEPTED,
    DECLINECOUNTER,
    DECLINED,
    TENTATIVE,
)
from phonehome_cloud.core.visiting.replies import (
    COUNTER,
    Asked,
    Reply,
    bound_stamp,
    check_reply,
)
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import ConflictError

from . import people, tickets, visit_answers, visit_letters, visits

_Step = Callable[[Connection, Visit, Reply, str, int], str]


def answer(connection: Connection, reply: Reply, now_at: int) -> str:
    """Take down one answer; what came of it."""
    key = visits.find_key(connection, reply.uid)
    if key is None:
        return "refused: no visit has this UID"
    ticket = tickets.expect(connection, key[0], key[1])
    of, owner = visits.expect(connection, key), people.find_owner(connection, key[0])
    if owner is None or not owner.mail:
        return "refused: the appliance has no owner who was asked"
    reply = bound_stamp(reply, now_at)
    asked = Asked(of.sequence, owner.mail.lower(), of.reply_sequence, of.reply_at)
    if why := check_reply(reply, asked):
        return f"refused: {why}"
    if not of.is_under_way:
        return f"ignored: the visit is {of.state}"
    of.reply_sequence, of.reply_at = reply.sequence, reply.stamp_at
    visits.save(connection, of)
    step = _counter if reply.method == COUNTER else _STEPS[reply.status]
    try:
        with connection.begin_nested():
            return step(connection, of, reply, f"owner:{owner.id}", now_at)
    except ConflictError as error:
        _note(connection, ticket, reply, now_at, str(error))
        return f"ignored: {error}"


def _accept(connection: Connection, of: Visit, _reply: Reply, who: str, now_at: int) -> str:
    visit_answers.confirm(connection, of.key, who, now_at)
    return "accepted"


def _decline(connection: Connection, of: Visit, _reply: Reply, who: str, now_at: int) -> str:
    visit_answers.decline(connection, of.key, who, now_at)
    return "declined"


def _think(connection: Connection, of: Visit, reply: Reply, _who: str, now_at: int) -> str:
    ticket = tickets.expect(connection, of.device, of.ticket)
    _note(connection, ticket, reply, now_at, "the owner may come; the time stays theirs")
    return "tentative"


def _counter(connection: Connection, of: Visit, reply: Reply, who: str, now_at: int) -> str:
    """Another time: it is theirs, or they are told that it is not, with times that are."""
    if visit_answers.ask_for(connection, of.key, reply.start_at or 0, who, now_at):
        return "moved"
    slots = visit_answers.ask_others(connection, of.key, who, now_at)
    now = visits.read(connection, of.key)
    visit_letters.tell_owner(connection, now, "visit_not_then", now_at, DECLINECOUNTER, slots)
    return "counter declined"


def _note(connection: Connection, ticket: Ticket, reply: Reply, now_at: int, text: str) -> None:
    evidence = {"method": reply.method, "status": reply.status, "sequence": reply.sequence}
    ticket.note(now_at, "owner", visit_answers.HISTORY_VISIT, evidence=evidence, text=text)
    tickets.save(connection, (), [ticket])


_STEPS: Final[Mapping[str, _Step]] = MappingProxyType(
    {ACCEPTED: _accept, DECLINED: _decline, TENTATIVE: _think}
)
