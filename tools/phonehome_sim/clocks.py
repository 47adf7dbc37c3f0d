"""Uptimes that do not come from the board's own counter."""

import time


class ScaledUptime:
    """Uptime that runs `speed` times as fast as the computer's clock."""

    def __init__(self, speed):
        self._speed = speed
        self._last = time.ticks_ms()
        self._total_ms = 0.0

    def now_ms(self):
        """Milliseconds since this object was made."""
        reading = time.ticks_ms()
        self._total_ms += time.ticks_diff(reading, self._last) * self._speed
        self._last = reading
        return int(self._total_ms)


class RowUptime:
    """Uptime that stands still until the next recorded row sets it."""

    def __init__(self):
        self._now_ms = 0

    def now_ms(self):
        """Milliseconds since the first row, plus one second that a board needs to boot."""
        return self._now_ms

    def set(self, now_ms):
        """Let time go on; it never goes back."""
        self._now_ms = max(self._now_ms, now_ms)
