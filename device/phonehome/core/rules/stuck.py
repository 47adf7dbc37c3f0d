"""Stuck: the sample did not move by more than a band for a whole window."""

from phonehome.core.channel import MAX_SPAN_MS, MISSING
from phonehome.core.debounce import FAIL, NONE, PASS


class StuckRule:
    """Fails when all samples of window_ms lie within a band: params band, window_ms.

    A missing sample is no evidence, and the time across it does not count.
    """

    def __init__(self) -> None:
        self.reset()

    def judge(self, spec, channel, _is_confirmed: bool) -> int:
        """Return FAIL after a window without a move, PASS before; NONE until either is known."""
        value = channel.value
        if value == MISSING:
            self._is_unbroken = False
            return NONE
        if self._has_moved_to(value, spec.params[0]):
            self._still_ms = 0
        elif self._is_unbroken:
            self._still_ms = min(self._still_ms + channel.interval_ms, MAX_SPAN_MS)
        self._is_unbroken = True
        if self._still_ms >= spec.params[1]:
            return FAIL
        return PASS if self._is_known_to_move else NONE

    def evidence(self, _spec, channel) -> tuple:
        """Return the sample; a band is no limit."""
        return channel.value, None, channel.exp

    def reset(self) -> None:
        """Forget the samples: they were taken under other conditions."""
        self._least: int | None = None
        self._greatest = 0
        self._still_ms = 0
        self._is_unbroken = False
        self._is_known_to_move = False

    def _has_moved_to(self, value: int, band: int) -> bool:
        """True when the value leaves the band of the run so far; it then begins a new run."""
        if self._least is not None:
            least, greatest = min(self._least, value), max(self._greatest, value)
            if greatest - least <= band:
                self._least, self._greatest = least, greatest
                return False
            self._is_known_to_move = True
        self._least = self._greatest = value
        return True
