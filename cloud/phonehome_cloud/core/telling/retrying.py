"""When something that could not be sent is tried again, and what the answers of others mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

# Standard Webhooks 1.0, "Retry schedule": at once, then over more than three days. Letters go by
# the same one: RFC 5321 4.5.4.1 wants four to five days of a mail server, and ours is behind it.
_PAUSES_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER: Final = 0.2  # of the pause, so that what failed together does not come back together
_MAX_PAUSE_S: Final = 86_400
_REASON_CHARS: Final = 300

# RFC 3463: the mailbox, its domain or the address itself does not exist, has moved, is disabled.
NOBODY_THERE: Final = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|2\.1)\b")


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver has it; `detail` is its word."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """It can work another time; not before `after_s`, when they said so."""

    reason: str
    after_s: int = 0


@dataclass(frozen=True, slots=True)
class Never:
    """It cannot work. `is_gone`: nor can anything else that is sent there. `is_off`: nothing of
    its kind is sent by this receiver, which is no news about a ticket.
    """

    reason: str
    is_gone: bool = False
    is_off: bool = False


Outcome = Sent | Later | Never


def pause_ms(attempts: int, after_s: int, chance: float) -> int:
    """How long to wait after so many tries; `chance` in 0..1 spreads those that failed together.

    What the receiver asks for counts when it is longer, up to a day.
    """
    wait_s = _PAUSES_S[min(attempts, len(_PAUSES_S)) - 1]
    wait_s = max(wait_s, min(after_s, _MAX_PAUSE_S))
    return int(wait_s * 1000 * (1 + _JITTER * chance))


def judge_smtp(code: int, message: str, *, is_about_address: bool) -> Outcome:
    """What a mail server's refusal means (RFC 5321 4.2.1, RFC 3463).

    The address is given up only when an enhanced status says that nobody is there: a plain 550
    can be about our own reputation.
    """
    reason = tidy(f"{code} {message}")
    if 400 <= code < 500:
        return Later(reason)
    is_gone = is_about_address and bool(NOBODY_THERE.search(message))
    return Never(reason, is_gone)


def judge_http(status: int, headers: Mapping[str, str], now_s: float) -> Outcome:
    """What a webhook's answer means (Standard Webhooks 1.0): 2xx has it, 410 wants no more."""
    if 200 <= status < 300:
        return Sent(str(status))
    if status == 410:
        return Never("410 Gone: the receiver wants no more of these", is_gone=True)
    if 300 <= status < 400:
        return Later(f"{status}: redirects are not followed; give the webhook its final URL")
    return Later(f"HTTP status {status}", _retry_after_s(headers.get("Retry-After", ""), now_s))


def _retry_after_s(text: str, now_s: float) -> int:
    """Retry-After as seconds (RFC 9110 10.2.3); 0 when it says nothing that can be read."""
    if text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp() - now_s))
    except (ValueError, TypeError, OverflowError):
        return 0


def tidy(reason: str) -> str:
    """A foreign word as one short printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    return line if len(line) <= _REASON_CHARS else line[: _REASON_CHARS - 1] + "…"
