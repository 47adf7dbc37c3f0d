"""How this board sleeps, and what stays while it does.

ESP32: deep sleep; RTC memory and the RTC's clock stay, the program starts again. RP2 and others:
light sleep, in which RAM stays and the program goes on; the RP2's deep sleep is that and a reset,
so it would lose RAM for nothing. A computer: the program ends with EXIT_ASLEEP and a file.
"""

import sys
import time

from phonehome_wire.compat import const

EXIT_ASLEEP = const(10)
_BOX_BYTES = const(128)  # at the beginning of RTC memory: the black box of the agent
_RTC_BYTES = const(2048)
_FILE_BYTES = const(65536)
_LONGEST_MS = const(3600000)  # the RP2's alarm ends at 71 minutes
_FILE = "asleep.bin"


def find_sleep(config):
    """The way of this board; of `config`, a dict or a path, a computer needs the data folder."""
    machine = _maybe_machine()
    if sys.platform == "esp32":
        return DeepSleep(machine)
    if hasattr(machine, "lightsleep"):
        return LightSleep(machine)
    if not isinstance(config, dict):
        import json

        with open(config) as file:
            config = json.load(file)
    return ProcessEnd(config.get("data", "phonehome-data"))


class LightSleep:
    """RAM stays: `sleep` comes back, and nothing has to be kept."""

    keeps_memory = True
    room = 0

    def __init__(self, machine) -> None:
        self._machine = machine
        self._timer = None
        self.ticks = time.ticks_ms
        self.elapsed = time.ticks_diff
        self.pause = time.sleep_ms
        self._woken = self.ticks()

    def load(self) -> bytes:
        """Nothing: RAM is what stays."""
        return b""

    def wall_ms(self) -> int:
        """Not needed: the ticks go on."""
        return 0

    def awake_ms(self) -> int:
        """How long it has been awake."""
        span_ms: int = self.elapsed(self.ticks(), self._woken)
        return span_ms

    def guard(self, span_ms: int) -> bool:
        """Reset the board unless it is let go of in time: a call of the firmware may hang."""
        reset = self._machine.reset
        self._timer = self._machine.Timer(-1)
        self._timer.init(
            mode=self._machine.Timer.ONE_SHOT, period=span_ms, callback=lambda _: reset()
        )
        return True

    def let_go(self) -> None:
        """End the guard."""
        self._timer.deinit()

    def sleep(self, wait_ms: int, _kept: bytes) -> None:
        """Sleep; a board with a radio that has something to say wakes early and sleeps again."""
        begun = self.ticks()
        left_ms = wait_ms
        while left_ms > 0:
            self._machine.lightsleep(min(left_ms, _LONGEST_MS))
            left_ms = wait_ms - self.elapsed(self.ticks(), begun)
        self._woken = self.ticks()


class DeepSleep:
    """The ESP32: the program starts again with what lies behind the black box in RTC memory."""

    keeps_memory = False
    room = _RTC_BYTES - _BOX_BYTES

    def __init__(self, machine) -> None:
        self._machine = machine
        self._memory = machine.RTC().memory
        self.ticks = time.ticks_ms
        self.elapsed = time.ticks_diff
        self.pause = time.sleep_ms

    def load(self) -> bytes:
        """What was kept, once: a wake that ends otherwise than by `sleep` must not find it again.

        b"" when it was no deep sleep that ended.
        """
        memory = self._memory()
        kept = memory[_BOX_BYTES:]
        if kept:
            self._memory(memory[:_BOX_BYTES])
        was_asleep = self._machine.reset_cause() == self._machine.DEEPSLEEP_RESET
        return kept if was_asleep else b""

    def wall_ms(self) -> int:
        """A clock that goes on while the board sleeps."""
        return time.time_ns() // 1000000

    def awake_ms(self) -> int:
        """How long it has been awake: its ticks begin with the boot."""
        span_ms: int = self.ticks()
        return span_ms

    def guard(self, span_ms: int) -> bool:
        """Let the watchdog reset the board in span_ms; a deep sleep ends it."""
        self._machine.WDT(timeout=span_ms)
        return True

    def let_go(self) -> None:
        """Nothing: this watchdog cannot be stopped, and the sleep comes before its time."""

    def sleep(self, wait_ms: int, kept: bytes) -> None:
        """Sleep; the program does not come back."""
        box = self._memory()[:_BOX_BYTES]
        self._memory(box + bytes(_BOX_BYTES - len(box)) + kept)
        self._machine.deepsleep(wait_ms)


class ProcessEnd:
    """A computer: what is kept lies in a file, for whoever starts the program again."""

    keeps_memory = False
    room = _FILE_BYTES

    def __init__(self, folder: str) -> None:
        from .files import Folder

        self._folder = Folder(folder)
        self.ticks = time.ticks_ms
        self.elapsed = time.ticks_diff
        self.pause = time.sleep_ms
        self._woken = self.ticks()

    def load(self) -> bytes:
        """What was kept, once."""
        kept = self._folder.read(_FILE)
        if kept:
            self._folder.remove(_FILE)
        return kept

    def wall_ms(self) -> int:
        """A clock that goes on while the program is not running."""
        return time.time_ns() // 1000000

    def awake_ms(self) -> int:
        """How long the program has been running."""
        span_ms: int = self.elapsed(self.ticks(), self._woken)
        return span_ms

    def guard(self, _span_ms: int) -> bool:
        """None: whoever starts the program can end it."""
        return False

    def let_go(self) -> None:
        """Nothing to end."""

    def sleep(self, _wait_ms: int, kept: bytes) -> None:
        """End the program."""
        self._folder.replace(_FILE, kept)
        raise SystemExit(EXIT_ASLEEP)


def radio_off() -> None:
    """Power the Wi-Fi down; the next time it is joined it comes up again."""
    import network

    station = network.WLAN(network.STA_IF)
    station.active(False)
    power_down = getattr(station, "deinit", None)
    if power_down is not None:
        power_down()  # the CYW43 goes on drawing power, and waking the board, until this


def _maybe_machine():
    try:
        import machine
    except ImportError:
        return None
    return machine
