"""The serial line to a person or a program beside the board: single bytes in, text out."""

import sys


class Terminal:
    """The console of the firmware; nothing here waits for whoever is at the other end.

    `poll` is a poll of its input. `is_gone` is true once that has ended for good, as a pipe does.
    """

    def __init__(self, poll) -> None:
        self._input = sys.stdin.buffer  # bytes: half a character would hold up the program
        self._poll = poll
        self._byte = bytearray(1)
        self.is_gone = False

    def read(self) -> int:
        """The next byte, -1 when there is none now."""
        if self.is_gone or not self._poll.poll(0):
            return -1
        if not self._input.readinto(self._byte):
            self.is_gone = True
            return -1
        return self._byte[0]

    def write(self, text: str) -> None:
        """Print; what a host that does not read leaves no room for is lost after half a second."""
        sys.stdout.write(text)
