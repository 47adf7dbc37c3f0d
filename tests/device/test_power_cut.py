"""Power goes at every byte and every step of writing: what was stored is there, as it was."""

from phonehome.core.outbox import Outbox
from phonehome.core.recordhead import read_head
from phonehome.core.session import Session
from phonehome.ports.segments import Segments
from phonehome.ports.slots import Slots
from tests.fakes.flash import FakeFlash, PowerCut
from tests.fakes.records import crash, fault, log

INC = b"inc1"


class Story:
    """What a device did until the power went: what it tried, what it was told, what was acked."""

    def __init__(self, flash, inc=INC) -> None:
        self.flash = flash
        self.inc = inc
        self.tried = {}
        self.stored = []
        self.acked = []
        self.outbox = None

    def boot(self, quota_bytes=65536):
        self.outbox = Outbox(Segments(self.flash), self.inc, quota_bytes)

    def append(self, record):
        key = read_head(record)[1:]
        self.tried[key] = record
        if self.outbox.append(record):
            self.stored.append(key)

    def ack(self, count):
        inc, records = self.outbox.batch(count, 4000)
        keys = [read_head(record)[1:] for record in records]
        self.acked += keys
        self.outbox.remove(inc, keys)

    def refuse(self):
        inc, records = self.outbox.batch(1, 4000)
        boot, seq = read_head(records[0])[1:]
        self.acked.append((boot, seq))
        self.outbox.quarantine(inc, boot, seq, 1)


def tell(story):
    """Two boots with appends, acks, a refusal."""
    story.boot()
    for seq in range(5):
        story.append(fault(1, seq))
    story.ack(2)
    story.append(crash(1, 5))
    story.refuse()
    story.boot()
    story.append(fault(2, 0))
    story.append(log(2, 1))
    story.ack(3)
    story.ack(9)
    story.append(fault(2, 2))


def find_left(flash, inc=INC):
    """Everything a new boot can send, by id, until the queue is empty."""
    outbox = Outbox(Segments(flash), inc)
    left = {}
    for _ in range(1000):
        batch_inc, records = outbox.batch(1000, 100000)
        if not records:
            return left
        keys = [read_head(record)[1:] for record in records]
        for key, record in zip(keys, records):  # noqa: B905  # MicroPython has no strict
            assert batch_inc == inc
            assert left.setdefault(key, bytes(record)) == bytes(record)
        outbox.remove(batch_inc, keys)
    raise AssertionError("the queue does not empty")


def cut_everywhere(tell_it, check, files=None):
    """Tell a story once for every place at which the power can go; the number of places."""
    whole = FakeFlash(files, budget=1 << 30)
    tell_it(Story(whole))
    for budget in range(whole.spent + 1):
        story = Story(FakeFlash(files, budget=budget))
        try:  # noqa: SIM105  # MicroPython has no suppress
            tell_it(story)
        except PowerCut:
            pass
        check(story, FakeFlash(story.flash.files))
    return whole.spent


def check_nothing_lost(story, flash):
    """Every stored record is acknowledged or there; every record there was made."""
    left = find_left(flash)
    for key in story.stored:
        assert key in story.acked or key in left, key
    for key, record in left.items():
        assert story.tried[key] == record


def test_stored_records_survive_every_cut():
    """What was stored and not acknowledged is there after a cut at any byte; nothing else is."""
    assert cut_everywhere(tell, check_nothing_lost) > 400


def test_the_queue_works_after_every_cut():
    """Whatever a cut left behind, new records are stored and sent as on a clean flash."""

    def check(story, flash):
        outbox = Outbox(Segments(flash), INC)
        record = fault(3, 0)
        assert outbox.append(record)
        assert find_left(flash)[3, 0] == record
        assert [name for name in flash.names() if name.endswith(".seg")] == []

    cut_everywhere(tell, check)


def test_two_cuts_in_a_row():
    """A boot that mends what a cut left behind may be cut itself."""
    whole = FakeFlash(budget=1 << 30)
    tell(Story(whole))
    for budget in range(0, whole.spent, 13):
        story = Story(FakeFlash(budget=budget))
        try:  # noqa: SIM105
            tell(story)
        except PowerCut:
            pass
        for second in range(0, 40, 3):
            flash = FakeFlash(story.flash.files, budget=second)
            try:  # noqa: SIM105
                Outbox(Segments(flash), INC).append(fault(9, 9))
            except PowerCut:
                pass
            story.tried[9, 9] = fault(9, 9)
            check_nothing_lost(story, FakeFlash(flash.files))


def test_a_cut_state_is_the_old_or_the_new():
    """Whatever is left of a save, the state is the one before or the one that was saved."""
    first = FakeFlash()
    Slots(first, "state").save(b"one")
    for budget in range(60):
        flash = FakeFlash(first.files, budget=budget)
        is_saved = False
        try:
            slots = Slots(flash, "state")
            assert slots.load() == b"one"
            slots.save(b"two and longer")
            is_saved = True
        except PowerCut:
            pass
        state = Slots(FakeFlash(flash.files), "state").load()
        assert state in ((b"two and longer",) if is_saved else (b"one", b"two and longer"))


def test_a_boot_number_is_never_used_twice():
    """However often the power goes while booting, no two boots have the same identity."""
    counter = [0]

    def random_bytes(size):
        counter[0] += 1
        return counter[0].to_bytes(size, "little")

    for budget in range(160):
        used = set()
        flash = FakeFlash(budget=budget)
        for _ in range(4):
            try:
                session = Session(Slots(flash, "state"), random_bytes)
                session.begin()
                assert (session.inc, session.boot) not in used
                used.add((session.inc, session.boot))
                session.keep_floor(1700000000000)
            except PowerCut:
                pass
            flash = FakeFlash(flash.files, budget=budget)
