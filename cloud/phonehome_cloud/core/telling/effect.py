"""One thing to do outside after a commit, with the key under which it is done at most once."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAIL: Final = "mail"
WEBHOOK: Final = "webhook"
KINDS: Final = (MAIL, WEBHOOK)

# Passes caps, quiet hours and the wish for no letters: somebody may be hurt.
SAFETY: Final = "safety"
# Somebody waits for it or has to answer it: quiet hours hold it, a digest never does.
SERVICE: Final = "service"
# Good to know: quiet hours and caps hold it, and several become one letter.
NOTICE: Final = "notice"
WEIGHTS: Final = (SAFETY, SERVICE, NOTICE)

# What webhooks may subscribe to: a change of a ticket, and a new incident.
EVENTS: Final = (
    "ticket.opened",
    "ticket.reopened",
    "ticket.resolved",
    "ticket.closed",
    "incident.opened",
)

DIGEST: Final = "digest"  # the template of several notices in one letter

WAITING: Final = "waiting"
SENT: Final = "sent"
DEAD: Final = "dead"  # given up with a reason; a person may have it tried again
MERGED: Final = "merged"  # its text is in a digest, which is an effect of its own
CANCELLED: Final = "cancelled"  # what it was about is over, or its reader is erased
STATES: Final = (WAITING, SENT, DEAD, MERGED, CANCELLED)

# A key goes into the header webhook-id, where a full stop ends it (Standard Webhooks 1.0).
_KEY: Final = re.compile(r"[A-Za-z0-9:_-]{1,160}")
_TO: Final = re.compile(
    r"(owner|technician|calendar|supplier|operator|hook):[A-Za-z0-9._-]{1,64}|desk|sales"
)
_TEMPLATE: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_MEDIA: Final = re.compile(r"[a-z]+/[a-z0-9.+-]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a letter. `method` is that of an iTIP calendar part (RFC 6047), else None."""

    name: str
    media: str
    content: bytes
    method: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what a mail header cannot carry."""
        _check("attachment.media", self.media, _MEDIA)
        if not self.name.isprintable() or "/" in self.name or not self.name:
            raise ValueError(f"attachment.name = {self.name!r}: want a printable name without /")
        if self.method is not None and not self.method.isalpha():
            raise ValueError(f"attachment.method = {self.method!r}: want a word such as REQUEST")

    def to_json(self) -> dict[str, Any]:
        """As the table keeps it."""
        content = b64encode(self.content).decode()
        return {"name": self.name, "media": self.media, "content": content, "method": self.method}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Attachment":
        """What the table has kept."""
        return cls(row["name"], row["media"], b64decode(row["content"]), row["method"])


@dataclass(frozen=True, slots=True)
class Effect:
    """Tell somebody something, once: a letter made of a template, or an event for a webhook.

    `key` names the occasion ("resolved:<device>:<ticket>"), 1 to 160 of A-Z a-z 0-9 : _ -;
    the receiver's copy carries it, so a second one can be told. `to` is owner:ID,
    technician:ID, calendar:ID (a technician's), supplier:ID, operator:NAME, hook:ID, desk or
    sales. `template` is that of the letter, or the type of the event. It is not sent before
    `due_at` nor from `expires_at` on, both unix ms. ValueError when a field is none of that.
    """

    key: str
    kind: str
    to: str
    template: str
    data: Mapping[str, Any]
    device: str | None
    ticket: int | None
    due_at: int
    expires_at: int
    weight: str = SERVICE
    attachments: tuple[Attachment, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what could not be sent, where it is written and not days later."""
        _check("effect.key", self.key, _KEY)
        _check("effect.to", self.to, _TO)
        _check("effect.template", self.template, _TEMPLATE)
        if self.kind not in KINDS:
            raise ValueError(f"effect.kind = {self.kind!r}: want one of {', '.join(KINDS)}")
        if self.weight not in WEIGHTS:
            raise ValueError(f"effect.weight = {self.weight!r}: want one of {', '.join(WEIGHTS)}")
        if self.expires_at <= self.due_at:
            raise ValueError(f"effect.expires_at = {self.expires_at}: want it after due_at")


def _check(name: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{name} = {value!r}: want {pattern.pattern}")
