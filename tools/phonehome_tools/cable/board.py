"""A board at its prompt: run scripts on it, over mpremote's own transport.

The prompt is reached by Ctrl-C, as mpremote does it and without a soft reset: what the agent has
set up (ten minutes without a watchdog) stays.
"""

import ast
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

# mpremote's transport: what every MicroPython developer's console speaks.
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from phonehome_tools.cable.errors import CableError, GoneError, NoBoardError, ScriptError
from phonehome_tools.cable.line import open_port
from phonehome_tools.cable.ports import resolve

# A board that is just starting does not answer yet; one that writes flash is busy for a moment.
PROMPT_S: Final = 10.0
SCRIPT_S: Final = 30.0
# mpremote waits that long for one byte; a loaded host and an emulated board need their time.
_BYTE_S: Final = 2.0
_TRY_S: Final = 1.0
_PAUSE_S: Final = 0.005
_RAW: Final = b"raw REPL; CTRL-B to exit\r\n"
_KEPT_BYTES: Final = 160
_END: Final = b"\x04"
_INTERRUPT: Final = b"\r\x03"
_RAW_MODE: Final = b"\r\x01"
SERIAL_ERRORS: Final = (TransportError, SerialException, OSError, struct.error)
# The EUI-64 as the agent finds it: the Wi-Fi address, or a chip's own 8 bytes.
_WHO: Final = """
try:
    import network
    m = network.WLAN(network.STA_IF).config('mac')
    d = m[:3] + b'\\xff\\xfe' + m[3:]
except (ImportError, AttributeError, OSError):
    try:
        import machine
        d = machine.unique_id()
    except (ImportError, AttributeError):
        d = b''
print(repr(d.hex() if len(d) == 8 else ''))
"""


class Board:
    """A board whose prompt we have; `transport` is mpremote's."""

    def __init__(self, transport: SerialTransport, name: str) -> None:
        self.transport = transport
        self.name = name

    def run(self, script: str, within_s: float = SCRIPT_S) -> str:
        """What a script prints; ScriptError with the board's exception, GoneError without one."""
        try:
            said, complaint = self.transport.exec_raw(script, timeout=within_s)
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error
        if complaint:
            raise ScriptError(complaint.decode(errors="replace"))
        return str(said.decode(errors="replace"))

    def ask(self, script: str, within_s: float = SCRIPT_S) -> Any:
        """The value of the last line that a script prints, a Python literal."""
        lines = self.run(script, within_s).strip().splitlines()
        try:
            return ast.literal_eval(lines[-1] if lines else "")
        except (ValueError, SyntaxError):
            # Neither the answer nor its error is shown: a settings file has secrets in it.
            raise CableError(f"{self.name}: the board's answer is garbled", "try again") from None

    def begin(self, script: str) -> None:
        """Start a script; `output` has what it prints, then `complaint` its exception."""
        try:
            self.transport.exec_raw_no_follow(script)
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error

    def output(self) -> Iterator[bytes]:
        """What a started script prints, as it comes, until it ends."""
        serial = self.transport.serial
        try:
            while (heard := serial.read(1)) != _END:
                yield heard
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error

    def complaint(self) -> str:
        """The exception of a started script whose output has ended, "" when there was none."""
        try:
            said = self.transport.read_until(1, _END, timeout=_BYTE_S)
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error
        return str(said.rstrip(_END).decode(errors="replace"))

    def interrupt(self) -> None:
        """Type Ctrl-C to a started script."""
        try:
            self.transport.serial.write(_INTERRUPT)
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error

    def read_device(self) -> str:
        """The EUI-64 as 16 hex digits, "" where the board has none of its own."""
        return str(self.ask(_WHO))

    def reset(self) -> None:
        """Start the board again, as the reset button does; the prompt is gone."""
        try:
            self.transport.exec_raw_no_follow("import machine\nmachine.reset()")
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error
        self.transport.in_raw_repl = False

    def gone(self, error: Exception) -> GoneError:
        """What an error of the transport in the middle of a talk means."""
        return GoneError(f"{self.name}: the board stopped answering: {error}", "look at the cable")

    def reach_prompt(self, within_s: float = PROMPT_S) -> None:
        """Interrupt what runs and get the raw prompt; NoBoardError with what came instead."""
        deadline = time.monotonic() + within_s
        said = b""
        try:
            while not said.endswith(_RAW):
                if time.monotonic() > deadline:
                    raise NoBoardError(f"{self.name}: {_describe(said)}", _NO_PROMPT)
                self.transport.serial.write(_INTERRUPT)
                self.transport.serial.write(_RAW_MODE)
                said = self._listen(said)
        except SERIAL_ERRORS as error:
            raise self.gone(error) from error
        self.transport.in_raw_repl = True

    def _listen(self, said: bytes) -> bytes:
        """What is heard, up to the raw prompt or for a moment.

        mpremote's read_until never ends while a program prints without a pause.
        """
        serial = self.transport.serial
        deadline = time.monotonic() + _TRY_S
        while not said.endswith(_RAW) and time.monotonic() < deadline:
            heard = serial.read(1) if serial.in_waiting else b""
            said = (said + heard)[-_KEPT_BYTES:]
            if not heard:
                time.sleep(_PAUSE_S)
        return said


_NO_PROMPT: Final = (
    "hold BOOTSEL or flash MicroPython (https://micropython.org/download); look at the baud rate"
)


def _describe(said: bytes) -> str:
    if not said.strip():
        return "no board answers"
    return f"what answers has no MicroPython prompt: {said[-_KEPT_BYTES:]!r}"


@contextmanager
def open_board(name: str, within_s: float = PROMPT_S) -> Iterator[Board]:
    """The board at a port, at its prompt; afterwards the port is closed, its program ended."""
    board = Board(_open_transport(name), name)
    try:
        board.reach_prompt(within_s)
        yield board
    finally:
        transport = board.transport
        with suppress(*SERIAL_ERRORS):
            if transport.in_raw_repl:
                transport.exit_raw_repl()
        with suppress(*SERIAL_ERRORS):
            transport.close()


def find_ports(words: list[str]) -> list[str]:
    """The ports that words of a command line mean; see phonehome_tools.cable.ports."""
    return resolve(words, read_device_at)


def read_device_at(name: str) -> str:
    """The EUI-64 of the board at a port."""
    with open_board(name) as board:
        return board.read_device()


def _open_transport(name: str) -> SerialTransport:
    """The transport of mpremote; where it only says that it failed, we find out why."""
    try:
        return SerialTransport(name, timeout=_BYTE_S)
    except (TransportError, ValueError, OSError):
        open_port(name).close()  # raises the reason
        return SerialTransport(name, timeout=_BYTE_S)  # it has become free meanwhile
