"""Crashes on their way from the black box to the outbox; loaded for one, and at the start.

`note(name, **facts)` hears crash, past, safe and dropped.
"""

from phonehome_wire.compat import const
from phonehome_wire.crash import Crash

from .lastwords import crash_of

# Folded away on a board; a test holds them to the wire's registry and limits.
_CRASHKIND_BOOT_LOOP = const(7)
_RTYPE_CRASH = const(4)


def tell(box, reporter, session, now_ms: int, note) -> None:
    """Store what was captured as a crash; MemoryError and OSError when there is no room for it."""
    crash = crash_of(box.head, box.traceback.text, box.traceback.used, box.ring.lines)
    if _store(crash, box, reporter, session, now_ms, note):
        note("crash", exception=crash.exception, message=crash.message)
    session.note_crash(is_reset=False)
    box.clear()


def tell_past(birth, box, reporter, session, now_ms: int, note) -> None:
    """Store the crash that the boot before could not tell, or not wipe, and wipe the black box."""
    if birth.was_bad:
        session.note_crash(is_reset=True)
    crash, birth.crash = birth.crash, None
    is_told = birth.told is not None and reporter.outbox.open().holds(_RTYPE_CRASH, birth.told)
    if crash and not is_told and _store(crash, box, reporter, session, now_ms, note):
        note("past", reason=birth.reset_cause, exception=crash.exception)
    box.clear()
    if birth.is_safe:
        _tell_loop(birth, crash, reporter, now_ms, note)


def _tell_loop(birth, last, reporter, now_ms: int, note) -> None:
    """Boots die young, the last one of the crash `last`: the application stays off for a time."""
    loop = Crash(_CRASHKIND_BOOT_LOOP)
    loop.exception = last.exception if last else birth.reset_name or None
    minutes = birth.wait_ms // 60000
    loop.message = "%d boots died young; tried again in %d min" % (birth.died, minutes)
    loop.reset_cause = birth.reset_cause
    reporter.add_crash(loop, now_ms)
    note("safe", died=birth.died, wait_ms=birth.wait_ms)


def _store(crash, box, reporter, session, now_ms: int, note) -> bool:
    from .reporting.records import begin

    begin(reporter, now_ms)  # the boot and its hello first: then the next number is the crash's
    box.tell_as(session.boot, session.next_seq)
    try:
        reporter.add_crash(crash, now_ms)
    except ValueError as mistake:  # not to be encoded: no later boot could either
        note("dropped", kind="crash", count=1, detail=str(mistake))
        return False
    return True
