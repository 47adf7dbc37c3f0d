"""Disagree: two sensors of one quantity differ more than both can be wrong."""

from phonehome.core.channel import MISSING
from phonehome.core.debounce import NONE

from .range import judge_limits, nearer_limit


class DisagreeRule:
    """Fails while sensor - other is outside its limits.

    Params low, high (or None), deadband, other.
    `other` is the index of the second sensor, which has the same unit; where the exponents differ
    the finer one counts. Judged at the samples of the first, against the newest of the second.
    """

    def __init__(self, spec, channels) -> None:
        sensor, self._other = channels[spec.sensor], channels[spec.params[3]]
        self._exp = min(sensor.exp, self._other.exp)
        self._factor: int = 10 ** (sensor.exp - self._exp)
        self._other_factor: int = 10 ** (self._other.exp - self._exp)
        low, high, deadband, _ = spec.params
        self._low = None if low is None else low * self._factor
        self._high = None if high is None else high * self._factor
        self._deadband = deadband * self._factor
        self._difference = 0

    def judge(self, _spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the newest samples; NONE when one of them is missing."""
        steps = channel.value
        if steps == MISSING or self._other.value == MISSING:  # noqa: PLR1714 (a tuple is heap)
            return NONE
        steps = steps * self._factor - self._other.value * self._other_factor
        self._difference = steps
        return judge_limits(steps, self._low, self._high, self._deadband, is_confirmed)

    def evidence(self, _spec, _channel) -> tuple:
        """Return the difference and the limit, in the finer exponent."""
        return self._difference, nearer_limit(self._difference, self._low, self._high), self._exp

    def reset(self) -> None:
        """Nothing to forget: every pair of samples is judged by itself."""
