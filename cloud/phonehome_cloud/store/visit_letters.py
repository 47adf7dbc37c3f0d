"""What owners and technicians are told of a visit: a letter, and a calendar entry beside it.

The entry of the owner and that of the technician are two: neither sees the other's address, and
neither can answer for the other. The UID of the technician's follows from that of the owner's, and
not the other way round.
"""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection

from phonehome_cloud.core.acting.pricing import TERMS
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.people.technicians import Technician
from phonehome_cloud.core.telling.effect import MAIL, Attachment, Effect
from phonehome_cloud.core.tickets import parse_ticket_id, ticket_id
from phonehome_cloud.core.visiting.invitations import (
    ACCEPTED,
    CANCEL,
    NEEDS_ACTION,
    REQUEST,
    Invitation,
    Party,
    write_calendar,
)
from phonehome_cloud.core.visiting.sheet import write_text
from phonehome_cloud.core.visiting.slots import DAY_MS, Slot
from phonehome_cloud.core.visiting.visit import Key, Visit
from phonehome_cloud.core.visiting.wording import say, tell

from . import effects, links, people
from .visit_sheets import read_sheet

# Purposes of links, and how long they are good after the visit is over or was proposed.
OWNER_PAGE: Final = "visit"
JOB_PAGE: Final = "job"
_LINK_MS: Final = 60 * DAY_MS
_EXPIRES_MS: Final = 7 * DAY_MS  # a letter that could not be sent for so long is no news

_CALENDAR: Final = "text/calendar"
_JOB: Final = "job"


def tell_owner(
    connection: Connection,
    of: Visit,
    template: str,
    now_at: int,
    method: str | None = REQUEST,
    slots: Iterable[Slot] = (),
    **more: Any,
) -> None:
    """A letter to the owner with a link to their page, and the entry of their calendar.

    Without an owner nobody is told; without a mail address of the desk no calendar is, because
    there would be nobody to answer to.
    """
    owner = people.find_owner(connection, of.device)
    if owner is None:
        return
    page = make_page(connection, owner, of, now_at)
    times = [{"start_at": slot.start_at, "end_at": slot.end_at} for slot in slots]
    data = {**tell(owner.language, of.about), **_when(of), "slots": times, "page": page}
    data |= {TERMS: of.about[TERMS], **more}
    entry = owner_entry(connection, of, owner, now_at) if method else None
    attachments = (_calendar(entry, method),) if entry and method else ()
    _add(connection, of, f"owner:{owner.id}", template, data, now_at, attachments)


def tell_technician(
    connection: Connection, of: Visit, technician: Technician | None, now_at: int, method: str
) -> None:
    """The job with its sheet, or that it is off, and the entry to where their calendar is; nobody
    is told who is not there any more.
    """
    if technician is None:
        return
    attachments: list[Attachment] = []
    invitations: list[Attachment] = []
    data = {**tell(technician.language, of.about), **_when(of), "page": ""}
    template = "visit_job_cancelled"
    if method == REQUEST:
        template = "visit_job"
        data["page"] = make_job_page(connection, technician.id, of, now_at)
        sheet = write_text(read_sheet(connection, of, now_at), technician.language)
        attachments.append(Attachment("job.txt", "text/plain", sheet.encode()))
    entry = technician_entry(connection, of, technician, now_at)
    if entry is not None:
        invitations.append(_calendar(entry, method))
    if technician.calendar != technician.mail and invitations:
        # Their calendar has an address of its own: the entry goes there, the sheet to them.
        to, given = f"calendar:{technician.id}", tuple(invitations)
        _add(connection, of, to, template, data, now_at, given)
        invitations.clear()
    if technician.mail or not technician.calendar:
        to = f"technician:{technician.id}"
        _add(connection, of, to, template, data, now_at, (*attachments, *invitations))


def tell_desk(connection: Connection, of: Visit, template: str, now_at: int, **more: Any) -> None:
    """A letter to the service desk: somebody has to do something."""
    driver = people.find_technician(connection, of.technician or "")
    about = tell(people.find_desk(connection).language, of.about)
    data = {**about, **_when(of), "technician": driver.name if driver else of.technician or ""}
    data |= more
    _add(connection, of, "desk", template, data, now_at, ())


