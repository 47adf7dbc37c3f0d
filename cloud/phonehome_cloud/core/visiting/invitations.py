"""Calendar invitations and their withdrawal: iTIP (RFC 5546) in iCalendar (RFC 5545).

icalendar: it folds, escapes and writes time zones as the RFC wants; it takes 10 MiB and 50 ms, so
it is loaded with the first invitation.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

REQUEST: Final = "REQUEST"
CANCEL: Final = "CANCEL"
DECLINECOUNTER: Final = "DECLINECOUNTER"
METHODS: Final = (REQUEST, CANCEL, DECLINECOUNTER)

ACCEPTED: Final = "ACCEPTED"
DECLINED: Final = "DECLINED"
TENTATIVE: Final = "TENTATIVE"
NEEDS_ACTION: Final = "NEEDS-ACTION"

_PRODUCT: Final = "-//phonehome//visits//EN"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in a calendar entry: a mail address and the name beside it."""

    mail: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar entry as one reader gets it. Times are unix ms; `zone` is the reader's.

    `uid` stays for ever and `sequence` rises with every message that changes something;
    `stamp_at` is when this one was written.
    """

    uid: str
    sequence: int
    stamp_at: int
    start_at: int
    end_at: int
    zone: str
    summary: str
    organizer: Party
    attendee: Party
    status: str = NEEDS_ACTION
    is_tentative: bool = False
    location: str = ""
    description: str = ""
    url: str = ""


def write_calendar(invitation: Invitation, method: str) -> bytes:
    """The iCalendar object of a message with this method; ValueError for one of others' methods.

    Exactly one VEVENT, and the VTIMEZONE that its times are in (RFC 5546, 3.2.2 and 3.2.5).
    """
    import icalendar  # noqa: PLC0415 - see above

    if method not in METHODS:
        raise ValueError(f"method = {method!r}: want one of {', '.join(METHODS)}")
    calendar = icalendar.Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(_event(icalendar, invitation, method))
    year = _there(invitation.start_at, invitation.zone).date()
    first, last = year.replace(month=1, day=1), year.replace(year=year.year + 2, month=1, day=1)
    calendar.add_missing_timezones(first, last)
    written: bytes = calendar.to_ical()
    return written


def _event(icalendar: Any, of: Invitation, method: str) -> Any:
    event = icalendar.Event()
    event.add("uid", of.uid)
    event.add("sequence", of.sequence)
    event.add("dtstamp", datetime.fromtimestamp(of.stamp_at // 1000, UTC))
    start, end = _times(of)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", of.summary)
    event.add("status", _status(of, method))
    event.add("transp", "OPAQUE")
    for name, text in (("location", of.location), ("description", of.description)):
        if text:
            event.add(name, text)
    if of.url:
        event.add("url", of.url)
    event.add("organizer", _address(icalendar, of.organizer))
    event.add("attendee", _attendee(icalendar, of, method))
    return event


def _status(of: Invitation, method: str) -> str:
    if method == CANCEL:
        return "CANCELLED"
    return "TENTATIVE" if of.is_tentative else "CONFIRMED"


def _attendee(icalendar: Any, of: Invitation, method: str) -> Any:
    address = _address(icalendar, of.attendee)
    address.params["CUTYPE"] = "INDIVIDUAL"
    address.params["ROLE"] = "REQ-PARTICIPANT"
    if method == REQUEST:
        address.params["PARTSTAT"] = of.status
        address.params["RSVP"] = "TRUE"
    return address


def _address(icalendar: Any, party: Party) -> Any:
    address = icalendar.vCalAddress(f"mailto:{party.mail}")
    if party.name:
        # RFC 5545, 3.1: a parameter has no quotes and no control characters.
        address.params["CN"] = "".join(c for c in party.name if c.isprintable() and c != '"')
    return address


def _times(of: Invitation) -> tuple[datetime, datetime]:
    """On the reader's clock, or in UTC when that clock shows one of the times twice.

    Such a time is the first of the two to every calendar (RFC 5545, 3.3.5).
    """
    start, end = _there(of.start_at, of.zone), _there(of.end_at, of.zone)
    if start.fold or end.fold:
        return start.astimezone(UTC), end.astimezone(UTC)
    return start, end


def _there(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at // 1000, ZoneInfo(zone))
