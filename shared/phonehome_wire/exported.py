"""Reading an export as it appears on a serial line, between whatever else a device prints."""

from .compat import const
from .envelope import peek
from .errors import RefusedError
from .limits import MAX_MESSAGE_BYTES
from .plain import open_plain
from .serial import (
    DONE,
    END,
    MARK,
    MAX_LINE_CHARS,
    NOTHING,
    PLAIN,
    check,
    digest,
    is_whole,
    join,
    read_number,
)

SIGNED = const(1)
UNSIGNED = const(2)
FINISHED = const(3)


class ExportReader:
    """Takes lines one by one; noise and other people's lines between them do no harm."""

    def __init__(self) -> None:
        self._held: tuple = NOTHING

    @property
    def is_inside(self) -> bool:
        """True while lines of a message are held that is not closed yet."""
        return self._held is not NOTHING

    def take(self, line: str) -> "tuple | None":
        """What a line completes: (SIGNED, message), (UNSIGNED, message), (FINISHED, (reports,
        records)); None: nothing yet, or the line is none of an export.

        RefusedError says what is wrong with the export; the message that was being read is then
        gone, and reading goes on with the next one.
        """
        _, mark, text = line.rpartition(MARK)
        if not mark:
            return None
        try:
            return self._read(text.strip())
        except RefusedError:
            self._held = NOTHING
            raise

    def _read(self, text: str) -> "tuple | None":
        if len(text) > MAX_LINE_CHARS:
            raise RefusedError("line", "%d characters, at most %d" % (len(text), MAX_LINE_CHARS))
        word, _, rest = text.partition(" ")
        if word in (END, PLAIN):
            return self._close(word == END, rest)
        if word == DONE:
            if self.is_inside:
                raise RefusedError("order", "the export ends inside a report")
            reports, _, records = check(text)[len(DONE) + 1 :].partition(" ")
            return FINISHED, (read_number(reports), read_number(records))
        self._held = join(self._held, text, MAX_MESSAGE_BYTES)
        return None

    def _close(self, is_signed: bool, expected: str) -> tuple:
        held, self._held = self._held, NOTHING
        if not is_whole(held):
            raise RefusedError("order", "the end behind line %d of %d" % (held[1], held[0]))
        message: bytes = held[2]
        if digest(message) != expected:
            raise RefusedError("digest", "the lines are not those of the message that ends here")
        if is_signed:
            peek(message)
            return SIGNED, message
        open_plain(message)
        return UNSIGNED, message
