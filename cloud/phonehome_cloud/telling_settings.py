"""The settings of what leaves the receiver: mail, letters, webhooks."""

import re
from typing import Any, Final

from .core.telling.composing import to_ascii
from .core.telling.guarding import Network, parse_networks
from .core.telling.relay import parse_relay
from .core.telling.timing import parse_minute
from .setting import Secret, Setting, read_text, read_whole

_MAX_CAP: Final = 1000
_MAX_DAYS: Final = 3650
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_AN_ADDRESS: Final = "a mail address, or empty"
_A_PEM: Final = "a path of a PEM file, or empty"


def _relay(value: Any) -> Secret | None:
    if value == "":
        return None
    parse_relay(read_text(value))
    return Secret(value)


def _mailbox(value: Any) -> str:
    return to_ascii(read_text(value)) if value else ""


def _quiet(value: Any) -> tuple[int, int]:
    start, _, end = read_text(value).partition("-")
    return parse_minute(start), parse_minute(end)


def _networks(value: Any) -> tuple[Network, ...]:
    return parse_networks(read_text(value))


def _language(value: Any) -> str:
    if not _LANGUAGE.fullmatch(read_text(value)):
        raise ValueError
    return read_text(value)


TELLING_SETTINGS: Final = (
    Setting(
        "mail.url",
        "",
        _relay,
        "`smtp+starttls://user:password@host[:587]`, `smtps://...[:465]`, `smtp://localhost`, "
        "or empty",
        "The mail server that takes letters; without it they are dead letters, to be retried.",
    ),
    Setting("mail.sender", "", _mailbox, _AN_ADDRESS, "The address that letters come from."),
    Setting("mail.name", "Service", read_text, "a name", "Who signs letters."),
    Setting("mail.reply_to", "", _mailbox, _AN_ADDRESS, "Where answers go, if not to the sender."),
    Setting("mail.ca", "", read_text, _A_PEM, "Who signed that server's certificate."),
    Setting(
        "telling.daily_cap",
        6,
        read_whole(1, _MAX_CAP),
        f"a whole number from 1 to {_MAX_CAP}",
        "Letters an owner gets within 24 hours at most; safety letters are not counted.",
    ),
    Setting(
        "telling.quiet",
        "21:00-07:00",
        _quiet,
        "HH:MM-HH:MM; the same time twice for never",
        "When an owner is left in peace, by their own clock; safety letters go at once.",
    ),
    Setting(
        "telling.language",
        "en",
        _language,
        "two letters, as in `de`",
        "The language of letters to whom none is known of, or one that there are no letters in.",
    ),
    Setting(
        "telling.lease_s",
        120,
        read_whole(2, 3600),
        "seconds, a whole number from 2 to 3600",
        "An effect whose receiver was killed while sending it is sent by another after this time; "
        "half of it is the time to send it in.",
    ),
    Setting(
        "telling.kept_days",
        180,
        read_whole(30, _MAX_DAYS),
        f"days, a whole number from 30 to {_MAX_DAYS}",
        "How long letters and events are kept after they were sent or given up; those about an "
        "open ticket stay.",
    ),
    Setting(
        "webhooks.networks",
        "",
        _networks,
        "networks as in `10.1.0.0/16`, with commas between them, or empty",
        "Private networks that events may be sent to, without TLS too; else none are.",
    ),
    Setting("webhooks.ca", "", read_text, _A_PEM, "Who signed certificates of such receivers."),
)
