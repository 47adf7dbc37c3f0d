"""A visit as an action: parts are kept, three times are proposed and the best of them is held."""

import uuid
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.pricing import TERMS, lines_of
from phonehome_cloud.core.caring import ActionRow, Case, StartError
from phonehome_cloud.core.visiting.invitations import CANCEL, REQUEST
from phonehome_cloud.core.visiting.slots import DAY_MS
from phonehome_cloud.core.visiting.states import BOOKED, CANCELLED, PROPOSED
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import (
    people,
    visit_letters,
    visit_times,
    visits,
)

from . import parts, terms, visit_parts
from .terms import LOOK_MINUTES

# People answer on the same day, or not at all.
REMIND_MS: Final = 2 * DAY_MS
LAST_MS: Final = 6 * DAY_MS
# A time is held for nobody until so long before it; then others may have it.
HELD_MS: Final = DAY_MS // 2
# A technician who has not said how it was, is asked for by the desk.
UNSAID_MS: Final = DAY_MS


def start(connection: Connection, action: ActionRow, case: Case, now_at: int) -> None:
    """Propose times to the owner; StartError when nobody can come, or nobody can let them in."""
    if case.owner is None:
        raise StartError("nobody claimed the appliance: nobody can be visited")
    if not case.owner.area:
        raise StartError("the owner's postcode or country is not known")
    made = _make(action, case, now_at)
    agreed = terms.keep(connection, action, case, now_at)
    made.about = {**made.about, TERMS: agreed}
    made.parts = visit_parts.wanted(lines_of(agreed))
    try:
        visit_parts.keep(connection, made, action.payer, now_at)
    except ConflictError as error:
        raise StartError(str(error)) from None
    slots = visit_times.find_slots(connection, made, now_at)
    held = visit_times.hold_first(connection, made, slots)
    if held is None:
        skills = ", ".join(made.skills) or "none"
        raise StartError(f"no technician drives to {made.area} with these skills: {skills}")
    visits.add(connection, made)
    visits.write_proposals(connection, made, slots)
    visit_letters.tell_owner(connection, made, "visit_proposed", now_at, REQUEST, slots)
    action.due_at = look_again(made, now_at)
    action.detail["visit"] = made.uid


def due(connection: Connection, action: ActionRow, _case: Case, now_at: int) -> int | None:
    """Nobody answered: other times, then the end. Nobody closed it: the desk asks."""
    of = visits.expect(connection, action.key)
    if of.state == PROPOSED and now_at < of.updated_at + LAST_MS:
        remind(connection, of, now_at)
        return look_again(of, now_at)
    if of.state == BOOKED and of.end_at is not None:
        if now_at < of.end_at + UNSAID_MS:
            return of.end_at + UNSAID_MS
        visit_letters.tell_desk(connection, of, "visit_unsaid", now_at)
        return now_at + UNSAID_MS
    return None


def remind(connection: Connection, of: Visit, now_at: int) -> None:
    """Propose again what is still free, because times pass while people think."""
    slots = visit_times.propose_again(connection, of, now_at)
    if visit_times.hold_first(connection, of, slots) is not None:
        of.sequence += 1
    visits.save(connection, of)
    if slots:
        visit_letters.tell_owner(connection, of, "visit_proposed", now_at, REQUEST, slots)


def look_again(of: Visit, now_at: int) -> int:
    """When to remind of times that were proposed: after some days, or before the time that is held
    passes unused.
    """
    held_until = (of.start_at or 0) - HELD_MS
    return min(now_at + REMIND_MS, max(held_until, now_at + HELD_MS), of.updated_at + LAST_MS)


def end(connection: Connection, action: ActionRow, now_at: int) -> None:
    """The action is over, whyever: a visit that is still to come is called off."""
    of = visits.maybe_visit(connection, action.key)
    if of is not None and of.is_under_way:
        call_off(connection, of, CANCELLED, now_at)
    parts.end(connection, action, now_at)


def call_off(connection: Connection, of: Visit, to_state: str, now_at: int) -> None:
    """Nobody comes: calendars are told, the technician is free, the parts go back."""
    was_booked = of.is_booked
    of.move(to_state, now_at)
    of.sequence += 1
    visit_letters.tell_owner(connection, of, "visit_cancelled", now_at, CANCEL)
    if was_booked:
        driver = people.find_technician(connection, of.technician or "")
        visit_letters.tell_technician(connection, of, driver, now_at, CANCEL)
    visits.free(connection, of)
    visit_parts.give_back(connection, of)
    visits.save(connection, of)


def _make(action: ActionRow, case: Case, now_at: int) -> Visit:
    given, ticket = case.action, case.ticket
    product = case.product
    about: dict[str, Any] = {
        "appliance": product.title if product else ticket.device,
        "fault": ticket.title,
        "code": ticket.code or f"{ticket.spn}.{ticket.fmi}",
    }
    if product:
        said = _titles(product, ticket.title)
        about["words"] = {
            language: {text: words[text] for text in said if text in words}
            for language, words in product.words.items()
        }
        about["causes"] = (
            {cause.id: cause.title for cause in case.fault.causes} if case.fault else {}
        )
        about["sensors"] = {str(one.channel): [one.title, one.unit] for one in product.sensors}
    return Visit(
        action.device,
        action.ticket,
        action.n,
        uid=str(uuid.uuid4()),
        state=PROPOSED,
        minutes=(given.minutes if given else None) or LOOK_MINUTES,
        zone=case.owner.zone,
        area=case.owner.area,
        created_at=now_at,
        updated_at=now_at,
        about=about,
        skills=sorted(given.skills) if given else [],
    )


def _titles(product: Any, title: str) -> set[str]:
    """What the job sheet may name of a product, beside the ticket's title."""
    causes = (cause for fault in product.faults for cause in fault.causes)
    named = (*product.faults, *causes, *product.parts, *product.sensors)
    return {product.title, title, *(one.title for one in named)}
