"""Crash records: nothing that a crash says makes them fail, and what is shed to fit."""

from phonehome_wire.bodies import defect_of
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError, TooBigError
from phonehome_wire.limits import MAX_CRASH_RECORD_BYTES
from phonehome_wire.record import Crash, encode_crash
from phonehome_wire.registry import (
    CRASH_CRUMBS,
    CRASH_EXCEPTION,
    CRASH_FAULTS,
    CRASH_FRAMES,
    CRASH_FRAMES_OMITTED,
    CRASH_MESSAGE,
    CRASHKIND_EXCEPTION,
    RTYPE_CRASH,
)
from tests.shared.test_encoder import raised


def long_crash(frames=12, crumbs=16):
    """A crash as bad as the schema allows, in texts of the full length."""
    crash = Crash(CRASHKIND_EXCEPTION)
    crash.exception = "E" * 48
    crash.message = "m" * 96
    crash.frames = [(f"f{i:02}" + "x" * 45, 60000 + i, "n" * 48) for i in range(frames)]
    crash.crumbs = [(-5000 + i, f"c{i:02}" + "y" * 45, "t" * 48, 2**40) for i in range(crumbs)]
    crash.heap_free, crash.heap_largest, crash.reset_cause = 24000, 9216, 1
    crash.faults = [(524287 - i, 31) for i in range(10)]
    return crash


def encoded(crash, budget=MAX_CRASH_RECORD_BYTES):
    """The decoded body of a crash record."""
    enc = Encoder(bytearray(4096), 0)
    encode_crash(enc, 42, 7, 123456, crash, budget)
    record = decode(enc.buf[: enc.pos])
    assert record[:4] == [RTYPE_CRASH, 42, 7, 123456]
    assert defect_of(RTYPE_CRASH, record[4]) is None
    assert enc.pos <= budget
    return record[4]


def test_the_ladder_sheds_oldest_crumbs_then_outer_frames():
    """As room shrinks crumbs go from the oldest, then the outer frames, which are counted."""
    last = (16, 12)
    for budget in range(4096, 400, -7):
        body = encoded(long_crash(), budget)
        crumbs = body.get(CRASH_CRUMBS, [])
        frames = body.get(CRASH_FRAMES, [])
        assert (len(crumbs), len(frames)) <= last
        last = (len(crumbs), len(frames))
        assert len(frames) == 12 or not crumbs
        assert body.get(CRASH_FRAMES_OMITTED, 0) == 12 - len(frames)
        assert not crumbs or crumbs[-1][1][:3] == "c15"
        assert not frames or frames[-1][0][:3] == "f11"
    assert last[0] == 0 and 0 < last[1] < 12
    assert raised(TooBigError, encoded, long_crash(), 100).reason == "space"


def test_active_faults_are_told():
    """The newest eight go with a crash; what is no fault id spoils the body."""
    body = encoded(long_crash())
    assert body[CRASH_FAULTS] == [[524287 - i, 31] for i in range(2, 10)]
    for bad in ([[1, 32]], [[524288, 1]], [[1]], [], [1]):
        assert defect_of(RTYPE_CRASH, {0: 1, CRASH_FAULTS: bad}) is not None


def test_the_worst_crash_stays_under_the_hard_cap():
    """The largest crash, 2 KB and more unbounded, is written under the record's cap."""
    body = encoded(long_crash())
    assert len(body[CRASH_FRAMES]) > 6


def test_more_than_the_schema_allows_is_shed_too():
    """Deeper tracebacks and longer trails than the schema has room for are cut to it."""
    body = encoded(long_crash(frames=15, crumbs=20), 4096)
    assert (len(body[CRASH_FRAMES]), len(body[CRASH_CRUMBS])) == (12, 16)
    assert body[CRASH_FRAMES_OMITTED] == 3
    assert body[CRASH_FRAMES][0][0][:3] == "f03"
    crash = long_crash(frames=2)
    crash.omitted = 9
    assert encoded(crash)[CRASH_FRAMES_OMITTED] == 9


def test_long_texts_are_clipped_between_characters():
    """A text is cut between characters, and what UTF-8 cannot carry is replaced."""
    crash = Crash(CRASHKIND_EXCEPTION)
    crash.message = "\u00e9" * 60
    crash.exception = "x" + chr(0x1F600) * 12
    assert encoded(crash)[CRASH_MESSAGE] == "\u00e9" * 48
    assert encoded(crash)[CRASH_EXCEPTION] == "x" + chr(0x1F600) * 11
    crash.message = "a" + chr(0xD800) + "b"
    assert encoded(crash)[CRASH_MESSAGE] == "a?b"


def test_string_table_ids_stand_for_names():
    """Where a name may stand, so may its id."""
    crash = Crash(CRASHKIND_EXCEPTION)
    crash.exception = 3
    crash.frames = [(17, 42, 300)]
    assert encoded(crash) == {0: 1, 1: 3, 3: [[17, 42, 300]]}


def test_kinds_are_checked():
    """A kind outside 1..9 is a local mistake."""
    assert raised(EncodeError, encoded, Crash(0)).reason == "range"
    assert raised(EncodeError, encoded, Crash(10)).reason == "range"
