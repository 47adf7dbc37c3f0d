"""Clocks of a board whose time is driven: faster than this computer's, or by recorded rows."""

from phonehome.core.clock import Clock
from phonehome_wire.registry import QUALITY_ANCHORED


class DrivenUptime:
    """Uptime that stands still until somebody sets it."""

    def __init__(self):
        self._now_ms = 0

    def now_ms(self):
        """Milliseconds since the boot."""
        return self._now_ms

    def set(self, now_ms):
        """Let time go on; it never goes back."""
        self._now_ms = max(self._now_ms, now_ms)


class RecordedClock(Clock):
    """Belief about UTC of a board that replays: the recording says what time it is."""

    def __init__(self, utc_at_boot_ms):
        super().__init__()
        self._utc_at_boot_ms = utc_at_boot_ms

    def utc_ms(self, now_ms):
        """The recorded time at an uptime."""
        return self._utc_at_boot_ms + now_ms

    def quality(self):
        """As sure as the recording."""
        return QUALITY_ANCHORED
