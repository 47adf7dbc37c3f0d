"""What is left of an exception when it is too late for anything else: its newest frames.

The text goes into memory that was allocated at the start, because the exception may be that there
is none left; when it is full, the outer frames go first and are counted.
"""

import io

from phonehome_wire.compat import const

_TEXT_BYTES = const(768)
_LINE_FEED = const(10)


class Traceback(io.IOBase):
    """A stream for the interpreter to print an exception to; keeps the end of what it is given.

    `text` holds it in its first `used` bytes, `lost_lines` counts lines that were pushed out.
    """

    def __init__(self, text_bytes: int = _TEXT_BYTES) -> None:
        super().__init__()
        self.text = bytearray(text_bytes)
        self.used = 0
        self.lost_lines = 0

    def clear(self) -> None:
        """Forget what was printed."""
        self.used = 0
        self.lost_lines = 0

    def write(self, data) -> int:
        """Take more text; what does not fit pushes out the oldest."""
        if isinstance(data, str):
            data = data.encode()
        for byte in data:
            if self.used == len(self.text):
                self._lose_a_line()
            self.text[self.used] = byte
            self.used += 1
        return len(data)

    def _lose_a_line(self) -> None:
        text, used = self.text, self.used
        cut = 0
        while cut < used and text[cut] != _LINE_FEED:
            cut += 1
        cut = min(cut + 1, used)
        for i in range(cut, used):
            text[i - cut] = text[i]
        self.used = used - cut
        self.lost_lines += 1
