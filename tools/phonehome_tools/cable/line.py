"""A plain line session: what a board prints and is typed, without its prompt.

Boot ROMs talk at other baud rates, applications print what they like: bytes that are no UTF-8 are
shown as U+FFFD, and a line without an end is cut where it is longer than any of ours.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

# The serial port behind mpremote: Linux, macOS, Windows, sockets, terminal servers.
import serial

from phonehome_tools.cable.errors import CableError, GoneError, NoBoardError

BAUD: Final = 115200
# An export line has 96 characters, an answer in JSON a few hundred, a paste 4 KB.
MAX_LINE_BYTES: Final = 8192
_POLL_S: Final = 0.05
_LOST: Final = (serial.SerialException, OSError)


class Line:
    """Lines to and from a serial port; read_line has a deadline, the rest of a line waits."""

    def __init__(self, port: Any, name: str) -> None:
        self.serial = port
        self.name = name
        self._pending = bytearray()

    def read_line(self, within_s: float) -> str | None:
        """The next line without its end, or None when there is none in time; GoneError."""
        deadline = time.monotonic() + within_s
        while True:
            line = self._take_line()
            if line is not None:
                return line.decode(errors="replace").strip("\r\n")
            if time.monotonic() >= deadline:
                return None
            self._pending += self.read_some()

    def lines(self, within_s: float) -> Iterator[str]:
        """Every line until this time is over."""
        deadline = time.monotonic() + within_s
        while (line := self.read_line(deadline - time.monotonic())) is not None:
            yield line

    def read_some(self) -> bytes:
        """Whatever is there, waiting a moment for the first byte; b"" when there is nothing."""
        try:
            first = self.serial.read(1)
            more = self.serial.read(self.serial.in_waiting) if first else b""
        except _LOST as error:
            raise self._gone(error) from error
        return bytes(first + more)

    def take_rest(self) -> bytes:
        """The beginning of a line that is not complete yet: a prompt, for one."""
        rest = bytes(self._pending)
        self._pending.clear()
        return rest

    def write(self, data: bytes) -> None:
        """Send bytes; GoneError."""
        try:
            self.serial.write(data)
        except _LOST as error:
            raise self._gone(error) from error

    def write_line(self, text: str) -> None:
        """Type a line."""
        self.write(text.encode() + b"\r\n")

    def _take_line(self) -> bytes | None:
        end = self._pending.find(b"\n")
        if end < 0 and len(self._pending) < MAX_LINE_BYTES:
            return None
        size = end + 1 if 0 <= end < MAX_LINE_BYTES else MAX_LINE_BYTES
        line = bytes(self._pending[:size])
        del self._pending[:size]
        return line

    def _gone(self, error: Exception) -> GoneError:
        return GoneError(f"{self.name}: the board went away: {error}", "look at the cable")


@contextmanager
def open_line(name: str, baud: int = BAUD, within_s: float = 0) -> Iterator[Line]:
    """Open a port for lines; NoBoardError says why it cannot be had.

    `within_s`: so long a port of native USB may be away, because its board starts.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            port = open_port(name, baud)
            break
        except NoBoardError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
    try:
        yield Line(port, name)
    finally:
        with suppress(*_LOST):
            port.close()


def open_port(name: str, baud: int = BAUD) -> Any:
    """A pyserial port that nobody else has; NoBoardError says why it cannot be had."""
    try:
        return serial.serial_for_url(name, baudrate=baud, timeout=_POLL_S, exclusive=True)
    except ValueError as error:
        raise NoBoardError(f"{name}: no such kind of port: {error}", _KINDS) from error
    except _LOST as error:
        raise why_not(name, error) from error


_KINDS: Final = "ports are named /dev/ttyACM0, COM3, socket://host:port or rfc2217://host:port"
_REASONS: Final = (
    # what the system's text has in it, what we say, what to do
    (
        ("exclusively lock", "busy", "Access is denied"),
        "is in use",
        "close what has it: mpremote, Thonny, screen",
    ),
    (
        ("No such file", "FileNotFound", "cannot find"),
        "there is no such port",
        "plug the board in",
    ),
    (
        ("Permission denied",),
        "you may not open it",
        "on Linux: 'sudo usermod -aG dialout $USER', then log in again",
    ),
    (("refused",), "nobody listens there", "start the terminal server, or look at its port"),
)


def why_not(name: str, error: Exception) -> CableError:
    """What a port that cannot be opened means, with what to do about it."""
    said = str(error)
    for words, text, hint in _REASONS:
        if any(word in said for word in words):
            return NoBoardError(f"{name}: {text}", hint)
    return NoBoardError(f"{name}: cannot be opened: {said}", _KINDS)
