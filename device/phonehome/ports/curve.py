"""From the counts of an analogue input to a unit: a table, or a thermistor."""

import math
from array import array

from phonehome.core.errors import ConfigError

from .adc import FULL_SCALE

_KELVIN_AT_0 = 273.15
_KELVIN_AT_25 = 298.15
_COLDEST, _HOTTEST, _STEP = -50, 150, 5  # degrees; a table this dense is right to 0.1 degree


class Table:
    """Straight lines between points (counts, value), whole numbers throughout, flat outside them.

    Raise ConfigError when there are fewer than two points or their counts do not rise.
    """

    def __init__(self, points) -> None:
        points = list(points)
        if len(points) < 2:
            raise ConfigError("Table: %d points; give at least two" % len(points))
        self._counts: "array[int]" = array("i", [point[0] for point in points])
        self._values: "array[int]" = array("i", [point[1] for point in points])
        for place in range(1, len(points)):
            if self._counts[place - 1] >= self._counts[place]:
                raise ConfigError(
                    "Table: counts %d after %d; sort the points and leave out doubles"
                    % (self._counts[place], self._counts[place - 1])
                )

    def __call__(self, counts: int) -> int:
        """Return the value at these counts, rounded to the nearest whole number."""
        at, values = self._counts, self._values
        if counts <= at[0]:
            return values[0]
        if counts >= at[-1]:
            return values[-1]
        low, high = 0, len(at) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if counts < at[middle]:
                high = middle
            else:
                low = middle
        width = at[high] - at[low]
        rise = (counts - at[low]) * (values[high] - values[low])
        return values[low] + (rise + width // 2) // width


class NTC:
    """Degrees Celsius of a thermistor with one resistor in series, from -50 to 150.

    `beta` in kelvin, `r25_ohm` at 25 degrees, `series_ohm` of the resistor; the thermistor is
    between the input and ground, or between it and the supply with `is_high_side`. A shorted one
    reads 150, an open one -50. With `is_scaled` readings are whole hundredths, for a sensor with
    exp -2 and scaled=True. Raise ConfigError.
    """

    def __init__(
        self, beta, r25_ohm, series_ohm, is_high_side: bool = False, is_scaled: bool = False
    ) -> None:
        for word, value in (("beta", beta), ("r25_ohm", r25_ohm), ("series_ohm", series_ohm)):
            if isinstance(value, (str, bytes)) or not value > 0:
                raise ConfigError("NTC: %s = %r; write a number above 0" % (word, value))
        self._is_scaled = is_scaled
        points = []
        for degrees in range(_COLDEST, _HOTTEST + 1, _STEP):
            ratio = _ratio(degrees, beta, r25_ohm, series_ohm)
            counts = FULL_SCALE * (1 - ratio if is_high_side else ratio)
            points.append((int(counts + 0.5), degrees * 100))
        points.sort()
        self._table = Table(_without_doubles(points))

    def __call__(self, counts: int):
        """Return degrees Celsius, or hundredths of them."""
        hundredths = self._table(counts)
        return hundredths if self._is_scaled else hundredths / 100


def _ratio(degrees: int, beta: float, r25_ohm: float, series_ohm: float) -> float:
    """The thermistor's share of the whole resistance."""
    exponent = beta * (1 / (degrees + _KELVIN_AT_0) - 1 / _KELVIN_AT_25)
    ohm = r25_ohm * math.exp(exponent)
    return ohm / (ohm + series_ohm)


def _without_doubles(points: list) -> list:
    """Points with rising counts: at the flat ends of the curve several share one."""
    rising = points[:1]
    for point in points:
        if point[0] > rising[-1][0]:
            rising.append(point)
    return rising
