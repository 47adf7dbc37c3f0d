"""From verdicts to events: on-delay, off-delay (ISA-18.2) and N-of-M in a few integers."""

from array import array

from phonehome_wire.compat import const

from .channel import MAX_SPAN_MS

PASS = const(0)
FAIL = const(1)
NONE = const(2)  # no verdict: the sample is missing, or it says nothing yet

# What a verdict means to the fault state table; NOTHING changes no state.
EVENT_FAIL = const(0)
EVENT_CONFIRM = const(1)
EVENT_FALL_BACK = const(2)
EVENT_HEAL = const(3)
NOTHING = const(-1)

_STOPPED = const(-1)


class Debounce:
    """The delays of all faults; a spec has on_delay_ms, off_delay_ms, n and m.

    A fault is confirmed when n of its last m verdicts fail and kept doing so for on_delay_ms, on a
    failing verdict only. It is healed when fewer than n of the last m fail and the newest all
    passed for off_delay_ms. Kept in arrays, because an object each would cost ten times the heap.
    """

    def __init__(self, specs) -> None:
        count = len(specs)
        self._specs = specs
        self._failed = bytearray(count)  # how many of the last m verdicts
        self._verdicts = array("i", bytes(4 * count))  # the last m, newest in bit 0
        self._on_ms = array("i", bytes(4 * count))
        self._off_ms = array("i", bytes(4 * count))
        self._failing_ms = array("i", bytes(4 * count))
        self._since_fail_ms = array("i", bytes(4 * count))
        for index in range(count):
            self.reset(index, is_confirmed=False)

    def reset(self, index: int, is_confirmed: bool) -> None:
        """Forget the verdicts so far: they were made under other conditions."""
        self._failed[index] = 0
        self._verdicts[index] = 0
        self._on_ms[index] = _STOPPED
        self._off_ms[index] = _STOPPED
        if not is_confirmed:
            self._since_fail_ms[index] = _STOPPED

    def failing_ms(self, index: int) -> int:
        """Return the time from the first to the newest failing verdict of this episode.

        It stays at 12.4 days when it is longer.
        """
        return self._failing_ms[index]

    def judge(self, index: int, verdict: int, span_ms: int, is_confirmed: bool) -> int:
        """Return the event of a verdict that comes span_ms after the one before.

        NONE is no evidence: it neither counts, nor lets a delay run.
        """
        if verdict == NONE or (verdict == PASS and not is_confirmed and not self._failed[index]):
            return NOTHING  # the second is the daily life of a healthy device: kept short
        return self._weigh(index, verdict, span_ms, is_confirmed)

    def _weigh(self, index: int, verdict: int, span_ms: int, is_confirmed: bool) -> int:
        """Let the delays run and say what a verdict means that may change something."""
        spec = self._specs[index]
        is_over = self._count(index, verdict, spec) >= spec.n
        on_ms = _advance(self._on_ms[index], span_ms, spec.on_delay_ms) if is_over else _STOPPED
        self._on_ms[index] = on_ms
        if self._since_fail_ms[index] >= 0:
            self._since_fail_ms[index] = min(self._since_fail_ms[index] + span_ms, MAX_SPAN_MS)
        if verdict == FAIL:
            self._note_fail(index)
            is_due = is_over and on_ms >= spec.on_delay_ms
            return EVENT_CONFIRM if is_due and not is_confirmed else EVENT_FAIL
        off_ms = _advance(self._off_ms[index], span_ms, spec.off_delay_ms)
        self._off_ms[index] = off_ms
        if is_confirmed:
            is_due = not is_over and off_ms >= spec.off_delay_ms
            return self._end_episode(index, EVENT_HEAL) if is_due else NOTHING
        return NOTHING if self._failed[index] else self._end_episode(index, EVENT_FALL_BACK)

    def _count(self, index: int, verdict: int, spec) -> int:
        """Take a verdict into the last m; return how many of them fail."""
        oldest = 1 << (spec.m - 1)
        verdicts = self._verdicts[index]
        failed = self._failed[index] + verdict
        if verdicts & oldest:
            failed -= 1
        self._verdicts[index] = ((verdicts & (oldest - 1)) << 1) | verdict
        self._failed[index] = failed
        return failed

    def _note_fail(self, index: int) -> None:
        since_ms = self._since_fail_ms[index]
        failing_ms = 0 if since_ms < 0 else min(self._failing_ms[index] + since_ms, MAX_SPAN_MS)
        self._failing_ms[index] = failing_ms
        self._since_fail_ms[index] = 0
        self._off_ms[index] = _STOPPED

    def _end_episode(self, index: int, event: int) -> int:
        self._since_fail_ms[index] = _STOPPED
        return event


def _advance(timer_ms: int, span_ms: int, until_ms: int) -> int:
    """A timer that starts at 0 and runs until it has reached what it is for."""
    if timer_ms < 0:
        return 0
    return timer_ms + span_ms if timer_ms < until_ms else timer_ms
