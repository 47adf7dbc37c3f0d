"""Range: the sample is above `high` or below `low`."""

from phonehome.core.channel import MISSING
from phonehome.core.debounce import FAIL, NONE, PASS


def judge_limits(value: int, low, high, deadband: int, is_confirmed: bool) -> int:
    """Return FAIL outside the limits (None: no limit), else PASS.

    A confirmed fault passes only when the value is back by a deadband (ISA-18.2).
    """
    margin = deadband if is_confirmed else 0
    if high is not None and value > high - margin:
        return FAIL
    if low is not None and value < low + margin:
        return FAIL
    return PASS


def nearer_limit(value: int, low, high) -> int:
    """Return the limit that a value violates or has last violated: the nearer one."""
    if low is None or high is None:
        limit: int = high if low is None else low
        return limit
    return int(high) if high - value < value - low else int(low)


class RangeRule:
    """Fails while the sample is outside its limits: params low, high (or None), deadband."""

    def judge(self, spec, channel, is_confirmed: bool) -> int:
        """Return the verdict on the newest sample; NONE when it is missing."""
        if channel.value == MISSING:
            return NONE
        params = spec.params
        return judge_limits(channel.value, params[0], params[1], params[2], is_confirmed)

    def evidence(self, spec, channel) -> tuple:
        """Return the sample, the limit and their exponent."""
        value = channel.value
        return value, nearer_limit(value, spec.params[0], spec.params[1]), channel.exp

    def reset(self) -> None:
        """Nothing to forget: every sample is judged by itself."""
