"""A visit as an action: parts are kept, three times are proposed and the best of them is held."""

import uuid
from collections import Counter
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.caring import ActionRow, Case, StartError
from phonehome_cloud.core.visiting.invitations import CANCEL, REQUEST
from phonehome_cloud.core.visiting.slots import DAY_MS
from phonehome_cloud.core.visiting.states import BOOKED, CANCELLED, PROPOSED
from phonehome_cloud.core.visiting.visit import Visit
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import (
    people,
    stock,
    visit_letters,
    visit_times,
    visits,
)

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
    made.parts, made.parts_at = _keep_parts(connection, action, case, now_at)
    slots = visit_times.find_slots(connection, made, now_at)
    held = visit_times.hold_first(connection, made, slots)
    if held is None:
        _give_back(connection, made)
        skills = ", ".join(made.skills) or "none"
        raise StartError(f"no technician drives to {made.area} with these skills: {skills}")
    visits.add(connection, made)
    visits.write_proposals(connection, made, slots)
    visit_letters.tell_owner(connection, made, "visit_proposed", now_at, REQUEST, slots)
    missing = [row for row in made.parts if row["reservation"] is None]
    if missing:
        more = {"parts": missing, "parts_at": made.parts_at}
        visit_letters.tell_desk(connection, made, "visit_parts", now_at, **more)
    action.due_at = _look_again(made, now_at)
    action.detail["visit"] = made.uid


def due(connection: Connection, action: ActionRow, _case: Case, now_at: int) -> int | None:
    """Nobody answered: other times, then the end. Nobody closed it: the desk asks."""
    of = visits.expect(connection, (action.device, action.ticket, action.n))
    if of.state == PROPOSED and now_at < of.created_at + LAST_MS:
        remind(connection, of, now_at)
        return _look_again(of, now_at)
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


def _look_again(of: Visit, now_at: int) -> int:
    """When to remind: after some days, or before the time that is held passes unused."""
    held_until = (of.start_at or 0) - HELD_MS
    return min(now_at + REMIND_MS, max(held_until, now_at + HELD_MS), of.created_at + LAST_MS)


def end(connection: Connection, action: ActionRow, now_at: int) -> None:
    """The action is over, whyever: a visit that is still to come is called off."""
    of = visits.maybe_visit(connection, (action.device, action.ticket, action.n))
    if of is not None and of.is_under_way:
        call_off(connection, of, CANCELLED, now_at)


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
    _give_back(connection, of)
    visits.save(connection, of)


def _make(action: ActionRow, case: Case, now_at: int) -> Visit:
    given, ticket = case.action, case.ticket
    about = {
        "appliance": case.product.title if case.product else ticket.device,
        "fault": ticket.title,
        "code": ticket.code or f"{ticket.spn}.{ticket.fmi}",
    }
    return Visit(
        action.device,
        action.ticket,
        action.n,
        uid=str(uuid.uuid4()),
        state=PROPOSED,
        minutes=(given.minutes if given else None) or _MINUTES,
        zone=case.owner.zone,
        area=case.owner.area,
        created_at=now_at,
        updated_at=now_at,
        about=about,
        skills=sorted(given.skills) if given else [],
    )


# A visit that a person ordered for a fault without one in the product file: to look at it.
_MINUTES: Final = 60


def _keep_parts(
    connection: Connection, action: ActionRow, case: Case, now_at: int
) -> tuple[list[dict[str, Any]], int]:
    """Reserve what lies in the depot; of the rest, when the last will be there (0: all is)."""
    kept, parts_at = [], 0
    for number, count in Counter(case.action.parts if case.action else ()).items():
        made = case.product.find_part(number)
        row = {"part": number, "title": made.title if made else number, "count": count}
        found = people.availability(connection, number, now_at)
        try:
            with connection.begin_nested():
                place = action.device, action.ticket
                row["reservation"] = people.reserve(connection, number, count, now_at, place)
        except ConflictError:
            if found.days is None or found.is_discontinued:
                raise StartError(f"part {number} is not to be had") from None
            row["reservation"] = None
            # What lies there is too little: a delivery takes as long as it always does.
            parts_at = max(parts_at, now_at + max(1, found.days) * DAY_MS)
        kept.append(row)
    return kept, parts_at


def _give_back(connection: Connection, of: Visit) -> None:
    for row in of.parts:
        if row["reservation"]:
            release(connection, row["reservation"])
            row["reservation"] = None


def release(connection: Connection, reservation: str) -> None:
    """Give back a reservation; one that somebody ended already stays ended."""
    try:
        stock.release(connection, reservation)
    except NotFoundError:
        return
