"""Milliseconds since the boot that never wrap, from a counter that does (every 12.4 days)."""


class Uptime:
    """Extends a wrapping tick counter; ask it at least every 6 days, the main loop always does.

    `ticks()` returns the counter, `elapsed(later, earlier)` the signed distance of two readings.
    """

    def __init__(self, ticks, elapsed) -> None:
        self._ticks = ticks
        self._elapsed = elapsed
        self._last = ticks()
        self._total_ms = 0

    def now_ms(self) -> int:
        """Milliseconds since this object was made; never goes back."""
        reading = self._ticks()
        step_ms = self._elapsed(reading, self._last)
        if step_ms > 0:
            self._total_ms += step_ms
            self._last = reading
        return self._total_ms
