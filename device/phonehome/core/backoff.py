"""How long to wait before the next try: full jitter over an exponential ceiling.

Random over the whole span, because a fleet that lost its receiver at one instant must not come
back at one instant.
"""

from phonehome_wire.compat import const

FIRST_MS = const(5000)
CEILING_MS = const(900000)  # 15 minutes
_LEAST_MS = const(250)  # a draw near zero must not become a busy loop


class Backoff:
    """Waits after failures; `draw(n)` returns a random integer in 0..n-1."""

    def __init__(self, draw, first_ms: int = FIRST_MS, ceiling_ms: int = CEILING_MS) -> None:
        self._draw = draw
        self._first_ms = first_ms
        self._ceiling_ms = ceiling_ms
        self.failures = 0

    def span_ms(self) -> int:
        """The longest wait the next draw can give."""
        doublings = min(self.failures, 20)
        return min(self._ceiling_ms, self._first_ms << doublings)

    def next_ms(self) -> int:
        """Count one failure and draw the wait that follows it."""
        span_ms = self.span_ms()
        self.failures += 1
        wait_ms: int = self._draw(span_ms + 1)
        return max(min(_LEAST_MS, span_ms), wait_ms)

    def reset(self) -> None:
        """The other end answered: the next failure starts from the first span."""
        self.failures = 0
