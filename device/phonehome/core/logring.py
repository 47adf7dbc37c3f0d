"""The newest lines of the log, in memory that was made at the start, and loggers to write them.

They are the breadcrumbs of a crash and the excerpt that a command asks for (see lastwords).
"""

import struct

from phonehome_wire.compat import IS_MICROPYTHON, const

_LINE = "<IBB10s32s"  # uptime in ms (low 30 bits), level / 10, spare, logger, text
_LINE_BYTES = const(48)
_LINES = const(16)
_SMALL = const(0x3FFFFFFF)  # more would not be a small integer on a board

_DEBUG = const(10)
_INFO = const(20)
_WARNING = const(30)
_ERROR = const(40)
_CRITICAL = const(50)


class LogRing:
    """Sixteen lines; the oldest goes first. `uptime` has now_ms().

    `level` is what a line must have at least, `levels` holds those of loggers that differ, `lost`
    counts lines that found no memory to be put together in.
    """

    def __init__(self, uptime) -> None:
        self._uptime = uptime
        self.lines = bytearray(_LINES * _LINE_BYTES)
        self.next = 0  # where the next line goes, which is where the oldest is
        self.level = _INFO
        self.levels: dict = {}
        self.lost = 0

    def write(self, level: int, name: str, text: str) -> None:
        """Put a line behind the newest; what is too long is cut."""
        now_ms = self._uptime.now_ms() & _SMALL
        if not IS_MICROPYTHON:  # which copies out of a text without a detour over bytes
            name, text = name.encode(), text.encode()  # type: ignore[assignment]
        at = self.next * _LINE_BYTES
        struct.pack_into(_LINE, self.lines, at, now_ms, level // 10, 0, name, text)
        self.next = (self.next + 1) % _LINES


class Logger:
    """Writes to the ring under a name, in the way of Python's `logging`; made by `getLogger`."""

    def __init__(self, ring: LogRing, name: str) -> None:
        self._ring = ring
        self.name = name

    def setLevel(self, level: int) -> None:  # noqa: N802  # as in `logging`
        """Keep lines from this level on: 10 debug, 20 info, 30 warning, 40 error, 50 critical."""
        self._ring.levels[self.name] = level

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # as in `logging`
        """Whether a line of this level would be kept."""
        ring = self._ring
        least: int = ring.levels.get(self.name, ring.level)
        return level >= least

    def log(self, level: int, message: str, *args) -> None:
        """Keep a line; `args` are put into the message by %, only when it is kept.

        A line never fails: one that finds no memory is counted, one that does not fit its
        arguments is kept without them.
        """
        if not self.isEnabledFor(level):
            return
        try:
            if args:
                try:
                    message = message % args
                except (TypeError, ValueError):
                    pass  # a mistake in a log line is not worth a crash
            self._ring.write(level, self.name, message)
        except MemoryError:
            self._ring.lost += 1

    def debug(self, message: str, *args) -> None:
        """A line for whoever looks for a mistake."""
        self.log(_DEBUG, message, *args)

    def info(self, message: str, *args) -> None:
        """A line about the normal course of things."""
        self.log(_INFO, message, *args)

    def warning(self, message: str, *args) -> None:
        """A line about something odd."""
        self.log(_WARNING, message, *args)

    def error(self, message: str, *args) -> None:
        """A line about something that went wrong."""
        self.log(_ERROR, message, *args)

    def critical(self, message: str, *args) -> None:
        """A line about the end."""
        self.log(_CRITICAL, message, *args)
