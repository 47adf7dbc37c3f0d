"""The watchdog of a board, and a timer that goes on while a program is busy or interrupted.

No firmware stops a watchdog that runs. The RP2's can be paused in its control register; the
ESP32's cannot, there the timer has to feed it.
"""

from phonehome_wire.compat import const

# Chip -> (longest time-out in ms, control register or 0); the RP2040 counts twice per tick, which
# halves what 24 bits of microseconds would give.
_CHIPS = {"RP2040": (8388, 0x40058000), "RP2350": (16777, 0x400D8000)}
_OTHERS = (60000, 0)
_MARK = const(0x1C)  # behind it: scratch 4, into which a start writes what a time-out leaves there
_TIMED_OUT = const(0x6AB73121)
_CLEAR = const(0x3000)  # writes to a register's address and this clear the bits that are set
_ENABLE = const(0x40000000)
# The RP2 has timers in software only. Of the ESP32's, 0 is what every example takes.
_TIMERS = {"rp2": -1, "esp32": 1}
# The RP2's is collected when nobody refers to it, and behind Ctrl-C no agent is left that could.
_timer: list = [None]
# Whether the boot before ended in a time-out, for who asks when the dog has started; None: ask it.
was_bitten: list = [None]


class Watchdog:
    """Resets the board `timeout_ms` after the last feed, once it is started.

    `platform` is that of `sys`, `board` what the firmware calls it, which ends in the chip.
    """

    def __init__(self, machine, platform: str, board: str, timeout_ms: int) -> None:
        longest_ms, self._control = _CHIPS.get(board[-6:], _OTHERS)
        self.timeout_ms = min(timeout_ms, longest_ms)
        self._machine = machine
        self._timer_id = _TIMERS.get(platform, -1)
        self._timer = _timer
        self._dog = None

    @property
    def is_on(self) -> bool:
        """True from a start to a pause that worked."""
        return self._dog is not None

    def start(self) -> None:
        """Let it watch; started again it goes on."""
        if self._control and was_bitten[0] is None:
            was_bitten[0] = self._machine.mem32[self._control + _MARK] == _TIMED_OUT
        self._dog = self._machine.WDT(timeout=self.timeout_ms)

    def feed(self) -> None:
        """Start the time again."""
        if self._dog is not None:
            self._dog.feed()

    def pause(self) -> None:
        """Stop it where the chip allows that; elsewhere it stays on and wants to be fed."""
        if self._dog is not None and self._control:
            self._machine.mem32[self._control + _CLEAR] = _ENABLE
            self._machine.mem32[self._control + _MARK] = 0
            self._dog = None

    def every(self, period_ms: int, callback) -> None:
        """Have `callback(timer)` called, also while a program is busy or at the prompt; 0: end."""
        timer, self._timer[0] = self._timer[0], None
        if timer is not None:
            timer.deinit()
        if period_ms:
            make = self._machine.Timer
            self._timer[0] = make(
                self._timer_id, mode=make.PERIODIC, period=period_ms, callback=callback
            )
