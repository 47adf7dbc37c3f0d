"""What is done about an exception: told at once where memory is left, else kept for the next boot,
which tells it first of all.
"""

from phonehome_wire.compat import const

from .ondemand import forget

# Folded away on a board; a test holds them to the wire's registry and limits.
_RESET_COMMANDED = const(8)

_LAST_WORDS = __name__.rpartition(".")[0] + ".lastwords"


class Crashes:
    """Brings crashes from the black box to the reporter; `birth` knows how the boot before ended.

    `note(name, **facts)` hears crash and past. Whoever records has the confirmed faults in
    `faults`, a FaultTable.
    """

    def __init__(self, box, birth, board, uptime, reporter, session, note) -> None:
        self._box = box
        self._birth = birth
        self._board = board
        self._uptime = uptime
        self._reporter = reporter
        self._session = session
        self._note = note
        self.faults = None

    def record(self, error: BaseException) -> None:
        """Store an exception as a crash; without memory for that, the board starts again."""
        try:
            now_ms = self._capture(error)
            crash = self._box.crash()
            forget(_LAST_WORDS)
            self._reporter.add_crash(crash, now_ms)
            self._box.clear()
            self._session.note_crash(is_reset=False)
            self._note("crash", exception=crash.exception, message=crash.message)
        except ValueError as mistake:  # not to be encoded: no later boot could either
            self._note("dropped", kind="crash", count=1, detail=str(mistake))
        except (MemoryError, OSError):
            self._start_again()

    def end(self, error: BaseException) -> None:
        """The last words of a boot: an exception that left nothing running."""
        self._capture(error)
        self._start_again()

    def reboot(self) -> None:
        """Start again as was commanded."""
        self._session.end()
        self._box.mean(_RESET_COMMANDED, "", self._uptime.now_ms())
        self._board.reboot()

    def tell_past(self) -> None:
        """The crash that the boot before could not tell."""
        birth = self._birth
        if birth.was_bad:
            self._session.note_crash(is_reset=True)
        if birth.crash is not None:
            self._tell(birth)
        if birth.has_words:
            self._box.is_slot_free = False
            self._box.clear()

    def _tell(self, birth) -> None:
        crash, birth.crash = birth.crash, None
        try:
            self._reporter.add_crash(crash, self._uptime.now_ms())
            self._note("past", reason=birth.reset_cause, exception=crash.exception)
        except ValueError as mistake:
            self._note("dropped", kind="crash", count=1, detail=str(mistake))

    def _capture(self, error: BaseException) -> int:
        """Put an exception into the black box; needs no memory. Returns when it was."""
        now_ms: int = self._uptime.now_ms()
        self._box.capture(error, now_ms, self._board, self.faults)
        return now_ms

    def _start_again(self) -> None:
        """Save the black box with the memory that the reporter gives back, and reset."""
        self._reporter.release()
        try:
            self._box.save()
        except (MemoryError, OSError):
            pass  # the retained memory has the head of it
        self._board.reboot()
