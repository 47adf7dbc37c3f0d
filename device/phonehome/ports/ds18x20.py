"""DS18B20 and DS18S20 thermometers on a one-wire bus, without waiting for their conversion."""

from phonehome.core.errors import ConfigError
from phonehome_wire.compat import const

_CONVERSION_MS = const(750)  # of the finest resolution
_POWER_ON = 85.0  # what a thermometer says that lost its power during the conversion
_CREDIBLE_STEP = const(10)  # degrees; nearer to 85 than that the last reading makes 85 believable


class DS18x20Bus:
    """A one-wire bus on a pin; all its thermometers convert at the same time.

    `poll` begins a conversion, or fetches its results when it is over; it never waits. `clock` has
    ticks_ms() and ticks_diff(), the time module when None.
    """

    def __init__(self, pin, clock=None) -> None:
        import ds18x20
        import machine
        import onewire

        if clock is None:
            import time

            clock = time
        self._bus = ds18x20.DS18X20(onewire.OneWire(machine.Pin(pin)))
        self._clock = clock
        self._began = 0
        self._is_converting = False
        self._thermometers: list = []

    def scan(self) -> list:
        """Return the ids of the thermometers that answer, none when the bus is dead."""
        try:
            return [bytes(rom) for rom in self._bus.scan()]
        except Exception:  # the driver raises its own OneWireError and bare Exception
            return []

    def join(self, thermometer) -> None:
        """Let a thermometer have its results."""
        self._thermometers.append(thermometer)

    def poll(self) -> None:
        """Fetch what is ready and begin the next conversion."""
        if self._is_converting:
            elapsed_ms = self._clock.ticks_diff(self._clock.ticks_ms(), self._began)
            if elapsed_ms < _CONVERSION_MS:
                return
            for thermometer in self._thermometers:
                thermometer.fetch()
        self._begin()

    def read(self, rom: bytes):
        """Return the degrees of a thermometer, None when it does not answer or is garbled."""
        try:
            return self._bus.read_temp(rom)
        except Exception:  # the driver raises its own OneWireError and bare Exception
            return None

    def _begin(self) -> None:
        try:
            self._bus.convert_temp()
            self._is_converting = True
        except Exception:  # nobody on the bus: tried again with the next poll
            self._is_converting = False
            for thermometer in self._thermometers:
                thermometer.forget()
        self._began = self._clock.ticks_ms()


class DS18x20:
    """Degrees Celsius of the conversion before, so its period should be 750 ms or more.

    `bus` is a DS18x20Bus or a pin; `rom` the id (8 bytes or 16 hex digits), None for the only one.
    The first reading is missing: its conversion has just begun. Raise ConfigError.
    """

    def __init__(self, bus, rom=None) -> None:
        self._rom = _parse(rom)
        self._bus = bus if isinstance(bus, DS18x20Bus) else DS18x20Bus(bus)
        self._bus.join(self)
        self._degrees: float | None = None

    def __call__(self):
        """Return the newest result, None when there is none."""
        self._bus.poll()
        return self._degrees

    def fetch(self) -> None:
        """Take the result of a conversion that is over; called by the bus."""
        rom = self._rom or self._maybe_only_one()
        degrees = None if rom is None else self._bus.read(rom)
        self._degrees = degrees if self._is_credible(degrees) else None

    def forget(self) -> None:
        """There is no result; called by the bus."""
        self._degrees = None

    def _maybe_only_one(self) -> "bytes | None":
        found = self._bus.scan()
        if len(found) != 1:
            return None
        self._rom = found[0]
        return self._rom

    def _is_credible(self, degrees) -> bool:
        if degrees != _POWER_ON:
            return True
        return self._degrees is not None and abs(self._degrees - _POWER_ON) <= _CREDIBLE_STEP


def _parse(rom) -> "bytes | None":
    if rom is None:
        return None
    try:
        parsed = bytes.fromhex(rom) if isinstance(rom, str) else bytes(rom)
    except (TypeError, ValueError):
        parsed = b""
    if len(parsed) != 8:
        raise ConfigError("DS18x20: rom = %r; write 8 bytes or 16 hex digits" % (rom,))
    return parsed
