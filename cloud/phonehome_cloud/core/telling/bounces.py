"""Letters that come back: delivery status notifications (RFC 3464), read without trust.

Anybody can write such a mail. What is read here says what it claims; whether it is about a letter
of ours, and about the address that it went to, is for store.bouncing to say.
"""

import re
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser, HeaderParser
from email.utils import parseaddr
from typing import Any, Final

from .retrying import NOBODY_THERE, tidy

FAILED: Final = "failed"
DELAYED: Final = "delayed"

_REPORT: Final = "multipart/report"
# RFC 3464 and RFC 6533; servers in use call the type by any of these.
_STATUS_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
_ORIGINAL_TYPES: Final = frozenset(
    ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
)
_STATUS: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_BLANK: Final = re.compile(r"\r?\n[ \t]*\r?\n")
_MAX_RECIPIENTS: Final = 50
_UNREADABLE: Final = (MessageError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one address: `addresses` are the final and the original one, lower case."""

    addresses: frozenset[str]
    action: str
    status: str
    reason: str

    @property
    def is_gone(self) -> bool:
        """Whether nothing that is sent there can arrive (RFC 3463)."""
        return self.action == FAILED and bool(NOBODY_THERE.fullmatch(self.status))


@dataclass(frozen=True, slots=True)
class Bounce:
    """A notification: the Message-ID of the letter that it is about, without <>, and its word."""

    about: str
    verdicts: tuple[Verdict, ...]


def read_bounce(raw: bytes) -> Bounce | None:
    """The notification in a mail; None when it is none, or cannot be read as one."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(raw)
        if message.get_content_type() != _REPORT or _type_of(message) != "delivery-status":
            return None
        about = _read_about(message)
        verdicts = [each for part in message.walk() for each in _read_status(part)]
    except _UNREADABLE:
        return None
    return Bounce(about, tuple(verdicts[:_MAX_RECIPIENTS])) if about and verdicts else None


def _type_of(message: EmailMessage) -> str:
    return str(message.get_param("report-type") or "").lower()


def _read_about(message: EmailMessage) -> str:
    """The Message-ID of the letter that came back, as its headers are given back."""
    for part in message.iter_parts():
        if part.get_content_type() not in _ORIGINAL_TYPES:
            continue
        inner: Any = part.get_payload()
        headers: Message = inner[0] if isinstance(inner, list) else _parse(part.get_content())
        return str(headers.get("message-id") or "").strip().strip("<>")
    return ""


def _parse(text: Any) -> Message:
    words = text if isinstance(text, str) else bytes(text).decode("ascii", "replace")
    return HeaderParser(policy=policy.compat32).parsestr(words)


def _read_status(part: Message) -> list[Verdict]:
    """One verdict for each group of fields that names an address."""
    if part.get_content_type() not in _STATUS_TYPES:
        return []
    inner: Any = part.get_payload()
    text = "\n\n".join(str(one) for one in inner) if isinstance(inner, list) else str(inner)
    groups = (_parse(group.strip()) for group in _BLANK.split(text) if group.strip())
    return [_read_group(group) for group in groups if group.get("final-recipient")]


def _read_group(group: Message) -> Verdict:
    told = (_address(group.get(name)) for name in ("final-recipient", "original-recipient"))
    diagnosis = str(group.get("diagnostic-code") or "").partition(";")[2].strip()
    words = str(group.get("status") or ""), diagnosis
    status = next((found[0] for text in words if (found := _STATUS.search(text))), "")
    reason = tidy(f"{status} {diagnosis}".strip() or "no reason was given")
    action = str(group.get("action") or "").strip().lower()
    return Verdict(frozenset(filter(None, told)), action, status, reason)


def _address(value: Any) -> str:
    """`rfc822; ada@example.org` as the address alone."""
    return parseaddr(str(value or "").partition(";")[2].strip())[1].lower()
