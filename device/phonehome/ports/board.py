"""The board: who it is, why it started, its clocks; what a host lacks is answered plainly."""

import gc
import os
import sys
import time

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_RESET_DEEP_SLEEP = const(4)
_RESET_HARD = const(2)
_RESET_POWER_ON = const(1)
_RESET_SOFT = const(5)
_RESET_UNKNOWN = const(0)
_RESET_WATCHDOG = const(3)


_RESETS = (
    ("PWRON_RESET", _RESET_POWER_ON),
    ("HARD_RESET", _RESET_HARD),
    ("WDT_RESET", _RESET_WATCHDOG),
    ("DEEPSLEEP_RESET", _RESET_DEEP_SLEEP),
    ("SOFT_RESET", _RESET_SOFT),
)
_EPOCH_2000_S = const(946684800)
_MAX_PLATFORM = const(48)
_LEAST_BLOCK = const(64)
_EXCEPTION_BYTES = const(192)


class Board:
    """What the agent asks of its hardware; `ticks` and `elapsed` are its wrapping counter."""

    def __init__(self) -> None:
        self._machine = self._maybe_import("machine")
        self.ticks = time.ticks_ms
        self.elapsed = time.ticks_diff
        self.random_bytes = os.urandom
        reserve = getattr(self._maybe_import("micropython"), "alloc_emergency_exception_buf", None)
        if reserve is not None:
            reserve(_EXCEPTION_BYTES)  # what an exception says when there is no memory to say it

    def device_id(self):
        """The EUI-64 from the Wi-Fi address, or from the chip where that has 8 bytes, or None."""
        network = self._maybe_import("network")
        if network is not None:
            mac = network.WLAN(network.STA_IF).config("mac")
            return mac[:3] + b"\xff\xfe" + mac[3:]
        unique = getattr(self._machine, "unique_id", None)
        chip = unique() if unique else b""
        return chip if len(chip) == 8 else None

    def platform(self) -> str:
        """What the firmware calls this board."""
        return getattr(sys.implementation, "_machine", sys.platform)[:_MAX_PLATFORM]

    def reset_cause(self) -> int:
        """Why the board started, as RESET_*; what the firmware says, which is not always true."""
        ask = getattr(self._machine, "reset_cause", None)
        if ask is None:
            return _RESET_UNKNOWN
        cause = ask()
        for name, reset in _RESETS:
            if getattr(self._machine, name, None) == cause:
                return reset
        return _RESET_UNKNOWN

    def set_clock(self, unix_ms: int, is_sure: bool = False) -> None:
        """Move the clock that certificates are checked against forward; when sure, also back."""
        rtc = getattr(self._machine, "RTC", None)
        seconds = unix_ms // 1000 - (_EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0)
        if rtc is not None and (is_sure or seconds > time.time()):
            year, month, day, hour, minute, second, weekday, _ = time.gmtime(seconds)[:8]
            rtc().datetime((year, month, day, weekday, hour, minute, second, 0))

    @property
    def can_reboot(self) -> bool:
        """True where the firmware can reset itself."""
        return hasattr(self._machine, "reset")

    def reboot(self) -> None:
        """Reset now; on a computer end the program, for whoever started it to start it again."""
        if not self.can_reboot:
            raise SystemExit(1)
        self._machine.reset()

    @property
    def memory(self):
        """The processor's registers and memory by address, a word each; None on a computer."""
        return getattr(self._machine, "mem32", None)

    def make_retained(self, folder):
        """The memory that outlives a reset; on a computer a file in the folder."""
        from .cells import cells_of
        from .retained import Retained

        return Retained(cells_of(self._machine, folder, sys.platform))

    def make_watchdog(self, timeout_ms: int):
        """The board's watchdog with this time-out or its longest; None on a computer."""
        if not hasattr(self._machine, "WDT"):
            return None
        from .watchdog import Watchdog

        return Watchdog(self._machine, sys.platform, self.platform(), timeout_ms)

    def heap_free(self) -> int:
        """Free bytes of the Python heap once the garbage is gone."""
        gc.collect()
        return gc.mem_free()

    def heap_left(self) -> int:
        """Free bytes of the Python heap as it is."""
        return gc.mem_free()

    def heap_largest(self) -> int:
        """About the largest block that can be had as the heap is, at most an eighth too small."""
        size = gc.mem_free()
        gc.disable()  # or each try that fails would collect
        while size > _LEAST_BLOCK:
            try:
                bytearray(size)
                break
            except MemoryError:
                size -= size >> 3
        gc.enable()
        return size

    def print_exception(self, error: BaseException, stream=None) -> None:
        """Print an exception with its frames to a stream, or to the console."""
        sys.print_exception(error, stream or sys.stdout)

    def _maybe_import(self, name: str):
        try:
            return __import__(name)
        except ImportError:
            return None
