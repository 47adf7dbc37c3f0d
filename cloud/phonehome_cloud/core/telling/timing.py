"""When a letter to an owner may go: their quiet hours by their clock, and so many a day at most.

Pure: everything is told, the clock too. Safety passes both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

# zoneinfo: the standard library's reader of the IANA time zones; tzdata where the system has none.
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .effect import SAFETY

DAY_MS: Final = 86_400_000
_DAY_MINUTES: Final = 1440


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants to be told.

    Quiet from one minute of the day until another, by the clock of `zone`; the same one twice is
    never. `daily_cap` letters in any 24 hours.
    """

    daily_cap: int
    quiet_from: int
    quiet_until: int
    zone: str


def find_zone(name: str) -> ZoneInfo:
    """The zone of this IANA name; UTC for one that is unknown, which a letter must survive."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def is_quiet(wishes: Wishes, at_ms: int) -> bool:
    """Whether a moment is in their quiet hours."""
    local = datetime.fromtimestamp(at_ms / 1000, find_zone(wishes.zone))
    minute = local.hour * 60 + local.minute
    quiet_from, quiet_until = wishes.quiet_from, wishes.quiet_until
    if quiet_from <= quiet_until:
        return quiet_from <= minute < quiet_until
    return minute >= quiet_from or minute < quiet_until


def end_of_quiet(wishes: Wishes, at_ms: int) -> int:
    """The moment from which it is not quiet any more; `at_ms` itself when it is not.

    By the wall clock of that day: a night with a clock change is an hour shorter or longer, and
    an end that this night leaves out comes as much later as the clock is put forward.
    """
    if not is_quiet(wishes, at_ms):
        return at_ms
    zone = find_zone(wishes.zone)
    today = datetime.fromtimestamp(at_ms / 1000, zone).date()
    end = time(wishes.quiet_until // 60, wishes.quiet_until % 60)
    for days in range(3):
        for fold in (0, 1):
            day = today + timedelta(days=days)
            local = datetime.combine(day, end.replace(fold=fold), zone)
            moment = int(local.astimezone(UTC).timestamp()) * 1000
            if moment > at_ms and not is_quiet(wishes, moment):
                return moment
    return at_ms + DAY_MS


def may_go_at(wishes: Wishes, weight: str, now_at: int, sent_at: Sequence[int]) -> int:
    """The first moment from `now_at` on at which a letter may go.

    `sent_at` are the moments at which they were sent others, in any order; safety letters are
    not among them.
    """
    if weight == SAFETY:
        return now_at
    lately = sorted(at for at in sent_at if at > now_at - DAY_MS)
    free_at = now_at
    if len(lately) >= wishes.daily_cap:
        free_at = max(now_at, lately[-wishes.daily_cap] + DAY_MS)
    return end_of_quiet(wishes, free_at)


def parse_minute(text: str) -> int:
    """The minute of the day that HH:MM says; ValueError for anything else."""
    hours, colon, minutes = text.strip().partition(":")
    is_number = text.isascii() and hours.isdecimal() and minutes.isdecimal()
    if not (colon and is_number and len(hours) <= 2 and len(minutes) == 2):
        raise ValueError(f"{text!r} is no time")
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute >= _DAY_MINUTES:
        raise ValueError(f"{text!r} is no time")
    return minute
