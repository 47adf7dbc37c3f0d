"""Count: something happens more often, or less often, in a window than it should."""

from phonehome.core.channel import MISSING
from phonehome.core.debounce import NONE

from .buckets import Buckets
from .range import judge_limits, nearer_limit


class CountRule:
    """Fails while the count is outside its limits.

    Params low, high (or None), window, deadband, level, rearm. What is counted is a rise of the
    samples above `level`; the next one counts when a sample was at or below `rearm` in between.
    Too many fail at once; that there are few enough, or too few, is known after a whole window.
    The time across missing samples does not count.
    """

    def __init__(self, spec) -> None:
        self._events = Buckets(spec.params[2])
        self.reset()

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the window up to the newest sample."""
        if channel.value == MISSING:
            return NONE
        self._events.advance(channel.interval_ms)
        limits = spec.params
        self._note(channel.value, limits)
        if not self._events.is_full and (limits[1] is None or self._events.total <= limits[1]):
            return NONE
        return judge_limits(self._events.total, limits[0], limits[1], limits[3], is_confirmed)

    def evidence(self, spec, _channel) -> tuple:
        """Return the count and the limit."""
        count = self._events.total
        return count, nearer_limit(count, spec.params[0], spec.params[1]), 0

    def _note(self, value: int, params) -> None:
        if value <= params[5]:
            self._is_armed = True
        elif value > params[4] and self._is_armed:
            self._is_armed = False
            self._events.put(1)

    def reset(self) -> None:
        """Forget the window: it was filled under other conditions."""
        self._is_armed = False
        self._events.clear()
