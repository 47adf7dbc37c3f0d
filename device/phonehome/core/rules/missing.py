"""Missing: no good sample for longer than allowed."""

from phonehome.core.channel import MISSING
from phonehome.core.debounce import FAIL, NONE, PASS


class MissingRule:
    """Fails when the newest good sample is max_age_ms old: params max_age_ms.

    Before the first good sample the age counts from the start.
    """

    def judge(self, spec, channel, _is_confirmed: bool) -> int:
        """Return PASS for a sample, FAIL when they are missing for too long, else NONE."""
        if channel.value != MISSING:
            return PASS
        return FAIL if channel.age_ms >= spec.params[0] else NONE

    def evidence(self, _spec, _channel) -> tuple:
        """Return nothing to compare: there is no sample."""
        return None, None, 0

    def reset(self) -> None:
        """Nothing to forget: the channel keeps its age."""