def owner_entry(connection: Connection, of: Visit, owner: Owner, now_at: int) -> Invitation | None:
    """The owner's calendar entry as it is now; None when it cannot be sent."""
    desk = people.find_desk(connection)
    if not owner.mail or not desk.mail or of.start_at is None or of.end_at is None:
        return None
    why, answer = (say(owner.language, name, of.about) for name in ("why", "answer"))
    return Invitation(
        uid=of.uid,
        sequence=of.sequence,
        stamp_at=now_at,
        start_at=of.start_at,
        end_at=of.end_at,
        zone=of.zone,
        summary=say(owner.language, "summary", of.about),
        organizer=Party(desk.mail),
        attendee=Party(owner.mail.lower(), owner.name),
        status=ACCEPTED if of.is_booked else NEEDS_ACTION,
        is_tentative=not of.is_booked,
        location=owner.address,
        description=f"{why}\n{answer}",
    )


def technician_entry(
    connection: Connection, of: Visit, technician: Technician, now_at: int
) -> Invitation | None:
    """The technician's calendar entry, on their own clock; None when it cannot be sent."""
    desk, owner = people.find_desk(connection), people.find_owner(connection, of.device)
    if not technician.calendar or not desk.mail or of.start_at is None or of.end_at is None:
        return None
    return Invitation(
        uid=str(uuid5(UUID(of.uid), _JOB)),
        sequence=of.sequence,
        stamp_at=now_at,
        start_at=of.start_at,
        end_at=of.end_at,
        zone=technician.zone,
        summary=say(technician.language, "job", of.about),
        organizer=Party(desk.mail),
        attendee=Party(technician.calendar.lower(), technician.name),
        status=ACCEPTED,
        location=owner.address if owner else "",
        description=say(technician.language, "sheet", of.about),
    )


def make_page(connection: Connection, owner: Owner, of: Visit, now_at: int) -> str:
    """The path of the owner's page about a visit, under a token of its own."""
    return "/v/" + links.make(
        connection, OWNER_PAGE, _subject(owner.id, of.key), now_at + _LINK_MS
    )


def make_job_page(connection: Connection, technician: str, of: Visit, now_at: int) -> str:
    """The path of the technician's page about a visit, under a token of its own."""
    expires_at = max(now_at, of.end_at or 0) + _LINK_MS
    return "/j/" + links.make(connection, JOB_PAGE, _subject(technician, of.key), expires_at)


def read_subject(subject: str) -> tuple[str, Key]:
    """(owner or technician, visit) of the subject of such a link."""
    who, ticket, action = subject.rsplit(" ", 2)
    return who, Key(*parse_ticket_id(ticket), int(action))


def _subject(who: str, key: Key) -> str:
    return f"{who} {ticket_id(key[0], key[1])} {key[2]}"


def _when(of: Visit) -> dict[str, Any]:
    return {"start_at": of.start_at, "end_at": of.end_at, "is_booked": of.is_booked}


def _calendar(entry: Invitation, method: str) -> Attachment:
    name = "cancelled.ics" if method == CANCEL else "visit.ics"
    return Attachment(name, _CALENDAR, write_calendar(entry, method), method)


def _add(
    connection: Connection,
    of: Visit,
    to: str,
    template: str,
    data: dict[str, Any],
    now_at: int,
    attachments: tuple[Attachment, ...],
) -> None:
    device, ticket, action = of.key
    # A letter for each change that calendars are told, for each round of proposals, and for each
    # day on which somebody is reminded.
    occasion = f"{of.sequence}:{of.round}:{now_at // DAY_MS}"
    whose = to if to.startswith("calendar:") else to.partition(":")[2]
    key = f"{template}:{device}:{ticket}:{action}:{occasion}:{whose}"
    expires_at = now_at + _EXPIRES_MS
    given = key, MAIL, to, template, data, device, ticket, now_at, expires_at
    effects.add(connection, Effect(*given, attachments=attachments), now_at)
