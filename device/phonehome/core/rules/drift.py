"""Drift: the mean has moved, by the CUSUM of Page, though single samples still look good."""

from phonehome.core.channel import MAX_SPAN_MS
from phonehome.core.debounce import FAIL, NONE, PASS
from phonehome_wire.series import MISSING

from .range import nearer_limit


class DriftRule:
    """Fails when the samples have gone too far beyond a limit: params low, high, excess, deadband.

    What a sample lies beyond a limit (or None), times the time it stands for, is added up; what it
    lies inside is taken off, down to nothing. Fails from a sum of `excess`, in steps times
    milliseconds. A confirmed fault passes when the same sum was taken off again, by samples that
    lie inside by the deadband. A shut gate only stops the sum, because a drift is slower than the
    conditions under which it shows; a restart begins it anew.
    """

    def __init__(self) -> None:
        self._is_begun = False
        self._is_confirmed = False
        self._above = 0
        self._below = 0
        self._since_ms = 0
        self._mean: int | None = None

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the samples so far; NONE when the newest is missing."""
        value = channel.value
        if value == MISSING:
            return NONE
        low, high, excess, deadband = spec.params
        if not self._is_begun or is_confirmed != self._is_confirmed:
            self._begin(excess if is_confirmed else 0, is_confirmed)
        margin, span_ms = (deadband if is_confirmed else 0), channel.interval_ms
        if high is not None:
            self._above = _add(self._above, (value - high + margin) * span_ms, excess)
        if low is not None:
            self._below = _add(self._below, (low - value + margin) * span_ms, excess)
        greater = max(
            self._above if high is not None else 0, self._below if low is not None else 0
        )
        self._estimate(greater, span_ms, spec.params)
        return FAIL if greater == excess or (is_confirmed and greater > 0) else PASS

    def evidence(self, spec, channel) -> tuple:
        """Return the mean since the drift began, else the newest sample, and the limit."""
        value = channel.value if self._mean is None else self._mean
        return value, nearer_limit(value, spec.params[0], spec.params[1]), channel.exp

    def reset(self) -> None:
        """Nothing to forget: the sums stand still while the gate is shut."""

    def _begin(self, total: int, is_confirmed: bool) -> None:
        """A confirmed fault has drifted by all that it must, any other by nothing."""
        self._is_begun = True
        self._is_confirmed = is_confirmed
        self._above = self._below = total

    def _estimate(self, greater: int, span_ms: int, params) -> None:
        """Keep the mean of the samples between the last sum of nothing and the sum that fails."""
        if greater == 0:
            self._since_ms, self._mean = 0, None
        elif self._mean is None:
            self._since_ms = min(self._since_ms + span_ms, MAX_SPAN_MS)
            if greater == params[2] and self._since_ms:
                moved = greater // self._since_ms
                is_above = params[1] is not None and self._above == greater
                self._mean = params[1] + moved if is_above else params[0] - moved


def _add(total: int, amount: int, most: int) -> int:
    return min(max(total + amount, 0), most)
