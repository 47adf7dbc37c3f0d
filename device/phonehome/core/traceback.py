"""What is left of an exception when it is too late for anything else: its newest frames.

The text goes into memory that was allocated at the start, because the exception may be that there
is none left; when it is full, the outer frames go first and are counted.
"""

import io

from phonehome_wire.compat import const
from phonehome_wire.crash import Crash

# Folded away on a board; a test holds them to the wire's registry and limits.
_CRASHKIND_EXCEPTION = const(1)
_CRASHKIND_OUT_OF_MEMORY = const(4)

_TEXT_BYTES = const(768)
_LINE_FEED = const(10)
_FILE_TAIL = const(48)


class Traceback(io.IOBase):
    """A stream for the interpreter to print an exception to; keeps the end of what it is given."""

    def __init__(self, text_bytes: int = _TEXT_BYTES) -> None:
        super().__init__()
        self._text = bytearray(text_bytes)
        self._used = 0
        self._lost_lines = 0

    def clear(self) -> None:
        """Forget what was printed."""
        self._used = 0
        self._lost_lines = 0

    def write(self, data) -> int:
        """Take more text; what does not fit pushes out the oldest."""
        if isinstance(data, str):
            data = data.encode()
        for byte in data:
            if self._used == len(self._text):
                self._lose_a_line()
            self._text[self._used] = byte
            self._used += 1
        return len(data)

    def frames(self) -> list:
        """(file, line, function) of the frames that are left, outermost first."""
        text = bytes(self._text[: self._used]).decode("utf-8", "replace") if self._used else ""
        found = [_parse_frame(line) for line in text.split("\n")]
        return [frame for frame in found if frame]

    @property
    def omitted(self) -> int:
        """How many lines, one a frame, were pushed out."""
        return self._lost_lines

    def _lose_a_line(self) -> None:
        text, used = self._text, self._used
        cut = 0
        while cut < used and text[cut] != _LINE_FEED:
            cut += 1
        cut = min(cut + 1, used)
        for i in range(cut, used):
            text[i - cut] = text[i]
        self._used = used - cut
        self._lost_lines += 1


def crash_of(error: BaseException, traceback: Traceback) -> Crash:
    """The crash record of an exception that was printed to `traceback`."""
    is_memory = isinstance(error, MemoryError)
    crash = Crash(_CRASHKIND_OUT_OF_MEMORY if is_memory else _CRASHKIND_EXCEPTION)
    crash.exception = type(error).__name__
    crash.message = str(error)
    crash.frames = traceback.frames()
    crash.omitted = traceback.omitted
    return crash


def _parse_frame(line: str):
    """(file, line, function) of a line `File "main.py", line 3, in run`, or None."""
    parts = line.strip().split('"')
    if len(parts) != 3 or parts[0] != "File ":
        return None
    rest = parts[2].split(", ")
    if len(rest) < 2 or not rest[1].startswith("line "):
        return None
    number = rest[1][5:]
    function = rest[2][3:] if len(rest) > 2 else ""
    return parts[1][-_FILE_TAIL:], int(number) if number.isdigit() else 0, function
