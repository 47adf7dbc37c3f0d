"""A configuration on trial: kept when the receiver was heard under it, else taken back.

It is proven by an ack of a report that was signed under it and by a while without a crash. Without
both within `trial_s` of the settings, or after a crash, a watchdog or too many boots, the device
goes back to what it had before, by itself: it may be out of everybody's reach. A new way to the
receiver is made by the next start, so it is proven, or not, by the boots after this one.
"""

from phonehome_wire.compat import const

_HEALTH_MS = const(60000)  # as long as a boot must last to be a good one
MAX_BOOTS = const(3)


class Trial:
    """The trial that `pushed` (core.pushed) holds, of an agent; it begins at uptime `began_ms`.

    With `awaits_start` the way to the receiver is still the old one.
    """

    def __init__(self, hands, pushed, began_ms: int, awaits_start: bool = False) -> None:
        trial_ms = hands.config.trial_s * 1000
        self._agent = hands.agent
        self._session = hands.session
        self._pushed = pushed
        self._began_ms = began_ms
        self._healthy_ms = began_ms + min(_HEALTH_MS, trial_ms // 4)
        self._until_ms = began_ms + trial_ms
        self._crashes = hands.session.crashes
        self._awaits_start = awaits_start

    def is_over(self, now_ms: int, acked_ms: int) -> bool:
        """Judge it; `acked_ms` is the uptime of the newest report that was acknowledged."""
        has_crashed = self._session.crashes > self._crashes
        if not has_crashed and now_ms >= self.due_ms(acked_ms) and self._is_kept(acked_ms):
            return True
        if has_crashed or now_ms >= self._until_ms:
            self.take_back()
            return True
        return False

    def due_ms(self, acked_ms: int) -> int:
        """The uptime at which it is to be judged next."""
        due_ms: int = self._healthy_ms if self._is_proven(acked_ms) else self._until_ms
        return due_ms

    def _is_proven(self, acked_ms: int) -> bool:
        return acked_ms >= self._began_ms and not self._awaits_start

    def _is_kept(self, acked_ms: int) -> bool:
        if not self._is_proven(acked_ms):
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
        from .linkkeys import link_of
        from .tuning import tune

        tried = link_of(self._pushed.current[1])
        try:
            self._pushed.drop()
        except OSError:
            pass  # the next boot counts as another try, and the last of them ends it
        hands = Hands(self._agent)
        version, values = self._pushed.kept
        hands.session.config_version = version
        tune(hands, values)
        self._tell("reverted")
        if tried != link_of(values):
            self._leave(hands)

    def _leave(self, hands) -> None:
        """Give up the new way to the receiver."""
        if self._awaits_start:
            hands.ask_reboot(False)
        else:
            hands.reboot("config")

    def _tell(self, state: str) -> None:
        from .hands import Hands

        Hands(self._agent).tell_config(state)
