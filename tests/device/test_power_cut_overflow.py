# cpython-only
"""Power goes at every byte while the full outbox makes room: tens of thousands of cuts."""

from phonehome.core.outbox import Outbox
from phonehome.ports.segments import Segments
from tests.device.test_power_cut import INC, cut_everywhere, find_left
from tests.fakes.flash import FakeFlash
from tests.fakes.records import crash, fault, log

QUOTA_BYTES = 8192


def nearly_full():
    """An outbox of two segments in which the next records do not fit: crashes, faults, logs."""
    flash = FakeFlash()
    outbox = Outbox(Segments(flash), INC, QUOTA_BYTES)
    outbox.append(crash(1, 0, "m" * 90))
    seq = 1
    while sum(map(len, flash.files.values())) < 8060:
        outbox.append(log(1, seq, "l" * 40) if seq % 3 == 0 else fault(1, seq, 520200 + seq % 5))
        seq += 1
    assert not outbox.drops
    return flash.files, seq


def test_making_room_survives_every_cut():
    """While logs and repetitions are given up, no crash, first or last transition is lost."""
    files, first = nearly_full()

    def tell(story):
        story.boot(QUOTA_BYTES)
        for seq in range(first, first + 6):
            story.append(fault(1, seq, 520200 + seq % 5))

    def check(story, flash):
        left = find_left(flash)
        assert (1, 0) in left
        assert {(1, seq) for seq in (1, 2, 4, 5)} <= set(left)
        for key in story.stored[-4:]:
            assert key in left
        for key, record in story.tried.items():
            assert left.get(key, record) == record

    assert cut_everywhere(tell, check, files) > 3000
