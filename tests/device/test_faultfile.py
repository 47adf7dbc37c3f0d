"""The file of fault states and the outbox: a power cut between the two tells nothing twice."""

from phonehome.core.faultfile import FILE, restore, save, snapshot_in
from phonehome.core.faults import CLEARED, CONFIRMED, HEALED, OK
from phonehome.core.outbox import Outbox
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome.ports.segments import Segments
from phonehome_wire import registry as r
from phonehome_wire.decoder import decode
from tests.fakes.flash import FakeFlash, PowerCut
from tests.fakes.records import fault

INC = b"inc1"
GOOD, BAD = 20, 95
STORY = (GOOD, BAD, BAD, GOOD, GOOD, BAD, GOOD)


class Life:
    """One boot of what decides about faults, on a flash; it numbers its records like an agent."""

    def __init__(self, flash, boot, outbox_type=Outbox):
        self.inc, self.boot, self.next_seq = INC, boot, 0
        self.flash, self.level = flash, GOOD
        self.outbox = outbox_type(Segments(flash), INC)
        product = Product("tank")
        product.sensor("level", "mm", 0, 1000)
        product.fault("E1", 520192, 0, "error", "range", "level", high=90)
        product.fault("E2", 520193, 0, "error", "range", "level", low=-5)
        self.sampler = Sampler(product, {"level": lambda: self.level}, self.tell)
        self.now_ms = 0
        restore(self.sampler, flash, self, self.outbox, 0)

    def tell(self, state, kind, now_ms, frame):
        """A record, and then the states, as the agent does it."""
        record = told(self.boot, self.next_seq, kind, state.occurrence, state.spec.spn)
        self.next_seq += 1
        self.outbox.append(record)
        save(self.flash, self, self.sampler.snapshot())

    def see(self, level):
        """A sample."""
        self.level = level
        self.sampler.step(self.now_ms)
        self.now_ms += 1000


def told(boot, seq, kind, occurrence=1, spn=520192):
    """The record of a transition."""
    return fault(boot, seq, spn, kind, fmi=0, occurrence=occurrence)


def kinds(outbox):
    """What was told of E1, in order."""
    return [decode(record)[4][r.FAULT_KIND] for record in outbox.live_records()]


def live(flash, boot, story, outbox_type):
    """A life until the power goes: how much of the story it saw whole, and the life."""
    life, seen = None, 0
    try:
        life = Life(flash, boot, outbox_type)
        for level in story:
            life.see(level)
            seen += 1
    except PowerCut:
        pass
    return seen, life


def tell_after_cuts(outbox_type=Outbox):
    """What is told over two lives, for a cut at every byte of the first."""
    whole = FakeFlash()
    live(whole, 1, STORY, Outbox)
    found = []
    for budget in range(whole.spent):
        flash = FakeFlash({}, budget)
        seen, _ = live(flash, 1, STORY, outbox_type)
        _, life = live(FakeFlash(flash.files), 2, STORY[seen:], outbox_type)
        found.append(kinds(life.outbox))
    return found


class Unasked(Outbox):
    """An outbox as before the file had a mark: nobody asks it."""

    def records_from(self, inc, boot, seq):
        return []


def test_nothing_is_told_twice():
    """Cut at any byte, the next boot goes on with the state that was told: in turn, each once."""
    turns = [r.KIND_CONFIRMED, r.KIND_HEALED, r.KIND_CONFIRMED, r.KIND_HEALED]
    for found in tell_after_cuts():
        assert found == turns[: len(found)]
        assert len(found) >= 3, "at most the one that was being written is gone"


def test_without_the_outbox_it_would_be():
    """The control: a start that knows the file alone tells a fault again at some of the cuts."""
    doubled = [found for found in tell_after_cuts(Unasked) if found[:2] == [0, 0]]
    assert doubled


def start(records, states=b"", mark=(1, 0)):
    """(life, flash) of boot 9 on a flash with these records, and a file of this mark."""
    flash = FakeFlash()
    outbox = Outbox(Segments(flash), INC)
    for record in records:
        outbox.append(record)
    if states:
        before = Life(FakeFlash(), *mark[:1])
        before.next_seq = mark[1]
        save(flash, before, states)
    return Life(flash, 9), flash


