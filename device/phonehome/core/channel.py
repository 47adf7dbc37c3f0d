"""One sensor as the rules see it: its newest sample, how old it is, how often it was missing."""

import math

from phonehome_wire.compat import const

MAX_SPAN_MS = const(2**30 - 1)  # 12.4 days: the largest span that takes no heap on a 32-bit board
_INT32_MAX = const(2**31 - 1)
MISSING = const(-(2**31))  # as in the wire's series, which a board does not keep
_INTEGERS = (int, bool)  # on MicroPython a bool is no int


class Channel:
    """A named quantity: `value` in steps of 10**exp of `unit`, or MISSING.

    `errors` counts the missing samples, `age_ms` is the time since the newest good one,
    `interval_ms` the time between the last two attempts, `wait_ms` until the next. Spans instead
    of instants, because they stay small integers. With `is_scaled` the reader gives steps.
    """

    def __init__(self, id: int, name: str, unit: str, exp: int, period_ms: int) -> None:
        self.id = id
        self.name = name
        self.unit = unit
        self.exp = exp
        self.period_ms = period_ms
        self.is_scaled = False
        self.value = MISSING
        self.errors = 0
        self.age_ms = 0
        self.interval_ms = 0
        self.wait_ms = 0
        self._elapsed_ms = 0

    def scale(self, number: "float | int") -> int:
        """Return the number of steps nearest to `number`; halves go up.

        Raise TypeError when it is no number, ValueError when it is not finite or has no room in 32
        bits.
        """
        if isinstance(number, _INTEGERS):
            steps = self._scale_int(int(number))
        elif isinstance(number, float):
            steps = self._scale_float(number)
        else:
            raise TypeError(self.name)
        return self._within_32_bits(steps)

    def tick(self, span_ms: int) -> bool:
        """Let time pass; True when the next sample is due."""
        self._elapsed_ms += span_ms
        self.wait_ms -= span_ms
        return self.wait_ms <= 0

    def read(self, reader) -> None:
        """Take a sample; whatever a reader fails with is a missing sample, counted in `errors`."""
        self.interval_ms = self._elapsed_ms
        self._elapsed_ms = 0
        self.wait_ms += self.period_ms
        if self.wait_ms <= 0:  # more than a period late: the lost samples stay lost
            self.wait_ms = self.period_ms
        self.value = self._take(reader)
        if self.value != MISSING:
            self.age_ms = 0
            return
        self.errors += 1
        self.age_ms = min(self.age_ms + self.interval_ms, MAX_SPAN_MS)

    def _take(self, reader) -> int:
        try:
            return self._accept(reader())
        except MemoryError:
            raise
        except Exception:  # readers are other people's code, and drivers raise bare Exception
            return MISSING

    def _accept(self, number: "float | int | None") -> int:
        if number is None:
            return MISSING
        if not self.is_scaled:
            return self.scale(number)
        if not isinstance(number, _INTEGERS):
            raise TypeError(self.name)
        return self._within_32_bits(int(number))

    def _scale_int(self, number: int) -> int:
        factor: int = 10 ** abs(self.exp)
        return number * factor if self.exp <= 0 else (number + factor // 2) // factor

    def _scale_float(self, number: float) -> int:
        if number - number != 0:  # true for NaN and both infinities, no import
            raise ValueError(self.name)
        factor: int = 10 ** abs(self.exp)
        steps = number * factor if self.exp <= 0 else number / factor
        return math.floor(steps + 0.5)

    def _within_32_bits(self, steps: int) -> int:
        if not -_INT32_MAX <= steps <= _INT32_MAX:
            raise ValueError(self.name)
        return steps
