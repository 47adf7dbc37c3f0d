"""An analogue input as a sensor."""

from phonehome.core.errors import ConfigError
from phonehome_wire.compat import const

FULL_SCALE = const(65535)  # of read_u16() on every board
_MAX_READINGS = const(64)


class ADC:
    """Reads `low` at zero and `high` at full scale, in a straight line or through a `curve`.

    `pin` is a number or name, or a ready machine.ADC (an ESP32 needs its attenuation set). Each
    reading is the mean of `samples`. Whole `low` and `high` give whole readings. `curve(counts)`
    (see curve.py) replaces the line. Raise ConfigError.
    """

    def __init__(self, pin, low=0, high=FULL_SCALE, samples: int = 1, curve=None) -> None:
        if low == high:
            raise ConfigError("ADC: low and high are both %r; write what each end means" % (low,))
        if not isinstance(samples, int) or not 1 <= samples <= _MAX_READINGS:
            raise ConfigError("ADC: samples = %r; write 1..%d" % (samples, _MAX_READINGS))
        if curve is not None and not callable(curve):
            raise ConfigError("ADC: curve = %r; give a function of the counts" % (curve,))
        self._adc = pin if hasattr(pin, "read_u16") else _open(pin)
        self._low = low
        self._high = high
        self._samples = samples
        self._curve = curve

    def __call__(self):
        """Return the reading in the sensor's unit."""
        counts = 0
        for _ in range(self._samples):
            counts += self._adc.read_u16()
        counts = (counts + self._samples // 2) // self._samples
        if self._curve is not None:
            return self._curve(counts)
        return self._on_the_line(counts)

    def _on_the_line(self, counts: int):
        rise = counts * (self._high - self._low)
        if isinstance(rise, int) and isinstance(self._low, int):
            return self._low + (rise + FULL_SCALE // 2) // FULL_SCALE
        return self._low + rise / FULL_SCALE


def _open(pin):
    import machine

    return machine.ADC(pin)
