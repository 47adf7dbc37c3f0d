"""A register of any I2C part as a sensor."""

from phonehome.core.errors import ConfigError


class I2CRegister:
    """Reads `length` bytes at `register` and returns raw * scale + offset.

    `i2c` is a machine.I2C or the number of one; `address` has 7 bits. Bytes come most significant
    first unless `is_little`; `is_signed` is two's complement. Whole `scale` and `offset` give
    whole readings. A part that does not answer raises OSError, which is a missing sample. Raise
    ConfigError.
    """

    def __init__(
        self,
        i2c,
        address: int,
        register: int,
        length: int = 1,
        is_signed: bool = False,
        is_little: bool = False,
        scale=1,
        offset=0,
    ) -> None:
        _check("address", address, 0x08, 0x77)
        _check("register", register, 0, 0xFF)
        _check("length", length, 1, 4)
        if scale == 0:
            raise ConfigError("I2CRegister: scale = 0; every reading would be the same")
        self._i2c = i2c if hasattr(i2c, "readfrom_mem_into") else _open(i2c)
        self._address = address
        self._register = register
        self._bytes = bytearray(length)
        self._is_signed = is_signed
        self._is_little = is_little
        self._scale = scale
        self._offset = offset

    def __call__(self):
        """Return the reading in the sensor's unit."""
        self._i2c.readfrom_mem_into(self._address, self._register, self._bytes)
        return self._raw() * self._scale + self._offset

    def _raw(self) -> int:
        data = self._bytes
        length = len(data)
        raw = 0
        for place in range(length):
            raw = raw << 8 | data[length - 1 - place if self._is_little else place]
        if self._is_signed and raw >> (8 * length - 1):
            raw -= 1 << 8 * length
        return raw


def _check(field: str, value, least: int, greatest: int) -> None:
    if not isinstance(value, int) or not least <= value <= greatest:
        raise ConfigError("I2CRegister: %s = %r; write %d..%d" % (field, value, least, greatest))


def _open(number):
    import machine

    return machine.I2C(number)
