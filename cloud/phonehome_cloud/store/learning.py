"""What is learnt from actions that helped: nobody saw the cause, but it is one they can mend.

A technician's close code teaches more, and where it is written (store.visit_answers).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from phonehome_cloud.core.caring import HELPED, ActionRow
from phonehome_cloud.core.deciding.situation import VISIT
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis, Ranked
from phonehome_cloud.core.diagnosing.outcomes import (
    BY_DEVICE,
    BY_OWNER,
    action_helped,
    say_change,
)
from phonehome_cloud.core.digesting import Ticket

from . import priors
from .care_tables import diagnosis
from .prior_tables import outcome

RULE_LEARNT: Final = "action helped"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A ticket and what was done about it; `fault` is that of the product file, None without."""

    ticket: Ticket
    actions: Sequence[ActionRow]
    fault: Any


def learn_from(connection: Connection, lessons: Iterable[Lesson], now_at: int) -> None:
    """Teach what each action that helped says about the causes, once; the caller saves tickets.

    It is the last thing for which a transaction waits for others (store.priors).
    """
    for lesson in lessons:
        _learn_of(connection, lesson.ticket, lesson.actions, lesson.fault, now_at)


def _learn_of(
    connection: Connection,
    ticket: Ticket,
    actions: Iterable[ActionRow],
    fault: Any,
    now_at: int,
) -> None:
    helped = [row for row in actions if row.state == HELPED and row.kind != VISIT]
    if not helped or fault is None or ticket.product is None:
        return
    known = _load_keys(connection, ticket)
    for row in helped:
        if _key(row) not in known:
            _learn(connection, ticket, row, fault, now_at)


def _key(row: ActionRow) -> str:
    return f"action/{row.n}"


def _load_keys(connection: Connection, ticket: Ticket) -> set[str]:
    of_ticket = outcome.c.device == ticket.device, outcome.c.ticket == ticket.number
    return set(connection.execute(select(outcome.c.key).where(*of_ticket)).scalars())


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
    if change is not None and said.shares:
        text = say_change(fault, change)
        ticket.note(
            now_at,
            priors.WHO_RULE,
            priors.HISTORY_LEARNT,
            rule=RULE_LEARNT,
            evidence=change,
            text=text,
        )


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
