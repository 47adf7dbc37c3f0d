"""What waits to be sent is known while the outbox itself is not loaded, and nothing is lost."""

from phonehome.core.recordhead import read_head
from phonehome.core.waiting import Waiting
from phonehome.ports.segments import Segments
from tests.fakes.flash import FakeFlash
from tests.fakes.records import fault

INC = b"inc1"


class Shelf:
    """A Waiting on some flash, and how often its outbox was loaded."""

    def __init__(self, files=None) -> None:
        self.flash = FakeFlash(files)
        self.loads = 0
        self.dropped = []
        self.waiting = Waiting(self.make_segments, INC, 65536, self.note_drop)

    def make_segments(self):
        self.loads += 1
        return Segments(self.flash)

    def note_drop(self, kind, count):
        self.dropped.append(kind)


def keys(records):
    """(boot, seq) of records."""
    return [read_head(record)[1:] for record in records]


def test_numbers_need_no_outbox():
    """Depth, urgency and drops are answered from what was noted at the last close."""
    shelf = Shelf()
    shelf.waiting.open().append(fault(1, 0), is_urgent=True)
    shelf.waiting.open().drop("log", 2)
    shelf.waiting.close()
    loads = shelf.loads
    for _ in range(3):
        waiting = shelf.waiting
        assert (waiting.depth, waiting.has_urgent, waiting.dropped) == (1, True, 2)
        waiting.close()
    assert shelf.loads == loads
    assert shelf.dropped == ["log"]


def test_an_outbox_comes_back_as_it_went():
    """Urgent, acknowledged and set aside records are so after any number of closes."""
    shelf = Shelf()
    waiting = shelf.waiting
    for seq in range(6):
        waiting.open().append(fault(1, seq), is_urgent=seq == 4)
        waiting.close()
    waiting.open().remove(INC, [(1, 2)])
    waiting.open().set_aside(INC, 1, 0)
    waiting.close()
    assert waiting.depth == 5
    assert keys(waiting.open().batch(64, 4000)[1]) == [(1, 4), (1, 1), (1, 3), (1, 5)]
    waiting.open().remove(INC, [(1, 1), (1, 3), (1, 4), (1, 5)])
    waiting.close()
    assert keys(waiting.open().batch(64, 4000)[1]) == [(1, 0)]
    assert waiting.has_urgent is False


def test_what_an_earlier_boot_left_is_counted_at_once():
    """Records and damage of an earlier boot are known before anybody asks for a record."""
    earlier = Shelf()
    for seq in range(3):
        earlier.waiting.open().append(fault(1, seq))
    assert Shelf(earlier.flash.files).waiting.depth == 3
    name = earlier.flash.names()[0]
    earlier.flash.files[name] = earlier.flash.files[name][:-1]
    later = Shelf(earlier.flash.files)
    assert (later.waiting.depth, later.waiting.dropped) == (2, 1)


def test_a_new_incarnation_begins_new_files():
    """Records behind a change of incarnation belong to the new one, also over a close."""
    waiting = Shelf().waiting
    waiting.open().append(fault(1, 0))
    waiting.close()
    waiting.inc = b"inc2"
    waiting.close()
    waiting.open().append(fault(1, 0))
    assert (waiting.inc, waiting.depth) == (b"inc2", 2)
    assert waiting.open().batch(64, 4000)[0] == INC
    waiting.open().remove(INC, [(1, 0)])
    waiting.close()
    assert waiting.open().batch(64, 4000)[0] == b"inc2"
