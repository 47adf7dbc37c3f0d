"""Token buckets: how often one client may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable


class TokenBuckets:
    """One bucket per key: `rate_per_s` on average, `burst` at once; 0 per second means no limit.

    At most `max_keys` are remembered. Whoever was seen longest ago is forgotten first, which gives
    them a full bucket: a flood of addresses costs no memory and locks nobody out.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: float,
        max_keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = (
            OrderedDict()
        )  # (level, seen at)

    def take(self, key: Hashable, cost: float = 1.0) -> float:
        """Take `cost` tokens; returns 0.0, or the seconds until they will be there."""
        if not self._rate_per_s:
            return 0.0
        now_s = self._clock()
        level = self._level(key, now_s)
        if level < cost:
            return (cost - level) / self._rate_per_s
        self._put(key, level - cost, now_s)
        return 0.0

    def charge(self, key: Hashable, cost: float) -> None:
        """Take `cost` tokens whether they are there or not; at most so many are owed then.

        Down to an empty bucket would not do: whoever is punished again and again would still be
        let in at the full rate, once for each token that comes back.
        """
        if self._rate_per_s:
            now_s = self._clock()
            self._put(key, max(self._level(key, now_s) - cost, -cost), now_s)

    def _put(self, key: Hashable, level: float, now_s: float) -> None:
        self._buckets[key] = (level, now_s)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)

    def _level(self, key: Hashable, now_s: float) -> float:
        known = self._buckets.get(key)
        if known is None:
            return self._burst
        level, seen_at = known
        return min(self._burst, level + (now_s - seen_at) * self._rate_per_s)
