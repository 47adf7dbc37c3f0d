"""Event times for devices without a clock (WIRE.md 4.4): bounds on UTC minus uptime.

An uplink signed at uptime `now` and received at R says: at `now` it was not later than R. An echo
of a server time that arrived at uptime `at` says: at `at` it was not earlier than that. Between a
bound and an event the device's crystal may drift by DRIFT, which widens the window.

A report that a courier carried may have been on its way for days: its bound is true and says
little. It dates only what happened in a boot that never spoke over a network.
"""

from collections.abc import Sequence
from typing import NamedTuple

BOUNDS_KEPT = 30
UPPER = 0
LOWER = 1
CARRIED = 2  # an upper bound, too
DRIFT_IN = 10_000  # one ms in so many: 100 ppm
# Without any lower bound: a report is on its way for a minute at most.
UPPER_ONLY_SPAN_MS = 60_000

ANCHORED = "anchored"
UPPER_ONLY = "upper only"
BOUNDED = "bounded"
RECEIVED = "received"

Bound = tuple[int, int]  # (device_ms, utc_ms)


class EventTime(NamedTuple):
    """When something happened: the middle of the window, half its width, and how it was found.

    `uncertainty_ms` is None when there is no lower bound at all (quality RECEIVED).
    """

    at: int
    uncertainty_ms: int | None
    quality: str


class BootBounds(NamedTuple):
    """The bounds of one boot, and the last uptime the receiver heard of."""

    uppers: Sequence[Bound]
    lowers: Sequence[Bound]
    last_ms: int


def place(
    ms: int,
    received_at: int,
    own: BootBounds | None,
    before: BootBounds | None,
    after: BootBounds | None,
) -> EventTime:
    """The time of an event at uptime `ms` of one boot, from the bounds of that boot.

    A boot that never spoke lies between its neighbours: `before` and `after` are the nearest boots
    of the same incarnation that did. `received_at` is the last resort: not later than that.
    """
    if own is not None and own.uppers:
        return _inside(ms, own)
    return _between(ms, received_at, before, after)


def _inside(ms: int, own: BootBounds) -> EventTime:
    low, high = window(ms, own)
    return _within(low if own.lowers else None, high)


def place_as_seen(ms: int, upper: int, lower: int | None) -> EventTime:
    """As `place`, by UTC less uptime as the bounds of its own boot say it at uptime `ms`: at most
    `upper` and, when there is a lower bound, at least `lower`.

    0.7 us; 3.2 as one bound of each kind.
    """
    return _within(None if lower is None else lower + ms, upper + ms)


def _within(low: int | None, high: int) -> EventTime:
    # Low behind high, a clock was set back: of two stories, believe the receiver's own.
    if low is None or low > high:
        return _middle(high - UPPER_ONLY_SPAN_MS, high, UPPER_ONLY)
    return _middle(low, high, ANCHORED)


def _between(
    ms: int, received_at: int, before: BootBounds | None, after: BootBounds | None
) -> EventTime:
    high = received_at
    if after is not None and after.uppers:
        high = min(high, window(0, after)[1])
    if before is None or not before.uppers:
        return EventTime(high, None, RECEIVED)
    low = min(high, window(before.last_ms, before)[0] + ms)
    return _middle(low, high, BOUNDED)


def not_later(ms: int, received_at: int, carried: Sequence[Bound]) -> int:
    """The latest UTC of uptime `ms` of a boot that only couriers have told of."""
    return _latest(ms, carried) + ms if carried else received_at


def window(ms: int, bounds: BootBounds) -> tuple[int, int]:
    """(earliest, latest) UTC of uptime `ms`; needs at least one upper bound."""
    high = _latest(ms, bounds.uppers) + ms
    if not bounds.lowers:
        return high - UPPER_ONLY_SPAN_MS, high
    return _earliest(ms, bounds.lowers) + ms, high


# store.sessions asks the database the same of all bounds that it has.
def _latest(ms: int, uppers: Sequence[Bound]) -> int:
    """UTC less uptime, at most, as seen from uptime `ms`."""
    return min(utc - at + _drift(at - ms) for at, utc in uppers)


def _earliest(ms: int, lowers: Sequence[Bound]) -> int:
    """UTC less uptime, at least, as seen from uptime `ms`."""
    return max(utc - at - _drift(at - ms) for at, utc in lowers)


def _drift(ms: int) -> int:
    """How far a crystal may wander, rounded up."""
    return -(-abs(ms) // DRIFT_IN)


def _middle(low: int, high: int, quality: str) -> EventTime:
    return EventTime((low + high) // 2, (high - low + 1) // 2, quality)
