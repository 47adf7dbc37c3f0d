"""Rate: the sample changes faster than allowed, measured across a window."""

from array import array

from phonehome.core.channel import MAX_SPAN_MS, MISSING
from phonehome.core.debounce import NONE
from phonehome_wire.compat import const

from .range import judge_limits, nearer_limit

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_EXP = const(9)

_SLOTS = const(16)  # a window of more samples is thinned: its start is exact to 1/15 of its length


class Window:
    """The values of a sliding window, in memory that does not depend on its length."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._stride_ms = -(-window_ms // (_SLOTS - 1))  # rounded up: all slots cover the window
        self._values = array("i", bytes(4 * _SLOTS))
        self._spans = array("i", bytes(4 * _SLOTS))  # from the slot to the next, or to now
        self.clear()

    def clear(self) -> None:
        """Forget every value."""
        self._first = 0
        self._count = 0
        self.span_ms = 0

    def advance(self, span_ms: int) -> None:
        """Let time pass since the newest value."""
        if self._count:
            self._spans[self._newest()] += span_ms
            self.span_ms += span_ms
            if self.span_ms > MAX_SPAN_MS // 2:
                self.clear()

    def put(self, value: int) -> None:
        """Add the value of now, unless the newest one is nearer than a stride.

        To be called behind maybe_oldest, which has made room: fifteen strides are a window.
        """
        if self._count and self._spans[self._newest()] < self._stride_ms:
            return
        self._count += 1
        newest = self._newest()
        self._values[newest] = value
        self._spans[newest] = 0

    def maybe_oldest(self) -> "int | None":
        """Return the value from the start of the window, span_ms ago; None before it is full."""
        while self._count > 1 and self.span_ms - self._spans[self._first] >= self._window_ms:
            self._drop()
        return self._values[self._first] if self.span_ms >= self._window_ms else None

    def _newest(self) -> int:
        return (self._first + self._count - 1) % _SLOTS

    def _drop(self) -> None:
        self.span_ms -= self._spans[self._first]
        self._first = (self._first + 1) % _SLOTS
        self._count -= 1


class RateRule:
    """Fails while the rate is outside its limits: params low, high (or None), window, deadband.

    Rates, limits and deadband are thousandths of a step per second.
    """

    def __init__(self, spec) -> None:
        self._window = Window(spec.params[2])
        self._rate = 0

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the rate up to the newest sample; NONE until a window is full."""
        if not self._measure(channel):
            return NONE
        params = spec.params
        return judge_limits(self._rate, params[0], params[1], params[3], is_confirmed)

    def _measure(self, channel) -> bool:
        """Take the newest sample; True when there is a rate across a full window."""
        window = self._window
        window.advance(channel.interval_ms)
        if channel.value == MISSING:
            return False
        oldest = window.maybe_oldest()
        span_ms = window.span_ms
        window.put(channel.value)
        if oldest is None:
            return False
        self._rate = (channel.value - oldest) * 1000000 // span_ms
        return True

    def evidence(self, spec, channel) -> tuple:
        """Return the rate and the limit in 10**exp of the sensor's unit per second.

        Whole steps instead of thousandths where the wire has no smaller exponent.
        """
        limit = nearer_limit(self._rate, spec.params[0], spec.params[1])
        if channel.exp - 3 < -_MAX_EXP:
            return self._rate // 1000, limit // 1000, channel.exp
        return self._rate, limit, channel.exp - 3

    def reset(self) -> None:
        """Forget the window: it was filled under other conditions."""
        self._window.clear()
