"""The watchdog of a board: its longest time, its pause, its timer."""

from phonehome.core import resets
from phonehome.ports import watchdog
from phonehome.ports.watchdog import Watchdog
from phonehome_wire import registry

MARK = 0x4005801C  # the RP2040's
TIMED_OUT = 0x6AB73121


class Machine:
    """What firmware offers: WDT, Timer and the registers, in one."""

    def __init__(self):
        watchdog.was_bitten[0] = None  # a boot of its own
        self.WDT, self.Timer = self.start, Timer(self)
        self.mem32 = {MARK: 0, MARK + 0x80000: 0, 0x40058008: 0x2, 0x40064008: 0}
        self.fed = 0
        self.timers = []

    def start(self, timeout):
        self.timeout_ms = timeout
        self.mem32[MARK] = TIMED_OUT  # as the RP2's firmware does: a mark, should it bite
        return self

    def feed(self):
        self.fed += 1


class Timer:
    """The class of timers, and each of them."""

    PERIODIC = 1

    def __init__(self, machine):
        self._machine = machine

    def __call__(self, number, mode, period, callback):
        self._machine.timers.append((number, period, callback))
        return self

    def deinit(self):
        self._machine.timers.pop()


def test_the_time_out_is_one_that_the_chip_can():
    """What the settings want is cut to the longest of the chip."""
    for chip, wanted_ms, given_ms in (
        ("RP2040", 60000, 8388),
        ("RP2350", 60000, 16777),
        ("ESP32", 60000, 60000),
        ("RP2040", 8000, 8000),
    ):
        machine = Machine()
        dog = Watchdog(machine, "rp2", chip, wanted_ms)
        assert dog.timeout_ms == given_ms
        dog.start()
        assert machine.timeout_ms == given_ms


def test_only_a_dog_on_duty_is_fed():
    """Before the start and behind a pause a feed is nothing."""
    machine = Machine()
    dog = Watchdog(machine, "rp2", "RP2040", 8000)
    dog.feed()
    assert machine.fed == 0
    dog.start()
    dog.feed()
    assert machine.fed == 1
    dog.pause()
    dog.feed()
    assert (machine.fed, dog.is_on) == (1, False)


def test_a_pause_is_a_bit_of_the_rp2():
    """The enable bit is cleared at the alias of its register; other chips have no pause."""
    for chip, register in (("RP2040", 0x4005B000), ("RP2350", 0x400DB000)):
        machine = Machine()
        dog = Watchdog(machine, "rp2", chip, 8000)
        dog.start()
        dog.pause()
        assert machine.mem32[register] == 1 << 30
    machine = Machine()
    untouched = dict(machine.mem32)
    dog = Watchdog(machine, "esp32", "ESP32", 8000)
    dog.start()
    dog.pause()
    del machine.mem32[MARK], untouched[MARK]
    assert (machine.mem32, dog.is_on) == (untouched, True)


def cause_of(machine):
    """Why the board started, as an agent finds out behind the start of its watchdog."""
    return resets.read_registers("RP2040", machine.mem32, watchdog.was_bitten[0])


def test_a_start_of_the_dog_is_no_bite():
    """Who asks for the reason of the reset behind the start hears what was there before it."""
    machine = Machine()
    dog = Watchdog(machine, "rp2", "RP2040", 8000)
    dog.start()
    assert cause_of(machine) == registry.RESET_COMMANDED
    dog.start()
    assert (cause_of(machine), machine.mem32[MARK]) == (registry.RESET_COMMANDED, TIMED_OUT)


def test_a_bite_is_one_behind_the_start_of_the_next_dog():
    """The mark of the boot before is remembered, and the new one is left for the next boot."""
    machine = Machine()
    machine.mem32[MARK] = TIMED_OUT
    dog = Watchdog(machine, "rp2", "RP2040", 8000)
    dog.start()
    assert (cause_of(machine), machine.mem32[MARK]) == (registry.RESET_WATCHDOG, TIMED_OUT)


def test_a_dog_that_sleeps_leaves_no_mark():
    """Behind Ctrl-C a program that is started by hand finds no bite that never was."""
    machine = Machine()
    dog = Watchdog(machine, "rp2", "RP2040", 8000)
    dog.start()
    dog.pause()
    watchdog.was_bitten[0] = None  # a soft reset forgets it
    assert cause_of(machine) == registry.RESET_COMMANDED


def test_one_timer_at_a_time():
    """A new call takes the place of the one before; 0 ends it. Each chip has a timer for it."""
    for platform, number in (("rp2", -1), ("esp32", 1)):
        machine = Machine()
        dog = Watchdog(machine, platform, "", 8000)
        dog.every(1000, print)
        dog.every(500, print)
        assert machine.timers == [(number, 500, print)]
        dog.every(0, None)
        assert machine.timers == []
