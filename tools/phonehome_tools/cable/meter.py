"""What goes over a line: bytes each way, and how long they take at another rate."""

from typing import Any, Final

from phonehome_tools.cable.board import Board

# 8 data bits, a start and a stop bit.
_BITS: Final = 10


class Meter:
    """A serial port that counts; put between a board and its port by `watch`."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.sent = self.received = 0

    def write(self, data: bytes) -> Any:
        """Send and count."""
        self.sent += len(data)
        return self._port.write(data)

    def read(self, size: int = 1) -> bytes:
        """Receive and count."""
        data = bytes(self._port.read(size))
        self.received += len(data)
        return data

    def seconds_at(self, baud: int) -> float:
        """How long these bytes take on a line that does nothing else, each way after the other."""
        return (self.sent + self.received) * _BITS / baud

    def __getattr__(self, name: str) -> Any:
        """Everything else is the port's."""
        return getattr(self._port, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """What is not counted here is set on the port: rts and dtr, for two."""
        if name in {"_port", "sent", "received"}:
            super().__setattr__(name, value)
        else:
            setattr(self._port, name, value)


def watch(board: Board) -> Meter:
    """Count what goes over a board's line from now on."""
    meter = Meter(board.transport.serial)
    board.transport.serial = meter
    return meter
