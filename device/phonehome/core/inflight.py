"""What was sent and not yet acknowledged: which ids an ack may delete, how large a batch is.

A batch that the receiver cannot read, three times and without a signed word about it, is sent
in halves until the record it stumbles over is alone; that one then waits for all others.
"""

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_RECORDS = const(64)

_TRIES = const(3)


class InFlight:
    """The records of the newest report; `limit` is how many the next one may carry."""

    def __init__(self) -> None:
        self.limit = _MAX_RECORDS
        self.is_open = False
        self.is_poll = False
        self.inc = b""
        self.ids: list = []
        self.sent_at_ms = 0
        self._unread = 0

    def begin(self, inc: bytes, ids: list, now_ms: int) -> None:
        """A report with these (boot, seq) of an incarnation is going out now."""
        self.is_open = True
        self.is_poll = not ids
        self.inc = inc
        self.ids = ids
        self.sent_at_ms = now_ms

    def settle(self, inc: bytes, echo_ms: int, stored: list, refused: list) -> tuple:
        """Take an ack for records of `inc`: (ids now stored, [(boot, seq, code)] refused).

        Only ids that are in flight count; what the ack does not name stays to be sent again.
        An ack that echoes an earlier report counts too, but the newest one stays open.
        """
        if inc != self.inc:
            return [], []
        done = [key for key in self.ids if self._is_named(key, stored)]
        given_up = [word for word in refused if (word[0], word[1]) in self.ids]
        gone = done + [(boot, seq) for boot, seq, _ in given_up]
        self.ids = [key for key in self.ids if key not in gone]
        self.is_open = self.is_open and echo_ms != self.sent_at_ms
        self._unread = 0
        if gone:
            self.limit = min(_MAX_RECORDS, self.limit * 2)
        return done, given_up

    def hear_command(self) -> None:
        """A command of this boot came in: it is what a poll asks for, new or sent once more."""
        if self.is_poll:
            self.is_open = False

    def fail(self) -> None:
        """The report did not get through; its records are sent again."""
        self.is_open = False

    def fail_unread(self) -> bool:
        """It came through and was not understood; True when its only record should step aside."""
        self.is_open = False
        self._unread += 1
        if self._unread < _TRIES:
            return False
        self._unread = 0
        if len(self.ids) > 1:
            self.limit = (len(self.ids) + 1) // 2
            return False
        return bool(self.ids)

    def _is_named(self, key: tuple, ranges: list) -> bool:
        boot, seq = key
        return any(boot == named and low <= seq <= high for named, low, high in ranges)
