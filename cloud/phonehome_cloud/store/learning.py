"""What is learnt from actions that helped: nobody saw the cause, but it is one they can mend; and
what is taken back of it when they had not, the fault came back, or somebody saw another cause.

A technician's close code teaches more, and where it is written (store.visit_answers).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from phonehome_cloud.core.caring import FAILED, HELPED, ActionRow
from phonehome_cloud.core.deciding.situation import VISIT
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis, Ranked
from phonehome_cloud.core.diagnosing.outcomes import (
    BY_DEVICE,
    BY_OWNER,
    BY_TECHNICIAN,
    HELD,
    HELP,
    action_helped,
    taken_back_key,
    why_taken_back,
)
from phonehome_cloud.core.digesting import Ticket

from . import priors, tickets
from .bulk import fetch_of
from .care_tables import diagnosis
from .facts import TicketKey
from .prior_tables import outcome

RULE_LEARNT: Final = "action helped"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A ticket and what was done about it; `fault` is that of the product file, None without."""

    ticket: Ticket
    actions: Sequence[ActionRow]
    fault: Any


def learn_from(connection: Connection, lessons: Sequence[Lesson], now_at: int) -> list[Ticket]:
    """Teach what each action that helped says about the causes, once, and take back, once, what
    does not stand; the caller saves the tickets of the lessons, and the others that are returned.

    It is the last thing for which a transaction waits for others (store.priors).
    """
    known = _load_outcomes(connection, lessons)
    others = _lock_others(connection, lessons, known)
    if others:  # whoever had them may have changed what they taught
        known = _load_outcomes(connection, lessons)
    for lesson in lessons:
        _learn_of(connection, lesson, known.get(lesson.ticket.device, ()), now_at)
    locked = {**others, **{_name(lesson.ticket): lesson.ticket for lesson in lessons}}
    for lesson in lessons:
        of_device = known.get(lesson.ticket.device, ())
        _unlearn_of(connection, lesson, of_device, locked, now_at)
    return [one for one in others.values() if one.history]


def _load_outcomes(connection: Connection, lessons: Iterable[Lesson]) -> dict[str, list[Row[Any]]]:
    """Every outcome of these devices."""
    found: dict[str, list[Row[Any]]] = {}
    devices = {lesson.ticket.device for lesson in lessons}
    for row in fetch_of(connection, _outcomes, outcome.c.device, devices):
        found.setdefault(row.device, []).append(row)
    return found


def _outcomes(of_devices: Any) -> Select[Any]:
    return select(outcome).where(of_devices).order_by(outcome.c.ticket, outcome.c.key)


def _lock_others(
    connection: Connection, lessons: Sequence[Lesson], known: Mapping[str, Sequence[Row[Any]]]
) -> dict[TicketKey, Ticket]:
    """Older tickets of these devices that taught what does not stand, unless somebody has them in
    hand: what is not taken back now is when it would have held.
    """
    ours = {_name(lesson.ticket) for lesson in lessons}
    wanted = {
        (row.device, row.ticket)
        for lesson in lessons
        for row in known.get(lesson.ticket.device, ())
        if (row.device, row.ticket) not in ours and _why_back(row, lesson, known[row.device])
    }
    return tickets.load_free(connection, wanted)


def _learn_of(
    connection: Connection, lesson: Lesson, known: Iterable[Row[Any]], now_at: int
) -> None:
    ticket, fault = lesson.ticket, lesson.fault
    if fault is None or ticket.product is None:
        return
    keys = {row.key for row in known if row.ticket == ticket.number}
    for row in lesson.actions:
        has_helped = row.state == HELPED and (row.ended_at or now_at) >= ticket.last_event_at
        if has_helped and row.kind != VISIT and _key(row) not in keys:
            _learn(connection, ticket, row, fault, now_at)


def _key(row: ActionRow) -> str:
    return f"action/{row.n}"


