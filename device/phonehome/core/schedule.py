"""When a sleeping board wakes, why, and what its wakes have cost: pure arithmetic of uptime."""

from phonehome_wire.compat import const

_HOUR_MS = const(3600000)
_SKEW_MOST_PPM = const(100000)  # an RC oscillator is off by a few percent; more is no clock
_MILLION = const(1000000)
_SLACK_MS = const(60000)
_LEAST_MS = const(10)
_NEAR_MS = const(1000)  # a timer that rings this early does not cost a wake of its own


class Schedule:
    """Times are ms of uptime, which goes on counting while the board sleeps.

    `sample_ms`, `beat_ms` and `retry_ms` (None: nothing waits) are when the next of each is due;
    `kept_ms` is when slow things were last written to flash. The counts are of this boot. A
    sample that is due within `slack_ms` is taken now: a timer that rings a little early must not
    cost a wake of its own.
    """

    def __init__(self, period_ms: int, pending_ms: int) -> None:
        self._period_ms = period_ms
        self._pending_ms = pending_ms
        self.slack_ms = pending_ms >> 3
        self.at_ms = self.wall_ms = self.asked_ms = self.stepped_ms = 0
        self.sample_ms = self.beat_ms = self.kept_ms = 0
        self.retry_ms: int | None = None
        self.skew_ppm = self.server_ms = self.server_at_ms = 0
        self.wakes = self.awake_ms = self.radio_ms = 0
        self.bytes_up = self.bytes_down = 0

    def fall_asleep(self, now_ms: int, wall_ms: int, is_pending: bool) -> int:
        """Note when the sleep begins; return how long it is to be.

        Samples keep to a grid of the period, or of the shorter one while a fault is pending.
        """
        period_ms = self._pending_ms if is_pending else self._period_ms
        if self.sample_ms <= now_ms + self.slack_ms:
            self.sample_ms += period_ms
        if not now_ms < self.sample_ms <= now_ms + period_ms + self.slack_ms:
            self.sample_ms = now_ms + period_ms
        due_ms = min(self.sample_ms, self.beat_ms)
        if self.retry_ms is not None:
            due_ms = min(due_ms, self.retry_ms)
        self.at_ms = now_ms
        self.wall_ms = wall_ms
        self.asked_ms = max(due_ms - now_ms, _LEAST_MS)
        return self.asked_ms

    def wake_up(self, wall_ms: int) -> int:
        """Return the uptime of now, by a clock that went on while the board slept.

        A clock that cannot be right was set meanwhile: then it slept as long as it was asked to.
        """
        slept_ms = wall_ms - self.wall_ms
        if not 0 <= slept_ms <= self.asked_ms + (self.asked_ms >> 2) + _SLACK_MS:
            slept_ms = self.asked_ms
        return self.at_ms + slept_ms + slept_ms * self.skew_ppm // _MILLION

    def has_to_speak(self, now_ms: int) -> bool:
        """True when a heartbeat or another try of what was not acknowledged is due."""
        retry_ms = self.retry_ms
        return self.is_beat_due(now_ms) or (retry_ms is not None and now_ms >= retry_ms)

    def is_beat_due(self, now_ms: int) -> bool:
        """True when a heartbeat is to be sent, or nearly so."""
        return now_ms + _NEAR_MS >= self.beat_ms

    def note_spoken(self, now_ms: int, period_ms: int) -> None:
        """What was due was said, or waits to be; the next heartbeat keeps to its grid."""
        if self.is_beat_due(now_ms):
            self.beat_ms += period_ms * (1 + max(now_ms - self.beat_ms, 0) // period_ms)

    def keeps_slowly(self, now_ms: int) -> bool:
        """True once an hour, for what is worth a write to flash that often."""
        is_due = now_ms - self.kept_ms >= _HOUR_MS
        if is_due:
            self.kept_ms = now_ms
        return is_due

    def learn(self, server_ms: "int | None", at_ms: "int | None") -> None:
        """Take the receiver's signed time, and learn how wrong the clock of the sleep runs."""
        if server_ms is None or at_ms is None or server_ms == self.server_ms:
            return
        own_ms = at_ms - self.server_at_ms
        if self.server_ms and own_ms < _HOUR_MS:
            return  # the way through the network would be half of what is measured
        if self.server_ms:
            residual_ppm = (server_ms - self.server_ms - own_ms) * _MILLION // own_ms
            skew_ppm = self.skew_ppm + residual_ppm
            if -_SKEW_MOST_PPM <= skew_ppm <= _SKEW_MOST_PPM:
                self.skew_ppm = skew_ppm
        self.server_ms, self.server_at_ms = server_ms, at_ms
