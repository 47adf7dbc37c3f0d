r"""The owner says that it helped, and the appliance still holds the fault: whom to believe, when.

    watched -> confirmed            the fault heals
       |-----> refuted              it occurs again, or is still there after being asked for twice
       |-----> asked -> watched     it is still there: perhaps the appliance was not used since
       \-----> believed             the appliance says nothing: the owner's word counts
                  \--> refuted      it comes back within two weeks, with the fault

A fault heals when the appliance sees that it works, and many see that in use only. So a fault that
is still active after a day refutes nobody: the owner is asked to use the appliance, and once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

WATCHED: Final = "watched"
ASKED: Final = "asked"
CONFIRMED: Final = "confirmed"
REFUTED: Final = "refuted"
BELIEVED: Final = "believed"

_DAY_MS: Final = 86_400_000
# So long the appliance has to show it, the first time and the second: most are used each day, and
# nearly all within three.
WATCH_MS: Final[Mapping[int, int]] = MappingProxyType({1: _DAY_MS, 2: 3 * _DAY_MS})
# What was believed is held against an appliance that comes back so much later.
DOUBT_MS: Final = 14 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Sight:
    """What an appliance has shown: whether the fault is active by its newest word, when it was
    confirmed anew since the owner spoke, and when the appliance was last heard (unix ms).
    """

    is_active: bool
    confirmed_at: int | None
    heard_at: int | None


def judge(times: int, said_at: int, until_at: int, sight: Sight, now_at: int) -> str:
    """What has become of the owner's `times`-th word; WATCHED while the appliance has time."""
    if not sight.is_active:
        return CONFIRMED
    if sight.confirmed_at is not None:
        return REFUTED
    if now_at < until_at:
        return WATCHED
    # A word just after the owner's says nothing about what was done since.
    half_at = (said_at + until_at) // 2
    if sight.heard_at is None or sight.heard_at < half_at:
        return BELIEVED
    return ASKED if times < max(WATCH_MS) else REFUTED


def doubt(until_at: int, sight: Sight, now_at: int) -> str | None:
    """What has become of an assurance that was believed; None when there is nothing left to see.

    An appliance that is heard again has a day to show that the fault is gone.
    """
    if not sight.is_active or sight.confirmed_at is not None or now_at >= until_at + DOUBT_MS:
        return None  # a fault that is confirmed anew reopens its ticket by itself
    was_heard = sight.heard_at is not None and until_at <= sight.heard_at <= now_at - _DAY_MS
    return REFUTED if was_heard else BELIEVED