def test_every_transition_has_its_state():
    """Confirmed, healed and cleared, with the count of the record; a pending one says nothing."""
    for kind, state in (
        (r.KIND_CONFIRMED, CONFIRMED),
        (r.KIND_HEALED, HEALED),
        (r.KIND_CLEARED, CLEARED),
        (r.KIND_PENDING, OK),
    ):
        life, _ = start([told(3, 5, kind, occurrence=7)])
        faults = life.sampler.faults
        assert (faults.state(0), faults.state(1)) == (state, OK)
        assert faults.occurrence(0) == (0 if kind == r.KIND_PENDING else 7)


def test_only_what_is_newer_counts():
    """The file knows what came before its mark, whatever still waits of that."""
    confirmed, healed = told(3, 5, r.KIND_CONFIRMED), told(3, 6, r.KIND_HEALED)
    fresh = Life(FakeFlash(), 1).sampler.snapshot()
    for mark, state in (((3, 7), OK), ((3, 6), HEALED), ((3, 5), HEALED), ((4, 0), OK)):
        assert start([confirmed, healed], fresh, mark)[0].sampler.faults.state(0) == state
    assert start([confirmed], fresh, (3, 5))[0].sampler.faults.state(0) == CONFIRMED


def test_it_is_on_flash_before_the_record_can_leave():
    """Acknowledged and removed right after the start: the boot after that still knows."""
    life, flash = start([told(3, 5, r.KIND_CONFIRMED)])
    life.outbox.remove(INC, [(3, 5)])
    assert Life(flash, 10).sampler.faults.state(0) == CONFIRMED


def test_a_fault_that_the_file_does_not_know():
    """A product that has gained a fault has it told once, too."""
    states = Life(FakeFlash(), 1).sampler.snapshot()[:7]  # of E1 alone
    life, _ = start([told(3, 5, r.KIND_CONFIRMED, spn=520193)], states, (3, 0))
    assert (life.sampler.faults.state(0), life.sampler.faults.state(1)) == (OK, CONFIRMED)


def test_a_quiet_start_writes_nothing():
    """Without a newer record the file is as it was."""
    _, flash = start([told(3, 5, r.KIND_CONFIRMED)])
    spent, data = flash.spent, flash.read(FILE)
    assert Life(flash, 10).sampler.faults.state(0) == CONFIRMED
    assert (flash.spent, flash.read(FILE)) == (spent, data)


def test_a_full_flash_finds_it_out_again():
    """What cannot be written counts for this boot, and for the next."""
    _, flash = start([])
    flash.files = start([told(3, 5, r.KIND_CONFIRMED)])[1].files
    flash.files.pop(FILE)
    flash.is_read_only = True
    for boot in (10, 11):
        assert Life(flash, boot).sampler.faults.state(0) == CONFIRMED


def test_files_of_the_version_before_are_read():
    """A file that is a snapshot and nothing more counts as it is; one that is nothing is gone."""
    bad = Life(FakeFlash(), 1)
    bad.see(BAD)
    states = bad.sampler.snapshot()
    flash = FakeFlash({FILE: states})
    assert Life(flash, 2).sampler.faults.state(0) == CONFIRMED
    assert snapshot_in(states) == states
    flash = FakeFlash({FILE: b"\x09nonsense"})
    assert Life(flash, 2).sampler.faults.state(0) == OK
    assert flash.read(FILE) == b""


def test_a_shelf_stands_before_the_states():
    """The states are found behind the silences of a snapshot."""
    life = Life(FakeFlash(), 1)
    life.sampler.shelve("E2", 7_200_000)
    flash = life.flash
    save(flash, life, life.sampler.snapshot())
    outbox = Outbox(Segments(flash), INC)
    outbox.append(told(1, 0, r.KIND_CONFIRMED))
    after = Life(flash, 2)
    assert after.sampler.faults.state(0) == CONFIRMED
    assert after.sampler.silence.shelved_ms(1) > 0