def _unlearn_of(
    connection: Connection,
    lesson: Lesson,
    known: Sequence[Row[Any]],
    locked: Mapping[TicketKey, Ticket],
    now_at: int,
) -> None:
    """Take back what this ticket says does not stand, of whatever ticket taught it."""
    for row in known:
        how = _why_back(row, lesson, known)
        of = locked.get((row.device, row.ticket))
        if how is None or of is None:
            continue
        for each in (row, *_find(known, row, f"{row.key}/{HELD}")):
            change = priors.take_back(connection, each, lesson.fault, how, now_at)
            priors.note_change(of, lesson.fault, change, priors.RULES_BACK[how], now_at)


def _why_back(row: Row[Any], lesson: Lesson, known: Sequence[Row[Any]]) -> str | None:
    """Why an outcome is taken back by what is known of a ticket; None when it is not, or was."""
    ticket = lesson.ticket
    same = row.product, row.spn, row.fmi
    if row.how not in HELP or same != (ticket.product, ticket.spn, ticket.fmi):
        return None
    if _find(known, row, taken_back_key(row.key)):
        return None
    is_own = row.ticket == ticket.number
    failed = {_key(one) for one in lesson.actions if one.state == FAILED}
    return why_taken_back(
        row.at,
        row.shares,
        has_failed=is_own and row.key in failed,
        found=_seen_since(known, row) if is_own else (),
        confirmed_at=ticket.last_event_at,
    )


def _name(ticket: Ticket) -> TicketKey:
    return ticket.device, ticket.number


def _find(known: Iterable[Row[Any]], of: Row[Any], key: str) -> list[Row[Any]]:
    return [row for row in known if (row.ticket, row.key) == (of.ticket, key)]


def _seen_since(known: Iterable[Row[Any]], of: Row[Any]) -> list[str]:
    """The causes that technicians have seen on the ticket of an outcome, after it."""
    return [
        cause
        for row in known
        if row.ticket == of.ticket and row.how == BY_TECHNICIAN and row.at >= of.at
        for cause in row.shares
    ]


def _learn(
    connection: Connection, ticket: Ticket, row: ActionRow, fault: Any, now_at: int
) -> None:
    action = fault.find_action(row.action_id) if row.action_id else None
    found = _load_diagnosis(connection, row)
    if action is None or found is None:
        return
    how = BY_OWNER if ticket.recovered_at is None else BY_DEVICE
    place = ticket.device, ticket.number, _key(row)
    at = row.ended_at if row.ended_at is not None else now_at
    said = action_helped(place, ticket.product or "", fault, found, action, how, how, at)
    change = priors.teach(connection, said)
    if said.shares:
        priors.note_change(ticket, fault, change, RULE_LEARNT, now_at)


def load_seen(connection: Connection, device: str, ticket: int) -> Mapping[str, bool]:
    """The evidence of a ticket, there or not, as its newest diagnosis saw it."""
    of_ticket = diagnosis.c.device == device, diagnosis.c.ticket == ticket
    newest = select(diagnosis.c.seen).where(*of_ticket).order_by(diagnosis.c.n.desc()).limit(1)
    return connection.execute(newest).scalar() or {}


def _load_diagnosis(connection: Connection, row: ActionRow) -> Diagnosis | None:
    """What was thought when this action was chosen: the newest diagnosis that led to it."""
    of_it = (
        diagnosis.c.device == row.device,
        diagnosis.c.ticket == row.ticket,
        diagnosis.c.kind == row.kind,
        diagnosis.c.action_id == row.action_id,
    )
    query = select(diagnosis.c.causes, diagnosis.c.seen).where(*of_it)
    made = connection.execute(query.order_by(diagnosis.c.n.desc()).limit(1)).first()
    if made is None:
        return None
    causes = [
        Ranked(c["cause"], c["title"], c["probability"], c["prior"], ()) for c in made.causes
    ]
    return Diagnosis(tuple(causes), "", made.seen, (), ())
