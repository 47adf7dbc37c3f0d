"""How boards sleep, without one: what is kept where, and how often it is found again."""

from phonehome.ports import sleep
from tests.fakes.battery import make_folder


class FakeTime:
    """What the module asks of `time`."""

    def __init__(self):
        self.now_ms = 1000

    def ticks_ms(self):
        return self.now_ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_ms(self, span_ms):
        self.now_ms += span_ms

    def time_ns(self):
        return self.now_ms * 1000000


class FakeMachine:
    """An ESP32 or an RP2, as far as sleeping goes."""

    DEEPSLEEP_RESET = 4

    def __init__(self, clock, cause=4):
        self.kept = b""
        self.cause = cause
        self.slept = []
        self._clock = clock

    def RTC(self):  # noqa: N802 - as in machine
        return self

    def memory(self, data=None):
        if data is None:
            return self.kept
        assert len(data) <= 2048
        self.kept = bytes(data)
        return None

    def reset_cause(self):
        return self.cause

    def deepsleep(self, wait_ms):
        self.slept.append(wait_ms)

    def lightsleep(self, wait_ms):
        self.slept.append(wait_ms)
        self._clock.now_ms += min(wait_ms, 2500000)


def with_fake_time(test):
    """Run a test with the module's clock in its hand."""
    real, clock = sleep.time, FakeTime()
    sleep.time = clock
    try:
        test(clock)
    finally:
        sleep.time = real


def _check_deep_sleep(clock):
    machine = FakeMachine(clock)
    machine.kept = b"box" + bytes(125)
    way = sleep.DeepSleep(machine)
    assert way.load() == b""
    way.sleep(60000, b"kept" * 480)
    assert machine.slept == [60000]
    assert machine.kept[:3] == b"box"
    assert sleep.DeepSleep(machine).load() == b"kept" * 480
    assert sleep.DeepSleep(machine).load() == b""
    assert machine.kept == b"box" + bytes(125)


def test_deep_sleep_keeps_behind_the_black_box():
    """Its 128 bytes stay; what is behind them is found once, and fills the memory."""
    with_fake_time(_check_deep_sleep)


def _check_other_reset(clock):
    machine = FakeMachine(clock)
    sleep.DeepSleep(machine).sleep(60000, b"kept")
    assert machine.kept == bytes(128) + b"kept"
    machine.cause = 1
    assert sleep.DeepSleep(machine).load() == b""
    machine.cause = 4
    assert sleep.DeepSleep(machine).load() == b""


def test_another_reset_finds_nothing():
    """Not even the next deep sleep does: numbers may have been used since."""
    with_fake_time(_check_other_reset)


def _check_light_sleep(clock):
    machine = FakeMachine(clock)
    way = sleep.LightSleep(machine)
    clock.now_ms += 700
    assert way.awake_ms() == 700
    way.sleep(7200000, b"")
    assert machine.slept == [3600000, 3600000, 2200000]
    assert way.awake_ms() == 0


def test_light_sleep_sleeps_it_all():
    """In parts that the alarm can count, and again when something woke it early."""
    with_fake_time(_check_light_sleep)


def _check_process_end(_clock):
    folder = make_folder("process")
    way = sleep.ProcessEnd(folder + "/data")
    try:
        way.sleep(60000, b"kept")
    except SystemExit as end:
        code = end.args[0]
    assert code == sleep.EXIT_ASLEEP == 10
    assert sleep.ProcessEnd(folder + "/data").load() == b"kept"
    assert sleep.ProcessEnd(folder + "/data").load() == b""


def test_a_program_ends_and_leaves_a_file():
    """Its exit code says that it sleeps; the file is found once."""
    with_fake_time(_check_process_end)
