"""Gates: the conditions under which the rule of a fault is judged at all."""

from array import array

from phonehome_wire.compat import const

from .channel import MISSING, Channel

_SHUT = const(-1)


class Gates:
    """The gates of all faults; one is open when its conditions held for settle_ms of its spec.

    A condition is (channel index, least or None, greatest or None). A missing sample holds no
    condition: what cannot be seen is not tested.
    """

    def __init__(self, specs, channels: "list[Channel]") -> None:
        self._specs = specs
        self._channels = channels
        self._held_ms = array("i", bytes(4 * len(specs)))
        for index in range(len(specs)):
            self._held_ms[index] = _SHUT

    def watch(self, index: int, span_ms: int) -> bool:
        """Look at the newest samples, span_ms after the last look; True when the gate is open."""
        spec = self._specs[index]
        held_ms = self._held_ms[index]
        if not self._holds(spec.gates):
            held_ms = _SHUT
        elif held_ms < 0:
            held_ms = 0
        elif held_ms < spec.settle_ms:
            held_ms += span_ms
        self._held_ms[index] = held_ms
        is_settled: bool = held_ms >= spec.settle_ms
        return is_settled

    def _holds(self, conditions: "tuple") -> bool:
        for condition in conditions:  # noqa: SIM110 (a generator would be made on the heap)
            if not self._is_within(condition):
                return False
        return True

    def _is_within(self, condition: "tuple") -> bool:
        sensor, least, greatest = condition
        value = self._channels[sensor].value
        if value == MISSING or (least is not None and value < least):
            return False
        return greatest is None or value <= greatest
