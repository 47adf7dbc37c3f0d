"""What the device's own pace makes of a loss that a thousand devices notice in one instant.

The pace and the back-off are those of the device, time is only counted: no computer is too slow
for a thousand of them.
"""

import heapq
from collections.abc import Callable

from phonehome.core.backoff import Backoff
from phonehome.core.pace import Pace

GATHER_MS = 500


def knock_times(agents: int, outage_s: float, draw: Callable[[int], int]) -> list[float]:
    """When so many agents try to connect, in seconds after all of them lost their link."""
    paces = [Pace(Backoff(draw), GATHER_MS) for _ in range(agents)]
    waiting = []
    for number, pace in enumerate(paces):
        pace.lose(0)
        heapq.heappush(waiting, (pace.wait_ms(0), number))
    knocks = []
    while waiting:
        now_ms, number = heapq.heappop(waiting)
        knocks.append(now_ms / 1000)
        if now_ms < outage_s * 1000:
            paces[number].fail(now_ms, 0)
            heapq.heappush(waiting, (now_ms + paces[number].wait_ms(now_ms), number))
    return knocks
