"""Buckets: the sum of what happened in a sliding window, in memory that does not depend on it."""

from array import array

from phonehome_wire.compat import const

_SLOTS = const(16)  # fifteen that are over and one that is filling: exact to 1/15 of the window
_MOST = const(2**26 - 1)  # in a bucket: the sum of all stays a small integer on a 32-bit board


class Buckets:
    """`total` of the amounts that were put in the last window_ms, or up to a fifteenth longer.

    `is_full` says that a whole window has gone by since the start or the last `clear`.
    """

    def __init__(self, window_ms: int) -> None:
        self._stride_ms = -(-window_ms // (_SLOTS - 1))
        self._amounts = array("i", bytes(4 * _SLOTS))
        self.clear()

    def clear(self) -> None:
        """Forget every amount."""
        for slot in range(_SLOTS):
            self._amounts[slot] = 0
        self._newest = 0
        self._open_ms = 0
        self._closed = 0
        self.total = 0

    @property
    def is_full(self) -> bool:
        """True when the buckets that are over cover a window."""
        return self._closed == _SLOTS - 1

    def advance(self, span_ms: int) -> None:
        """Let time pass."""
        self._open_ms += span_ms
        strides = self._open_ms // self._stride_ms
        self._open_ms %= self._stride_ms
        for _ in range(min(strides, _SLOTS)):
            self._newest = (self._newest + 1) % _SLOTS
            self.total -= self._amounts[self._newest]
            self._amounts[self._newest] = 0
            self._closed = min(self._closed + 1, _SLOTS - 1)

    def put(self, amount: int) -> None:
        """Add what happens now, not negative; a bucket that is full to the brim takes no more."""
        amount = min(amount, _MOST - self._amounts[self._newest])
        self._amounts[self._newest] += amount
        self.total += amount
