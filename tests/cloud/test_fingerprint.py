"""Equal crashes have equal names over a fleet and over builds; different ones do not."""

from phonehome_cloud.core.fingerprint import fingerprint_of
from phonehome_wire.registry import (
    CRASHKIND_BROWN_OUT,
    CRASHKIND_EXCEPTION,
    CRASHKIND_OUT_OF_MEMORY,
    CRASHKIND_WATCHDOG,
)

FRAMES = [["/lib/pump.mpy", 12, "run"], ["valve.py", 7, "open"]]


def crash(kind=CRASHKIND_EXCEPTION, **fields):
    """A crash body as the digest names it."""
    return {"kind": kind, "exception": "OSError", "frames": FRAMES} | fields


def test_what_moves_does_not_count():
    """Lines, folders, extensions, messages and heap differ from build to build and by board."""
    moved = [["pump.py", 14, "run"], ["lib/valve.py", 9, "open"]]
    same = crash(frames=moved, message="[Errno 5]", heap_free=1, crumbs=[[0, "a", "b", 1]])
    assert fingerprint_of(same) == fingerprint_of(crash())


def test_what_is_another_crash_has_another_name():
    """The exception, the functions, their order, the kind of a reset and the stuck task count."""
    others = [
        crash(),
        crash(exception="ValueError"),
        crash(frames=FRAMES[::-1]),
        crash(frames=FRAMES[:1]),
        crash(frames=[FRAMES[0], ["valve.py", 7, "shut"]]),
        crash(frames=[FRAMES[0], [3, 7, "open"]]),
        {"kind": CRASHKIND_OUT_OF_MEMORY},
        {"kind": CRASHKIND_BROWN_OUT},
        {"kind": CRASHKIND_WATCHDOG},
        {"kind": CRASHKIND_WATCHDOG, "exception": "sampling"},
        {"kind": 9},
    ]
    assert len({fingerprint_of(body) for body in others}) == len(others)


def test_rule_one_stands_for_ever():
    """These fingerprints are in databases: whoever changes them makes a new rule."""
    assert fingerprint_of(crash()) == "1-bbfac3f10b02f16a"
    assert (
        fingerprint_of({"kind": CRASHKIND_WATCHDOG, "exception": "sampling"})
        == "1-2b4c552460f55b6c"
    )
