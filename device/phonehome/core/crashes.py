"""Crashes on their way from the black box to the outbox; loaded for one, and at the start.

`note(name, **facts)` hears crash, past and dropped.
"""

from .lastwords import crash_of


def tell(box, reporter, session, now_ms: int, note) -> None:
    """Store what was captured as a crash; MemoryError and OSError when there is no room for it."""
    crash = crash_of(box.head, box.traceback.text, box.traceback.used, box.ring.lines)
    if _store(crash, reporter, now_ms, note):
        note("crash", exception=crash.exception, message=crash.message)
    session.note_crash(is_reset=False)
    box.clear()


def tell_past(birth, box, reporter, session, now_ms: int, note) -> None:
    """Store the crash that the boot before could not tell, and wipe the black box."""
    if birth.was_bad:
        session.note_crash(is_reset=True)
    crash, birth.crash = birth.crash, None
    if crash is not None and _store(crash, reporter, now_ms, note):
        note("past", reason=birth.reset_cause, exception=crash.exception)
    if birth.has_words:
        box.is_slot_free = False
        box.clear()


def _store(crash, reporter, now_ms: int, note) -> bool:
    try:
        reporter.add_crash(crash, now_ms)
    except ValueError as mistake:  # not to be encoded: no later boot could either
        note("dropped", kind="crash", count=1, detail=str(mistake))
        return False
    return True
