"""A simulated day of a fleet, second by second: what comes, what is taken, what is told to wait.

Reports are counted, not devices: heartbeats come evenly, because each device draws its phase;
faults follow people, who wash in the morning and in the evening. At CUT_S a region loses its power
for half an hour; when it is back all its devices speak within a minute. What the receivers cannot
take is refused at once and comes again within a back-off that is drawn anew and doubles each time,
as the agent does: full jitter, 5 s * 2**n, at most 900 s.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from phonehome_tools.planning.arithmetic import BACK_REPORTS, DAY_S, Fleet

CUT_S = 19 * 3600
DARK_S = 1800
BACK_S = 60
FIRST_BACKOFF_S, MAX_BACKOFF_S = 5, 900
# What a receiver lets wait for its commit (intake.queue), in reports.
QUEUE = 5000


@dataclass
class Day:
    """Each second's reports: first attempts, all attempts, taken; and the longest wait."""

    capacity: float
    fresh: list[float] = field(default_factory=list)
    tried: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    refused: float = 0.0
    settled_s: int = 0  # from power on until nobody waits any more


def simulate(fleet: Fleet, capacity: float, receivers: int) -> Day:
    """One day, and whatever of it is still under way an hour later."""
    day = Day(capacity)
    retries = _Retries()
    queue = 0.0
    for second in range(DAY_S):
        fresh = _fresh(fleet, second)
        again = retries.due()
        tried = fresh + sum(again)
        room = max(0.0, receivers * QUEUE + capacity - queue)
        share = 1.0 if tried <= room else room / tried
        queue += share * tried
        done = min(queue, capacity)
        queue -= done
        day.refused += (1 - share) * tried
        retries.refuse((1 - share) * fresh, [(1 - share) * amount for amount in again])
        day.fresh.append(fresh)
        day.tried.append(tried)
        day.taken.append(done)
        if second >= CUT_S + DARK_S and (queue >= 1 or retries.waiting >= 1):
            day.settled_s = second - CUT_S - DARK_S + 1
    return day


def _fresh(fleet: Fleet, second: int) -> float:
    """Reports that devices send for the first time in this second."""
    lit = fleet.devices * (1 - fleet.cut if 0 <= second - CUT_S < DARK_S else 1)
    rate = lit / fleet.heartbeat_s + lit * 2 * fleet.faults_a_day / DAY_S * _use(second)
    back = second - CUT_S - DARK_S
    if 0 <= back < BACK_S:
        rate += BACK_REPORTS * fleet.cut * fleet.devices / BACK_S
    return rate


def _use(second: int) -> float:
    """How much appliances are used at this time of the day, 1 on average."""
    hour = second / 3600
    return 1 + 0.6 * math.cos((hour - 8) / 24 * 4 * math.pi) - 0.4 * math.cos(hour / 12 * math.pi)


class _Retries:
    """Refused reports by how often they were, each spread evenly over its back-off."""

    def __init__(self) -> None:
        levels = 1 + math.ceil(math.log2(MAX_BACKOFF_S / FIRST_BACKOFF_S))
        self._backoffs = [min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2**n) for n in range(levels)]
        self._ahead = [deque([0.0] * backoff) for backoff in self._backoffs]
        self.waiting = 0.0

    def due(self) -> list[float]:
        """What comes again in this second, by level."""
        found = []
        for ahead in self._ahead:
            found.append(ahead.popleft())
            ahead.append(0.0)
        self.waiting -= sum(found)
        return found

    def refuse(self, fresh: float, again: list[float]) -> None:
        """Send these away, each one level up."""
        for level, amount in enumerate([fresh, *again[:-2], again[-2] + again[-1]]):
            if amount > 0:
                each = amount / self._backoffs[level]
                ahead = self._ahead[level]
                for second in range(len(ahead)):
                    ahead[second] += each
                self.waiting += amount
