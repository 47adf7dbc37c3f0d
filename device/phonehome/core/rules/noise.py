"""Noise: the samples jump more, or less, from one to the next than the quantity can."""

from phonehome.core.channel import MISSING
from phonehome.core.debounce import NONE
from phonehome_wire.compat import const

from .buckets import Buckets
from .range import judge_limits, nearer_limit

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_EXP = const(9)


class NoiseRule:
    """Fails while the mean jump is outside its limits.

    Params low, high (or None), window, deadband.
    The mean of |sample - the one before| over a window follows no trend, takes no square root and
    needs no mean. Mean, limits and deadband are thousandths of a step. A missing sample is no
    jump, and the time across it does not count.
    """

    def __init__(self, spec) -> None:
        self._jumps = Buckets(spec.params[2])
        self._counts = Buckets(spec.params[2])
        self.reset()

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the window up to the newest sample; NONE until it is full."""
        if channel.value == MISSING:
            self._last: int | None = None
            return NONE
        if self._last is not None:
            self._note(abs(channel.value - self._last), channel.interval_ms)
        self._last = channel.value
        if not self._counts.total or not self._counts.is_full:
            return NONE
        self._mean = self._jumps.total * 1000 // self._counts.total
        limits = spec.params
        return judge_limits(self._mean, limits[0], limits[1], limits[3], is_confirmed)

    def _note(self, jump: int, span_ms: int) -> None:
        self._jumps.advance(span_ms)
        self._counts.advance(span_ms)
        self._jumps.put(jump)
        self._counts.put(1)

    def evidence(self, spec, channel) -> tuple:
        """Return the mean jump and the limit in 10**exp of the sensor's unit.

        Whole steps instead of thousandths where the wire has no smaller exponent.
        """
        limit = nearer_limit(self._mean, spec.params[0], spec.params[1])
        if channel.exp - 3 < -_MAX_EXP:
            return self._mean // 1000, limit // 1000, channel.exp
        return self._mean, limit, channel.exp - 3

    def reset(self) -> None:
        """Forget the window: it was filled under other conditions."""
        self._last = None
        self._mean = 0
        self._jumps.clear()
        self._counts.clear()
