"""DHT parts: a test sets what the line carries, or what it fails with."""

import machine


class Air:
    """What a part measures; set `error` to let the measurement fail."""

    def __init__(self, temperature, humidity):
        self.temperature = temperature
        self.humidity = humidity
        self.error = None
        self.measured = 0


class DHT22:
    def __init__(self, pin):
        self.pin = pin
        self.taken = (0, 0)

    def measure(self):
        """Take a measurement, or fail as the line does."""
        air = machine.lines[self.pin.id]
        air.measured += 1
        if air.error is not None:
            raise air.error
        self.taken = (air.temperature, air.humidity)

    def temperature(self):
        """Degrees of the last measurement."""
        return self.taken[0]

    def humidity(self):
        """Percent of the last measurement."""
        return self.taken[1]


class DHT11(DHT22):
    pass
