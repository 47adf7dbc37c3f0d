"""Count: something happens more often, or less often, in a window than it should."""

from phonehome.core.debounce import NONE
from phonehome_wire.series import MISSING

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
        value = channel.value
        if value == MISSING:
            return NONE
        low, high, _, deadband, level, rearm = spec.params
        self._events.advance(channel.interval_ms)
        if value <= rearm:
            self._is_armed = True
        elif value > level and self._is_armed:
            self._is_armed = False
            self._events.put(1)
        count = self._events.total
        is_known = self._events.is_full or (high is not None and count > high)
        return judge_limits(count, low, high, deadband, is_confirmed) if is_known else NONE

    def evidence(self, spec, _channel) -> tuple:
        """Return the count and the limit."""
        count = self._events.total
        return count, nearer_limit(count, spec.params[0], spec.params[1]), 0

    def reset(self) -> None:
        """Forget the window: it was filled under other conditions."""
        self._is_armed = False
        self._events.clear()
