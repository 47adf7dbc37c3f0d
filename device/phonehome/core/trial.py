"""A configuration on trial: kept when the receiver was heard under it, else taken back.

It is proven by an ack of a report that was signed under it and by a while without a crash. Without
both within `trial_s` of the settings, or after a crash, a watchdog or too many boots, the device
goes back to what it had before, by itself: it may be out of everybody's reach.
"""

from phonehome_wire.compat import const

_HEALTH_MS = const(60000)  # as long as a boot must last to be a good one
MAX_BOOTS = const(3)


class Trial:
    """The trial that `pushed` (core.pushed) holds, of an agent; it begins at uptime `began_ms`."""

    def __init__(self, hands, pushed, began_ms: int) -> None:
        trial_ms = hands.config.trial_s * 1000
        self._agent = hands.agent
        self._session = hands.session
        self._pushed = pushed
        self._began_ms = began_ms
        self._healthy_ms = began_ms + min(_HEALTH_MS, trial_ms // 4)
        self._until_ms = began_ms + trial_ms
        self._crashes = hands.session.crashes

    def is_over(self, now_ms: int, acked_ms: int) -> bool:
        """Judge it; `acked_ms` is the uptime of the newest report that was acknowledged."""
        if self._session.crashes > self._crashes or now_ms >= self._until_ms:
            self.take_back()
            return True
        if acked_ms < self._began_ms or now_ms < self._healthy_ms:
            return False
        try:
            self._pushed.keep()
        except OSError:
            return False  # a full flash may have room before the time is over
        self._tell("kept")
        return True

    def take_back(self) -> None:
        """Go back to what was kept before."""
        from .hands import Hands
        from .tuning import tune

        try:
            self._pushed.drop()
        except OSError:
            pass  # the next boot counts as another try, and the last of them ends it
        hands = Hands(self._agent)
        version, values = self._pushed.kept
        hands.session.config_version = version
        tune(hands, values)
        self._tell("reverted")

    def _tell(self, state: str) -> None:
        from .hands import Hands

        Hands(self._agent).tell_config(state)
