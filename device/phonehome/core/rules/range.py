"""Range: the sample is above `high` or below `low`."""

from phonehome.core.debounce import FAIL, NONE, PASS
from phonehome_wire.series import MISSING


class Limits:
    """A low and a high limit, each may be None, with a deadband on the way back (ISA-18.2).

    `violated` is the limit that was violated last.
    """

    def __init__(self, low: "int | None", high: "int | None", deadband: int) -> None:
        self._low = low
        self._high = high
        self._deadband = deadband
        self.violated: int | None = None

    def judge(self, value: int, is_confirmed: bool) -> int:
        """Return FAIL outside the limits; once confirmed, already within the deadband of them."""
        margin = self._deadband if is_confirmed else 0
        if self._high is not None and _is_beyond(value - self._high, margin):
            self.violated = self._high
            return FAIL
        if self._low is not None and _is_beyond(self._low - value, margin):
            self.violated = self._low
            return FAIL
        return PASS


def _is_beyond(excess: int, margin: int) -> bool:
    return excess > -margin if margin else excess > 0


class RangeRule:
    """Fails while the sample is outside its limits: params low, high (or None), deadband."""

    def __init__(self, params) -> None:
        self._limits = Limits(params[0], params[1], params[2])
        self.value: int | None = None
        self.exp = 0

    @property
    def limit(self) -> "int | None":
        """The limit that was violated last."""
        return self._limits.violated

    def judge(self, channel, is_confirmed: bool) -> int:
        """Return the verdict on the newest sample; NONE when it is missing."""
        if channel.value == MISSING:
            return NONE
        self.value = channel.value
        self.exp = channel.exp
        return self._limits.judge(channel.value, is_confirmed)

    def reset(self) -> None:
        """Nothing to forget: every sample is judged by itself."""
