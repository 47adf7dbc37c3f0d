"""Which messages of a device are newer than all before them: what a replay never is."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from phonehome_wire.uplink import UplinkHead

# Incarnations of devices that are remembered, about 300 bytes each. Of one that is forgotten a
# stranger's copies are new again, each once, and only until the device itself speaks.
MAX_KNOWN: Final = 100_000

AGAIN: Final = "again"


class Freshness:
    """Remembers, for each key and incarnation, how far its (boot, uptime) has come.

    A device signs when it sends, so what it says next is always beyond that, and no copy of what
    it said ever is, whoever sends it, in whatever order. What a courier carries was signed long
    ago: it neither counts as new nor makes anything else old.
    """

    def __init__(self, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self._newest: OrderedDict[tuple[bytes, bytes], tuple[int, int]] = OrderedDict()

    def bucket_of(self, kid: bytes, head: UplinkHead | None) -> Hashable:
        """The token bucket that an authentic message draws from: the device's own for what is new,
        another one for what anybody may have sent, as all is that nobody can read (None).
        """
        return kid if head is not None and self._is_new(kid, head) else (kid, AGAIN)

    def _is_new(self, kid: bytes, head: UplinkHead) -> bool:
        if head.is_carried:
            return False
        name, moment = (kid, head.inc), (head.boot, head.now_ms)
        newest = self._newest.get(name)
        if newest is not None:
            self._newest.move_to_end(name)
            if moment <= newest:
                return False
        self._newest[name] = moment
        if len(self._newest) > self._max_known:
            self._newest.popitem(last=False)
        return True
