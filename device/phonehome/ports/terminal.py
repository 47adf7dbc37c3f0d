"""The serial line to a person or a program beside the board: single bytes in, text out."""

import select
import sys

from phonehome_wire.compat import const

_POLLIN = const(1)  # the same on every port, and of `select` only where that is C


class Terminal:
    """The console of the firmware; nothing here waits for whoever is at the other end.

    `is_gone` is true once the input has ended for good, as a pipe does.
    """

    def __init__(self) -> None:
        self._input = sys.stdin.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, _POLLIN)
        self._byte = bytearray(1)
        self.is_gone = False

    def has_input(self) -> bool:
        """True when `read` has a byte, or the end of the input."""
        return bool(self._poll.poll(0))

    def read(self) -> int:
        """The next byte, -1 when there is none now."""
        if self.is_gone or not self.has_input():
            return -1
        if not self._input.readinto(self._byte):
            self.is_gone = True
            return -1
        return self._byte[0]

    def write(self, text: str) -> None:
        """Print; what a host that does not read leaves no room for is lost after half a second."""
        sys.stdout.write(text)
