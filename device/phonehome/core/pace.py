"""When the next report goes out: at once, after gathering, or after a pause."""


class Pace:
    """Times are milliseconds of a clock that runs; `backoff` draws the waits after failures.

    A pause is the sender's own, after a failure, or the receiver's, by an ack or Retry-After;
    nothing goes out before it is over, however urgent.
    """

    def __init__(self, backoff, gather_ms: int) -> None:
        self._backoff = backoff
        self.gather_ms = gather_ms
        self._due_ms: int | None = None
        self._paused_until_ms = 0

    @property
    def failures(self) -> int:
        """How many reports failed since the last one that was acknowledged."""
        return int(self._backoff.failures)

    def ask(self, now_ms: int, is_urgent: bool) -> None:
        """There is something to send: at once, or when the gathering time is over."""
        due_ms = now_ms if is_urgent else now_ms + self.gather_ms
        if self._due_ms is None or due_ms < self._due_ms:
            self._due_ms = due_ms

    def wait_ms(self, now_ms: int) -> "int | None":
        """How long to wait before sending: 0 is now, None until somebody asks."""
        if self._due_ms is None:
            return None
        return max(0, self._due_ms - now_ms, self._paused_until_ms - now_ms)

    def succeed(self, now_ms: int, has_more: bool, pause_s: "int | None") -> None:
        """A report was acknowledged; the receiver may have asked for a pause."""
        self._backoff.reset()
        self._due_ms = now_ms if has_more else None
        if pause_s:
            self._paused_until_ms = now_ms + pause_s * 1000

    def hold(self, now_ms: int, wait_ms: int) -> None:
        """There was no way to send: try again so much later, or when somebody asks."""
        self._due_ms = now_ms + wait_ms

    def rest(self) -> None:
        """There is nothing to send; that the link is open proves nothing yet."""
        self._due_ms = None

    def lose(self, now_ms: int) -> None:
        """The link went down by itself, perhaps that of every device: open it after a wait."""
        if now_ms >= self._paused_until_ms:
            self.fail(now_ms, 0)
        self._due_ms = now_ms

    def fail(self, now_ms: int, retry_after_s: int) -> int:
        """A report failed: back off, longer when the receiver asked for it; return the wait."""
        drawn_ms: int = self._backoff.next_ms()
        wait_ms = max(drawn_ms, retry_after_s * 1000)
        self._paused_until_ms = now_ms + wait_ms
        self._due_ms = now_ms
        return wait_ms
