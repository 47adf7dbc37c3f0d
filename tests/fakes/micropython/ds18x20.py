"""Thermometers that convert when told and answer with what they last converted."""

from onewire import OneWireError

POWER_ON = 85.0


class Thermometer:
    """Set `degrees` to what it feels; `is_garbled` spoils its answers."""

    def __init__(self, degrees):
        self.degrees = degrees
        self.is_garbled = False
        self.converted = POWER_ON


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire

    def scan(self):
        """The ids on the bus, as the driver gives them."""
        return [bytearray(rom) for rom in self.ow.parts()]

    def convert_temp(self):
        """Begin the conversion of all; OneWireError without any."""
        parts = self.ow.parts()
        if not parts:
            raise OneWireError
        for part in parts.values():
            part.converted = part.degrees

    def read_temp(self, rom):
        """The converted degrees; a bare Exception for a wrong checksum, as the driver does."""
        part = self.ow.parts().get(bytes(rom))
        if part is None:
            raise OneWireError
        if part.is_garbled:
            raise Exception("CRC error")  # noqa: TRY002  # the driver's own way
        return part.converted
