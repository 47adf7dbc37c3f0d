"""DHT11 and DHT22 thermometers with hygrometer."""

from phonehome.core.errors import ConfigError

_MODELS = {11: ("DHT11", 1000), 22: ("DHT22", 2000)}  # class in the driver, shortest pause in ms


class DHT:
    """One measurement for two sensors: give `temperature` and `humidity` as their readers.

    It measures when either is asked and the last try is longer ago than the pause the part needs.
    `model` is 11 or 22; `clock` has ticks_ms() and ticks_diff(), the time module when None. Raise
    ConfigError.
    """

    def __init__(self, pin, model: int = 22, clock=None) -> None:
        if model not in _MODELS:
            raise ConfigError("DHT: model = %r; write 11 or 22" % (model,))
        import dht
        import machine

        if clock is None:
            import time

            clock = time
        name, self._pause_ms = _MODELS[model]
        self._part = getattr(dht, name)(machine.Pin(pin))
        self._clock = clock
        self._tried: int | None = None
        self._is_good = False

    def temperature(self):
        """Return degrees Celsius, None when the last measurement failed."""
        self._measure()
        return self._part.temperature() if self._is_good else None

    def humidity(self):
        """Return relative humidity in percent, None when the last measurement failed."""
        self._measure()
        return self._part.humidity() if self._is_good else None

    def _measure(self) -> None:
        now = self._clock.ticks_ms()
        if self._tried is not None and self._clock.ticks_diff(now, self._tried) < self._pause_ms:
            return
        self._tried = now
        try:
            self._part.measure()
            self._is_good = True
        except Exception:  # OSError without an answer, bare Exception for a wrong checksum
            self._is_good = False
