"""A line as it is typed on a dumb terminal: characters, backspace, Ctrl-U, Enter.

What is not printable ASCII is no part of a line: noise of another baud rate, halves of UTF-8,
what cursor keys send.
"""

from phonehome_wire.compat import const

LINE_BYTES = const(1408)  # the longest ack of the receiver in base64, behind its command

_CTRL_D = const(4)
_BACKSPACE = const(8)
_LINE_FEED = const(10)
_RETURN = const(13)
_CTRL_U = const(21)
_ESCAPE = const(27)
_SPACE = const(32)
_AT_SIGN = const(64)
_TILDE = const(126)
_DELETE = const(127)
_BRACKETS = (79, 91)  # ESC O and ESC [ begin what cursor keys send, a letter or ~ ends it

_RUB_OUT = "\b \b"


class Line:
    """One line after the other in the same buffer; `take` every byte, then `end` one that is done.

    `is_done` is true behind Enter, `is_left` behind Ctrl-D on an empty line. While `is_hidden`
    nothing is echoed.
    """

    def __init__(self) -> None:
        self._buf = bytearray(LINE_BYTES)
        self._used = self._lost = 0
        self._escape = 0  # 1 behind ESC, 2 inside its sequence
        self._has_return = False  # a line feed right behind it belongs to it
        self.is_done = self.is_left = self.is_hidden = False

    def take(self, byte: int) -> str:
        """Take a byte that was typed; return what to echo."""
        has_return, self._has_return = self._has_return, byte == _RETURN
        if self._escape:
            self._pass_escape(byte)
        elif _SPACE <= byte <= _TILDE:
            return self._add(byte)
        elif byte in (_BACKSPACE, _DELETE):
            return self._rub_out(1)
        elif byte == _CTRL_U:
            return self._rub_out(self._used)
        elif byte == _RETURN or (byte == _LINE_FEED and not has_return):
            self.is_done = True
            return "\n"
        elif byte == _CTRL_D:
            self.is_left = self._used == 0
        elif byte == _ESCAPE:
            self._escape = 1
        return ""

    def end(self) -> "str | None":
        """The line, and begin the next; None for one that had more bytes than there is room."""
        text = None if self._lost else bytes(memoryview(self._buf)[: self._used]).decode()
        self.wipe()
        return text

    def wipe(self) -> None:
        """Forget what was typed, in memory too: it may have been secret."""
        self._rub_out(self._used)
        self._lost = 0
        self.is_done = False

    def _add(self, byte: int) -> str:
        if self._used == LINE_BYTES:
            self._lost += 1
            return ""
        self._buf[self._used] = byte
        self._used += 1
        return "" if self.is_hidden else chr(byte)

    def _rub_out(self, count: int) -> str:
        count = min(count, self._used)
        for _ in range(count):
            self._used -= 1
            self._buf[self._used] = 0
        return "" if self.is_hidden else _RUB_OUT * count

    def _pass_escape(self, byte: int) -> None:
        if self._escape == 1:
            self._escape = 2 if byte in _BRACKETS else 0
        elif _AT_SIGN <= byte <= _TILDE:
            self._escape = 0
