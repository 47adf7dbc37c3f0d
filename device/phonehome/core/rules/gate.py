"""Gates: the conditions under which a rule is judged at all."""

from phonehome_wire.series import MISSING


class Gate:
    """Open when every condition (channel, least or None, greatest or None) held for settle_ms.

    A missing sample holds no condition: what cannot be seen is not tested.
    """

    def __init__(self, conditions, settle_ms: int) -> None:
        self._conditions = conditions
        self._settle_ms = settle_ms
        self._held_ms = -1

    @property
    def is_open(self) -> bool:
        """True when the rule may be judged."""
        return self._held_ms >= self._settle_ms

    def watch(self, span_ms: int) -> None:
        """Look at the newest samples, span_ms after the last look."""
        if not self._holds():
            self._held_ms = -1
        elif self._held_ms < 0:
            self._held_ms = 0
        elif self._held_ms < self._settle_ms:
            self._held_ms += span_ms

    def _holds(self) -> bool:
        for condition in self._conditions:
            value = condition[0].value
            if value == MISSING:
                return False
            if condition[1] is not None and value < condition[1]:
                return False
            if condition[2] is not None and value > condition[2]:
                return False
        return True
