"""From verdicts to events: on-delay, off-delay (ISA-18.2) and N-of-M, in a handful of integers."""

PASS = 0
FAIL = 1
NONE = 2  # no verdict: the sample is missing, or it says nothing yet

# What a verdict means to the fault state table; NOTHING changes no state.
EVENT_FAIL = 0
EVENT_CONFIRM = 1
EVENT_FALL_BACK = 2
EVENT_HEAL = 3
NOTHING = -1

_STOPPED = -1


class Debounce:
    """Confirms when n of the last m verdicts fail and kept doing so for on_delay_ms.

    Confirms on a failing verdict only. Heals when fewer than n of the last m verdicts fail and the
    newest all passed for off_delay_ms. `spec` has on_delay_ms, off_delay_ms, n and m. `failing_ms`
    is the time from the first to the newest failing verdict of this episode.
    """

    def __init__(self, spec) -> None:
        self._spec = spec
        self._oldest_bit = 1 << (spec.m - 1)
        self.failing_ms = 0
        self._since_fail_ms = _STOPPED
        self.reset(is_confirmed=False)

    def reset(self, is_confirmed: bool) -> None:
        """Forget the verdicts so far: they were made under other conditions."""
        self._verdicts = 0
        self._failed = 0
        self._on_ms = _STOPPED
        self._off_ms = _STOPPED
        if not is_confirmed:
            self._since_fail_ms = _STOPPED

    def judge(self, verdict: int, span_ms: int, is_confirmed: bool) -> int:
        """Return the event of a verdict that comes span_ms after the one before.

        NONE is no evidence: it neither counts, nor lets a delay run.
        """
        if verdict == NONE:
            return NOTHING
        self._count(verdict)
        self._run_on_delay(span_ms)
        if self._since_fail_ms >= 0:
            self._since_fail_ms += span_ms
        if verdict == FAIL:
            return self._judge_fail(is_confirmed)
        return self._judge_pass(span_ms, is_confirmed)

    def _count(self, verdict: int) -> None:
        oldest = self._oldest_bit
        if self._verdicts & oldest:
            self._failed -= 1
        self._verdicts = ((self._verdicts & (oldest - 1)) << 1) | verdict
        self._failed += verdict

    def _run_on_delay(self, span_ms: int) -> None:
        if self._failed < self._spec.n:
            self._on_ms = _STOPPED
        elif self._on_ms < 0:
            self._on_ms = 0
        elif self._on_ms < self._spec.on_delay_ms:
            self._on_ms += span_ms

    def _judge_fail(self, is_confirmed: bool) -> int:
        self._off_ms = _STOPPED
        self.failing_ms = 0 if self._since_fail_ms < 0 else self.failing_ms + self._since_fail_ms
        self._since_fail_ms = 0
        is_enough = self._failed >= self._spec.n and self._on_ms >= self._spec.on_delay_ms
        return EVENT_CONFIRM if is_enough and not is_confirmed else EVENT_FAIL

    def _judge_pass(self, span_ms: int, is_confirmed: bool) -> int:
        if self._off_ms < 0:
            self._off_ms = 0
        elif self._off_ms < self._spec.off_delay_ms:
            self._off_ms += span_ms
        if not is_confirmed:
            return self._maybe_fall_back()
        if self._failed < self._spec.n and self._off_ms >= self._spec.off_delay_ms:
            self._since_fail_ms = _STOPPED
            return EVENT_HEAL
        return NOTHING

    def _maybe_fall_back(self) -> int:
        if self._failed:
            return NOTHING
        self._since_fail_ms = _STOPPED
        return EVENT_FALL_BACK
