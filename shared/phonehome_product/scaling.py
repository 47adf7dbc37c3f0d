"""From the numbers of a product file to the scaled integers of a board."""

from decimal import Decimal

SMALL_INT_MIN, SMALL_INT_MAX = -(2**30), 2**30 - 1  # no heap on a 32-bit MicroPython board


class ScaleError(ValueError):
    """The number has no scaled integer: `what` is wrong with it, and the `fix`."""

    def __init__(self, what: str, fix: str) -> None:
        """Take the two halves of a problem's text."""
        self.what, self.fix = what, fix
        super().__init__(f"{what}; {fix}")


def scale(value: Decimal, exp: int, factor: int = 1) -> int:
    """Return value * factor / 10**exp, exact; raise ScaleError when it is no small integer."""
    scaled = (value * factor).scaleb(-exp)
    if scaled != scaled.to_integral_value():
        step = Decimal(1).scaleb(exp) / factor
        near = (value / step).to_integral_value() * step
        what = f"finer than the sensor's steps of {step.normalize():f} (exp {exp})"
        raise ScaleError(what, f"write {near.normalize():f} or give the sensor a smaller exp")
    if not SMALL_INT_MIN <= scaled <= SMALL_INT_MAX:
        what = f"{scaled:f} in steps of the sensor (exp {exp}) does not fit 31 bits"
        raise ScaleError(what, "write a smaller number or give the sensor a larger exp")
    return int(scaled)
