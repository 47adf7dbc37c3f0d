"""Shelved and chattering faults: what is told, what is counted, what survives a reboot."""

import sys

from phonehome.core.faults import CONFIRMED, HEALED
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome_wire import registry

KINDS = {
    registry.KIND_PENDING: "p",
    registry.KIND_CONFIRMED: "C",
    registry.KIND_HEALED: "h",
    registry.KIND_CLEARED: "x",
}
MINUTE_MS = 60000
HOUR_MS = 60 * MINUTE_MS


class Plant:
    """Two sensors with a fault each, sampled every second; `told` is a letter a transition."""

    def __init__(self, snapshot=None, **words):
        product = Product("plant")
        product.sensor("temp", "Cel", 0, 1000)
        product.sensor("other", "Cel", 0, 1000)
        product.fault("E1", 520192, 0, 2, "range", "temp", high=90, **words)
        product.fault("E2", 520193, 0, 2, "range", "other", high=90)
        self.readings = {"temp": 20, "other": 20}
        self.now_ms = 0
        self.told = ""
        self.counts = []
        readers = {
            "temp": lambda: self.readings["temp"],
            "other": lambda: self.readings["other"],
        }
        self.sampler = Sampler(product, readers, self.tell)
        if snapshot:
            self.sampler.restore(snapshot, 0)

    def tell(self, fault, kind, now_ms, frame):
        if fault.spec.code == "E1":
            self.told += KINDS[kind]
            self.counts.append(fault.occurrence)

    def run(self, seconds, temp, other=20):
        """Let time pass with these samples."""
        self.readings["temp"], self.readings["other"] = temp, other
        until_ms = self.now_ms + 1000 * seconds
        while self.now_ms < until_ms:
            self.now_ms = self.sampler.step(self.now_ms)

    def cycle(self, times, span_s=5):
        for _ in range(times):
            self.run(span_s, 95)
            self.run(span_s, 20)

    def reboot(self, **words):
        return Plant(self.sampler.snapshot(), **words)

    @property
    def fault(self):
        return self.sampler.faults[0]


def test_two_cycles_a_minute_are_told():
    """Chatter begins with the third; until then each transition is told."""
    plant = Plant()
    plant.cycle(2)
    plant.run(60, 20)
    plant.cycle(2)
    assert plant.told == "ChChChCh"
    assert not plant.sampler.silence.is_chattering(0)


def test_chatter_collapses_into_one_record():
    """From the third confirmation on nothing is told until a quiet minute; then the state."""
    plant = Plant()
    plant.cycle(20)
    assert plant.told == "ChChC"
    assert plant.sampler.silence.is_chattering(0)
    assert not plant.sampler.silence.is_chattering(1)
    plant.run(53, 20)
    assert plant.told == "ChChC"
    plant.run(3, 20)
    assert plant.told == "ChChCh"
    assert plant.counts == [1, 1, 2, 2, 3, 20]
    assert not plant.sampler.silence.is_chattering(0)
    plant.run(60, 95)
    assert plant.told == "ChChChC"


def test_chatter_that_ends_confirmed_tells_that():
    """The last record is the state at the end, with the count of all cycles."""
    plant = Plant()
    plant.cycle(10)
    plant.run(70, 95)
    assert plant.told == "ChChCC"
    assert plant.counts[-1] == 11
    assert plant.fault.state == CONFIRMED


def test_third_confirmation_that_stays_is_told_once():
    """Where nothing was withheld, the end of a chatter has nothing to tell."""
    plant = Plant()
    plant.cycle(2)
    plant.run(200, 95)
    assert plant.told == "ChChC"
    assert not plant.sampler.silence.is_chattering(0)


def test_hours_of_chatter_are_bounded():
    """An hour of a cycle every ten seconds is five records and one at the end."""
    plant = Plant()
    plant.cycle(360)
    plant.run(70, 20)
    assert plant.told == "ChChCh"
    assert plant.fault.occurrence == 126, "J1939 counts no further"


def test_pending_that_comes_and_goes_is_told_twice_a_minute():
    """A fault that is never confirmed does not fill the outbox, and its confirmation is told."""
    plant = Plant(on_delay_ms=6000)
    plant.cycle(50)
    assert plant.told == "pp"
    plant.run(10, 95)
    assert plant.told == "ppC"
    rare = Plant(on_delay_ms=6000)
    for _ in range(3):
        rare.cycle(1)
        rare.run(60, 20)
    assert rare.told == "ppp"


def test_what_is_quiet_costs_nothing():
    """A minute behind the last transition the module is dropped again."""
    plant = Plant()
    module = "phonehome.core.silence"
    plant.run(5, 20)
    assert not plant.sampler.has_silence
    plant.cycle(1)
    assert plant.sampler.has_silence
    plant.run(70, 20)
    assert not plant.sampler.has_silence
    assert module not in sys.modules


