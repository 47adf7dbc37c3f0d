"""What a board runs that starts again for each wake: one wake, what it cost, and a reset.

A board of the RP2 has no memory that stays like the ESP32's; a file stands for it, and neither
reading nor writing it is counted. Prints lines `NAME VALUE`, times in microseconds.
"""

import sys
import time

from unlinked import NoLink, tell

_BEGUN = time.ticks_us()  # what comes before, the firmware's own start, is not counted

from phonehome.ports.sleep import DeepSleep  # noqa: E402  # after the clock was read
from phonehome.sleeper import Sleeper  # noqa: E402

_IMPORTED = time.ticks_us()
_FILE = "/rtc.bin"
_FLUSH_MS = 100
_ASLEEP_MS = 1000


class Chip:
    """An ESP32's `machine` on another board; `memory` keeps what it is given in a file."""

    DEEPSLEEP_RESET = 4

    def __init__(self):
        self.spent_us = 0

    def RTC(self):  # noqa: N802  # as in machine
        """The clock that has the memory."""
        return self

    def memory(self, data=None):
        """Read or write all of it."""
        begun = time.ticks_us()
        try:
            return self._read() if data is None else self._write(data)
        finally:
            self.spent_us += time.ticks_diff(time.ticks_us(), begun)

    def reset_cause(self):
        """It always was a deep sleep."""
        return self.DEEPSLEEP_RESET

    def WDT(self, timeout):  # noqa: N802  # as in machine
        """No watchdog: the emulator's own is the RP2's, which ends sooner."""

    def deepsleep(self, _wait_ms):
        """Tell what the wake cost, and reset."""
        spent_us = time.ticks_diff(time.ticks_us(), _BEGUN) - self.spent_us
        tell("import_us", time.ticks_diff(_IMPORTED, _BEGUN))
        tell("awake_us", spent_us)
        tell("kept_bytes", len(self._read()))
        ours = [name for name in sys.modules if name.startswith("phonehome")]
        tell("modules", len(ours))
        tell("is_silent", int("phonehome.voice" not in ours))
        import machine

        print("reset")
        time.sleep_ms(_FLUSH_MS)  # the line is still on its way
        machine.deepsleep(_ASLEEP_MS)

    def _read(self):
        try:
            with open(_FILE, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def _write(self, data):
        with open(_FILE, "wb") as file:
            file.write(data)


class Wall(DeepSleep):
    """Deep sleep by a clock of which the host says how late it is."""

    def __init__(self, wall_ms):
        super().__init__(Chip())
        self._wall_ms = wall_ms

    def wall_ms(self):
        """What the host says, and on."""
        return self._wall_ms + self.ticks() - self.begun_ms

    begun_ms = time.ticks_ms()


def wake(value, wall_ms, period_s=60):
    """Be awake once: the first sensor reads `value`, the others 3."""
    sleeper = Sleeper(
        "/product.ph",
        "/phonehome.json",
        period_s=period_s,
        sleep=Wall(wall_ms),
        on_event=tell_event,
        link=NoLink,
    )
    for index, channel in enumerate(sleeper.product.channels):
        sleeper.sensor(channel.name, lambda index=index: 3 if index else value)
    sleeper.run()


def wake_lightly(wakes):
    """Wake so often with light sleeps between, as a program that goes on; tell the last one."""
    from phonehome.ports.sleep import find_sleep

    sleeper = Sleeper("/product.ph", "/phonehome.json", sleep=find_sleep({}), link=NoLink)
    for index, channel in enumerate(sleeper.product.channels):
        sleeper.sensor(channel.name, lambda index=index: 3 if index else -18)
    for _ in range(wakes):
        begun = time.ticks_us()
        wait_ms = sleeper.wake()
        spent_us = time.ticks_diff(time.ticks_us(), begun)
        sleeper.fall_asleep(wait_ms)
    tell("light_us", spent_us)


def tell_event(name, **facts):
    """The events that a test looks for."""
    if name in ("transition", "asleep", "boot"):
        tell(name, facts)
