"""Pins, inputs and buses that a test wires up: what is set here is what a port reads."""

levels: dict = {}  # pin: 0 or 1
counts: dict = {}  # pin: function that returns 0..65535
registers: dict = {}  # (bus, address): bytearray of registers, absent: no answer
lines: dict = {}  # pin: what hangs on it, for the one-wire and DHT drivers


class Pin:
    IN = 0
    PULL_UP = 1
    PULL_DOWN = 2

    def __init__(self, number, mode=-1, pull=-1):
        self.id = number
        self.mode = mode
        self.pull = pull

    def value(self):
        """The level that was set, or the one that the pull gives an open pin."""
        return levels.get(self.id, 1 if self.pull == self.PULL_UP else 0)


class ADC:
    def __init__(self, number):
        self.id = number

    def read_u16(self):
        """The counts of now."""
        return counts[self.id]()


class I2C:
    def __init__(self, number):
        self.id = number

    def readfrom_mem_into(self, address, register, data):
        """Fill data from the registers of a part, OSError when none answers."""
        part = registers.get((self.id, address))
        if part is None:
            raise OSError(5)
        for place in range(len(data)):
            data[place] = part[register + place]
