"""Segment files: every good record is read whatever happened around it."""

from phonehome.ports.segments import Segments
from tests.fakes.flash import FakeFlash

INC = b"inc1"
RECORDS = [b"first record", b"second", b"third and last record"]


def make_segment():
    """A segment with three records."""
    flash = FakeFlash()
    segments = Segments(flash)
    segments.create(1, INC, RECORDS[0])
    for record in RECORDS[1:]:
        segments.append(1, INC, record)
    return flash, segments


def read(flash, number=1):
    """Incarnation, records and gaps of a segment."""
    segment = Segments(flash).load(number)
    return segment.inc, [bytes(record) for record in segment.records], segment.gaps


def test_reads_what_was_written():
    """A whole segment gives its incarnation and its records, without a gap."""
    flash, segments = make_segment()
    assert segments.numbers() == [1]
    assert read(flash) == (INC, RECORDS, 0)
    assert segments.load(1).size == len(flash.files["00000001.seg"])


def test_a_flipped_bit_costs_one_record():
    """Any single flipped bit behind the header leaves all other records readable."""
    flash, _ = make_segment()
    whole = flash.files["00000001.seg"]
    for at in range(16, len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            inc, records, gaps = read(FakeFlash({"00000001.seg": damaged}))
            assert inc == INC
            assert len(records) == 2 and gaps == 1
            assert [r for r in RECORDS if r in records] == records


def test_a_damaged_header_hides_all():
    """Without a good header the incarnation is not known, so nothing is taken from the file."""
    flash, _ = make_segment()
    for at in range(16):
        damaged = bytearray(flash.files["00000001.seg"])
        damaged[at] ^= 1
        assert read(FakeFlash({"00000001.seg": damaged})) == (None, [], 1)


def test_frames_of_another_segment_are_not_taken():
    """A frame that belongs to another segment or incarnation does not check in this one."""
    flash, segments = make_segment()
    segments.create(2, INC, b"of the second")
    mixed = flash.files["00000001.seg"] + flash.files["00000002.seg"][16:]
    inc, records, gaps = read(FakeFlash({"00000001.seg": mixed}))
    assert (inc, records, gaps) == (INC, RECORDS, 1)


def test_rewriting_keeps_the_rest():
    """A rewritten segment has exactly the records it was given and can be appended to."""
    flash, segments = make_segment()
    segments.rewrite(1, INC, RECORDS[1:])
    segments.append(1, INC, b"new")
    assert read(flash) == (INC, [RECORDS[1], RECORDS[2], b"new"], 0)


def test_of_nothing_nothing_is_missing():
    """A file of which only the name was written, or that is gone, is no lost record."""
    assert read(FakeFlash({"00000001.seg": b""})) == (None, [], 0)
    assert read(FakeFlash()) == (None, [], 0)
    assert read(FakeFlash({"00000001.seg": b"P"})) == (None, [], 1)
