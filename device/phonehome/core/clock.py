"""What the device believes about UTC, and how sure it is (WIRE.md 4.2 and 4.5).

Only signed words of the receiver move it. The floor says "not earlier than"; the anchor ties one
moment of uptime to UTC and exists only when the answer to a moment that we signed came quickly.
"""

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_QUALITY_ANCHORED = const(3)
_QUALITY_FLOOR = const(1)
_QUALITY_NONE = const(0)

_MAX_ROUND_TRIP_MS = const(60000)  # older echoes may be replays of this boot
_SIGNED_KEPT = const(4)


class Clock:
    """Belief about UTC from signed server times; `floor_ms` is what an earlier boot knew."""

    def __init__(self, floor_ms: int = 0) -> None:
        self.floor_ms = floor_ms
        self.server_ms: int | None = None  # newest signed server time of this boot ...
        self.server_at_ms: int | None = None  # ... and the uptime when it arrived
        self._anchor_ms: int | None = None  # UTC at uptime zero
        self._signed = [-1] * _SIGNED_KEPT
        self._signed_count = 0

    def note_signed(self, now_ms: int) -> None:
        """Remember that a report with this uptime was signed."""
        self._signed[self._signed_count % _SIGNED_KEPT] = now_ms
        self._signed_count += 1

    def hear(self, server_ms: int, echo_ms: int, now_ms: int) -> bool:
        """Take a signed server time; True when it also anchored the clock.

        An echo that is not one of the newest signed moments, or is older than a minute, raises
        the floor but moves nothing else.
        """
        self.floor_ms = max(self.floor_ms, server_ms)
        if self.server_ms is None or server_ms > self.server_ms:
            self.server_ms = server_ms
            self.server_at_ms = now_ms
        if echo_ms not in self._signed or not 0 <= now_ms - echo_ms <= _MAX_ROUND_TRIP_MS:
            return False
        self._anchor_ms = server_ms - now_ms
        return True

    def hear_time(self, server_ms: int, now_ms: int) -> None:
        """Take a signed time that was asked for just now, with a nonce of ours."""
        self.floor_ms = max(self.floor_ms, server_ms)
        self._anchor_ms = server_ms - now_ms

    @property
    def is_anchored(self) -> bool:
        """True when this boot heard what time it is."""
        return self._anchor_ms is not None

    def utc_ms(self, now_ms: int):
        """Believed UTC in ms at an uptime, or None."""
        if self._anchor_ms is not None:
            return self._anchor_ms + now_ms
        return self.floor_ms or None

    def quality(self) -> int:
        """How the belief came about: QUALITY_NONE, _FLOOR or _ANCHORED."""
        if self._anchor_ms is not None:
            return _QUALITY_ANCHORED
        return _QUALITY_FLOOR if self.floor_ms else _QUALITY_NONE
