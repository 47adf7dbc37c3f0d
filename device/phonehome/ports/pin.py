"""A digital input as a sensor: 0 or 1."""

from phonehome.core.errors import ConfigError

_PULLS = {None: None, "up": "PULL_UP", "down": "PULL_DOWN"}


class DigitalPin:
    """Reads 1 while the pin is high, or while it is low with `invert`.

    `pin` is a number or name, or a ready machine.Pin; `pull` is "up", "down" or None. Raise
    ConfigError.
    """

    def __init__(self, pin, pull: "str | None" = None, invert: bool = False) -> None:
        if pull not in _PULLS:
            raise ConfigError('DigitalPin: pull = %r; write "up", "down" or None' % (pull,))
        self._pin = pin if hasattr(pin, "value") else _open(pin, _PULLS[pull])
        self._invert = 1 if invert else 0

    def __call__(self) -> int:
        """Return 0 or 1."""
        return (1 if self._pin.value() else 0) ^ self._invert


def _open(pin, pull: "str | None"):
    import machine

    if pull is None:
        return machine.Pin(pin, machine.Pin.IN)
    return machine.Pin(pin, machine.Pin.IN, getattr(machine.Pin, pull))
