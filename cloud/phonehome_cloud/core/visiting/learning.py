"""What the use of an appliance tells about presence: a program was started, so somebody was there.

Only with consent, and only counts by cell are kept: on how many days somebody did something in
that part of that kind of day. Nobody can tell from it what happened on which day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from .presence import CELLS, PARTS, UNKNOWN, Presence, cell_of

# Of heartbeats further apart nobody knows when in between something happened.
MAX_GAP_MS: Final = 3_600_000
WEEK_MS: Final = 7 * 24 * 3_600_000
# How much a belief weighs, as the shape of a gamma distribution around it. Of 1, 2, 4, 8 and 16 it
# has the least Brier score for the homes of tests/cloud/test_presence.py after 4 to 40 weeks with
# 2 to 12 uses each, but for 1 % where another one wins.
SHAPE: Final = 4.0

# People who sleep are home and start nothing: of the night the belief stays as it is.
_AWAKE: Final = frozenset(range(2, 7))  # 06:00 to 21:00
_OCCURRENCES: Final = (5, 1, 1)  # of each kind of day in a week
_LEAST, _MOST = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Uses:
    """How many days somebody used the appliance in each cell, between two moments (unix ms)."""

    counts: tuple[int, ...]
    since_at: int
    until_at: int


def estimate(uses: Uses, believed: Presence = UNKNOWN) -> Presence:
    """P(home) from use: counts over what a home that is always there would have.

    How often people use an appliance while they are home is taken to be the same in all waking
    parts of the week; that rate follows from all counts and from what is believed. Each cell then
    leaves the belief as far as its counts say so.
    """
    weeks = (uses.until_at - uses.since_at) / WEEK_MS
    awake = [cell for cell in range(CELLS) if cell % PARTS in _AWAKE]
    chances = [weeks * _OCCURRENCES[cell // PARTS] for cell in range(CELLS)]
    expected = sum(chances[cell] * believed.home[cell] for cell in awake)
    used = sum(uses.counts[cell] for cell in awake)
    if not used or expected <= 0:
        return believed
    rate = used / expected
    home = list(believed.home)
    for cell in awake:
        # Counts are Poisson around chances * p * rate; the gamma distribution is their conjugate.
        p = (SHAPE + uses.counts[cell]) / (SHAPE / home[cell] + chances[cell] * rate)
        home[cell] = min(_MOST, max(_LEAST, p))
    return Presence(tuple(home))


def count_uses(moments: Iterable[int], zone: str) -> tuple[int, ...]:
    """Days with a use for each cell; of several uses in one part of a day one counts."""
    there = ZoneInfo(zone)
    counts = [0] * CELLS
    seen: set[tuple[int, int]] = set()
    for at in moments:
        cell = cell_of(at, zone)
        day = datetime.fromtimestamp(at / 1000, there).toordinal()
        if (day, cell) not in seen:
            seen.add((day, cell))
            counts[cell] += 1
    return tuple(counts)


def find_uses(
    beats: Iterable[tuple[int, Mapping[int, int]]], counters: Iterable[int]
) -> list[int]:
    """When a counter of what people do went up, from heartbeats (received_at, metrics) in order.

    Metrics take turns in heartbeats, so a counter is compared to when it was last told. One that
    fell began anew with the device; of a rise within more than MAX_GAP_MS nobody knows when it
    was, and it does not count.
    """
    wanted = tuple(counters)
    found: list[int] = []
    last: dict[int, tuple[int, int]] = {}
    for at, metrics in beats:
        has_risen = False
        for counter in wanted:
            if counter not in metrics:
                continue
            told_at, value = last.get(counter, (at, metrics[counter]))
            has_risen |= metrics[counter] > value and at - told_at <= MAX_GAP_MS
            last[counter] = at, metrics[counter]
        if has_risen:
            found.append(at)
    return found
