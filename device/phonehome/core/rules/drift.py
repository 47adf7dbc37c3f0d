"""Drift: the mean has moved, by the CUSUM of Page, though single samples still look good."""

from phonehome.core.channel import MAX_SPAN_MS, MISSING
from phonehome.core.debounce import FAIL, NONE, PASS

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
        self._margin = 0
        self._above = 0
        self._below = 0
        self._since_ms = 0
        self._mean: int | None = None

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the samples so far; NONE when the newest is missing."""
        if channel.value == MISSING:
            return NONE
        if not self._is_begun or is_confirmed != self._is_confirmed:
            self._begin(spec.params, is_confirmed)
        self._add(spec.params, channel.value, channel.interval_ms)
        total = self._above
        if self._below > total:  # noqa: PLR1730 (a call more is a word too many)
            total = self._below
        self._estimate(total, channel.interval_ms, spec.params)
        return FAIL if total == spec.params[2] or (is_confirmed and total) else PASS

    def evidence(self, spec, channel) -> tuple:
        """Return the mean since the drift began, else the newest sample, and the limit."""
        value = channel.value if self._mean is None else self._mean
        return value, nearer_limit(value, spec.params[0], spec.params[1]), channel.exp

    def reset(self) -> None:
        """Nothing to forget: the sums stand still while the gate is shut."""

    def _begin(self, params, is_confirmed: bool) -> None:
        """A confirmed fault has drifted by all that it must, any other by nothing."""
        self._is_begun = True
        self._is_confirmed = is_confirmed
        self._margin = params[3] if is_confirmed else 0
        self._above = params[2] if is_confirmed and params[1] is not None else 0
        self._below = params[2] if is_confirmed and params[0] is not None else 0

    def _add(self, params, value: int, span_ms: int) -> None:
        if params[1] is not None:
            beyond = (value - params[1] + self._margin) * span_ms
            self._above = _clamp(self._above + beyond, params[2])
        if params[0] is not None:
            beyond = (params[0] - value + self._margin) * span_ms
            self._below = _clamp(self._below + beyond, params[2])

    def _estimate(self, total: int, span_ms: int, params) -> None:
        """Keep the mean of the samples between the last sum of nothing and the sum that fails."""
        if total == 0:
            self._since_ms = 0
            self._mean = None
        elif self._mean is None:
            self._since_ms = min(self._since_ms + span_ms, MAX_SPAN_MS)
            if total == params[2] and self._since_ms:
                total //= self._since_ms
                is_above = self._above > self._below
                self._mean = params[1] + total if is_above else params[0] - total


def _clamp(total: int, most: int) -> int:
    return 0 if total < 0 else most if total > most else total