def test_shelved_fault_is_not_told():
    """Nothing is told while the shelf lasts, it ends by itself, and its end tells the state."""
    plant = Plant()
    assert plant.sampler.shelve("E1", HOUR_MS)
    assert plant.sampler.silence.shelved_ms(0) == HOUR_MS
    plant.run(1800, 95)
    assert plant.told == ""
    assert plant.fault.state == CONFIRMED
    assert 0 < plant.sampler.silence.shelved_ms(0) <= HOUR_MS // 2 + 1000
    plant.run(1802, 95)
    assert plant.told == "C"
    assert plant.sampler.silence.shelved_ms(0) == 0
    plant.run(5, 20)
    assert plant.told == "Ch"


def test_shelf_counts_and_tells_only_what_changed():
    """Occurrences go on; a shelf in which nothing changed ends without a word."""
    plant = Plant()
    plant.run(5, 95)
    plant.sampler.shelve("E1", 100000)
    plant.run(110, 95)
    assert plant.told == "C"
    plant.sampler.shelve("E1", 100000)
    plant.run(70, 20)
    plant.run(20, 95)
    plant.run(20, 20)
    assert plant.told == "Ch"
    assert plant.counts == [1, 2]


def test_shelf_is_of_one_fault():
    """The neighbour goes on telling, and a code that nobody has is answered."""
    plant = Plant()
    assert plant.sampler.shelve("E2", HOUR_MS)
    assert not plant.sampler.shelve("E9", HOUR_MS)
    plant.run(5, 95, other=95)
    assert plant.told == "C"
    assert plant.sampler.silence.shelved_ms(0) == 0


def test_shelf_is_bounded():
    """A week at most; what is no span is refused with the bounds."""
    plant = Plant()
    refused = 0
    for span_ms in (-1, 7 * 24 * HOUR_MS + 1):
        try:
            plant.sampler.shelve("E1", span_ms)
        except ValueError as error:
            refused += str(error).count("0..604800000")
    assert refused == 2
    assert plant.sampler.shelve("E1", 7 * 24 * HOUR_MS)


def test_shelf_can_be_ended():
    """A span of 0 ends it with the next step, and the state is told."""
    plant = Plant()
    plant.sampler.shelve("E1", HOUR_MS)
    plant.run(10, 95)
    plant.sampler.shelve("E1", 0)
    plant.run(2, 95)
    assert plant.told == "C"
    plant.sampler.shelve("E1", 0)
    plant.run(70, 95)
    assert plant.told == "C"


def test_clearing_ends_a_shelf():
    """Who clears a fault wants to hear of it again, beginning with the clearing."""
    plant = Plant()
    plant.run(5, 95)
    plant.sampler.shelve("E1", HOUR_MS)
    plant.run(5, 20)
    assert plant.sampler.clear(plant.now_ms, "E1") == 1
    plant.run(5, 95)
    assert plant.told == "CxC"
    assert plant.sampler.silence.shelved_ms(0) == 0


def test_shelf_survives_a_reboot():
    """It goes on behind the reboot, a little shorter, and then ends by itself."""
    plant = Plant()
    plant.sampler.shelve("E1", 10 * HOUR_MS)
    plant.run(10, 95)
    again = plant.reboot()
    left_ms = again.sampler.silence.shelved_ms(0)
    assert 8 * HOUR_MS < left_ms < 10 * HOUR_MS
    assert (again.fault.state, again.fault.occurrence) == (CONFIRMED, 1)
    again.run(10, 95)
    assert again.told == ""
    again.sampler.shelve("E1", 0)
    again.run(2, 95)
    assert again.told == "C", "what was withheld before the reboot is told at the end"


def test_shelf_ends_although_the_board_keeps_rebooting():
    """Each reboot takes its part, so that a boot loop is not silent for ever."""
    plant = Plant()
    plant.sampler.shelve("E1", 7 * 24 * HOUR_MS)
    boots = 0
    while plant.sampler.silence.shelved_ms(0):
        plant = plant.reboot()
        boots += 1
    assert 20 < boots < 80
    plant.run(5, 95)
    assert plant.told == "C"


def test_chatter_survives_a_reboot():
    """The state that was withheld before a reboot is told when a minute was quiet behind it."""
    plant = Plant()
    plant.cycle(5)
    assert (plant.fault.state, plant.told) == (HEALED, "ChChC")
    again = plant.reboot()
    assert again.sampler.silence.is_chattering(0)
    again.run(70, 20)
    assert (again.told, again.counts) == ("h", [5])
    assert len(again.sampler.snapshot()) == len(Plant().sampler.snapshot())


def test_a_snapshot_without_silences_is_the_old_one():
    """A board that has nothing shelved writes what every agent before this one could read."""
    plant = Plant()
    plant.run(5, 95)
    assert plant.sampler.snapshot() == plant.sampler.faults.snapshot()


def test_a_damaged_snapshot_is_refused():
    """What was cut is a ValueError, or the table of fewer faults, and nothing else."""
    plant = Plant()
    plant.sampler.shelve("E1", HOUR_MS)
    plant.run(2, 95)
    good = plant.sampler.snapshot()
    refused = 0
    for end in range(1, len(good)):
        try:
            Plant(good[:end])
        except ValueError:
            refused += 1
    assert refused == len(good) - 3, "a table of no fault and one of a single fault are whole"
