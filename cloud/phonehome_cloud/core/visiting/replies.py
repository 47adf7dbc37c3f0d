"""What people's calendars answer: iTIP replies and counters, read out of their mails.

Mails come from anybody. Of one that is no answer nothing is read beyond its type; one that claims
to be one is refused with a reason, unless sender, attendee, UID and SEQUENCE are those of a visit.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from hashlib import sha256
from typing import Any, Final

from .invitations import ACCEPTED, DECLINED, TENTATIVE

REPLY: Final = "REPLY"
COUNTER: Final = "COUNTER"
MAX_MAIL_BYTES: Final = 256 * 1024  # an answer has one event; the largest seen have 20 KiB
# Clocks of people's computers are set over the network; so much apart is still believed.
SKEW_MS: Final = 300_000

_CALENDAR: Final = "text/calendar"
_METHODS: Final = frozenset((REPLY, COUNTER))
_STATUSES: Final = frozenset((ACCEPTED, DECLINED, TENTATIVE))
# What icalendar and the standard library's mails raise for texts that are none of theirs.
_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)


class ReplyError(ValueError):
    """A mail that says it is an answer to an invitation, and cannot be taken for one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One attendee's answer. `start_at` is the time that a counter asks for, unix ms.

    `sender` is the address in From; whether it may speak for `attendee` is `check_reply`.
    """

    method: str
    uid: str
    sequence: int
    stamp_at: int
    attendee: str
    sender: str
    status: str
    start_at: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply must fit: the invitation as it was sent last, and the newest reply to it."""

    sequence: int
    attendee: str
    reply_sequence: int | None
    reply_at: int | None


def read_mail(raw: bytes) -> tuple[bytes, Reply | None]:
    """The identity of a mail (hash of its Message-ID, else of itself), and the answer in it.

    None when it is none. ReplyError when it claims to be one: its identity is then in `args[1]`.
    """
    message = BytesParser(policy=policy.default).parsebytes(raw[:MAX_MAIL_BYTES])
    identity = sha256(_header(message, "message-id").encode() or raw).digest()
    part = _calendar_part(message)
    if part is None:
        return identity, None
    try:
        return identity, _read_part(part, parseaddr(_header(message, "from"))[1].lower())
    except ReplyError as error:
        raise ReplyError(str(error), identity) from None
    except _UNREADABLE as error:
        raise ReplyError(f"no iCalendar: {str(error)[:60]}", identity) from None


def check_reply(reply: Reply, asked: Asked) -> str:
    """Why a reply does not count, or nothing when it does (RFC 5546, 2.1.5).

    An older SEQUENCE answers what is no longer asked; of the same one the newer DTSTAMP counts.
    """
    if reply.attendee != asked.attendee:
        return "the attendee was not invited"
    if reply.sender != reply.attendee:
        return "sent by somebody else than the attendee"
    if reply.sequence < asked.sequence:
        return f"answers SEQUENCE {reply.sequence}, now it is {asked.sequence}"
    if reply.sequence > asked.sequence:
        return f"SEQUENCE {reply.sequence} was never sent"
    if asked.reply_sequence == reply.sequence and reply.stamp_at <= (asked.reply_at or 0):
        return "an answer that is as new was read before"
    return ""


def bound_stamp(reply: Reply, now_at: int) -> Reply:
    """A reply whose DTSTAMP is no later than it can be: one written in the future was written when
    it came. Otherwise a calendar with a wrong clock would outrank every answer after it.
    """
    return replace(reply, stamp_at=now_at) if reply.stamp_at > now_at + SKEW_MS else reply


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name) or "").strip()
    except (ValueError, IndexError, TypeError):  # what the standard library makes of some headers
        return ""


def _calendar_part(message: EmailMessage) -> EmailMessage | None:
    for part in message.walk():
        method = str(part.get_param("method") or "").upper()
        if part.get_content_type() == _CALENDAR and method in _METHODS:
            return part
    return None


def _read_part(part: EmailMessage, sender: str) -> Reply:
    import icalendar  # noqa: PLC0415 - see `invitations`

    given = str(part.get_param("method")).upper()
    calendar = icalendar.Calendar.from_ical(part.get_content())
    events = calendar.walk("VEVENT")
    if str(calendar.get("method", "")).upper() != given:
        raise ReplyError("METHOD is not that of the MIME type")
    if len(events) != 1:
        raise ReplyError(f"{len(events)} events, want 1")
    return _read_event(events[0], given, sender)


def _read_event(event: Any, method: str, sender: str) -> Reply:
    attendees = event.get("attendee")
    if attendees is None or isinstance(attendees, list):
        raise ReplyError("want one ATTENDEE, who answers")
    uid, sequence, stamp = event.get("uid"), event.get("sequence", 0), event.get("dtstamp")
    if not uid or not isinstance(sequence, int) or stamp is None:
        raise ReplyError("UID, SEQUENCE or DTSTAMP is missing")
    status = str(attendees.params.get("PARTSTAT", "")).upper()
    if method == REPLY and status not in _STATUSES:
        raise ReplyError(f"PARTSTAT {status[:20]!r} answers nothing")
    start_at = _moment(event.get("dtstart")) if method == COUNTER else None
    if method == COUNTER and start_at is None:
        raise ReplyError("a counter without a time")
    address = str(attendees).strip().lower().removeprefix("mailto:")
    stamp_at = _moment(stamp)
    if stamp_at is None:
        raise ReplyError("DTSTAMP is no time")
    return Reply(method, str(uid), int(sequence), stamp_at, address, sender, status, start_at)


def _moment(value: Any) -> int | None:
    """Unix ms of a time with a zone; None for a day, or for a time on nobody's clock."""
    found = getattr(value, "dt", None)
    if not isinstance(found, datetime) or found.tzinfo is None:
        return None
    try:
        return int(found.astimezone(UTC).timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
