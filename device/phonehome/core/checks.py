"""What every product must keep to before a board runs it; each check raises ProductError."""

from .errors import DeviceError
from .rules import KIND_MISSING, KIND_PYTHON, KIND_RANGE, KIND_RATE, KIND_STUCK

MAX_MS = 86400000  # one day: sums of a few still are small integers on a 32-bit board
_MAX_WINDOW = 30  # of N-of-M: the verdicts are the bits of one small integer
_MAX_STEPS = 2**31 - 1
_MAX_SPN = 2**19 - 1


class ProductError(DeviceError):
    """A product cannot be used; the text names the field, its value and what to write instead."""


def check_int(where: str, field: str, value, least: int, greatest: int) -> None:
    """An integer within bounds; True and False are none."""
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if not is_int or not least <= value <= greatest:
        raise ProductError(
            "%s: %s = %r; write an integer %d..%d" % (where, field, value, least, greatest)
        )


def check_text(where: str, field: str, value, longest: int, shortest: int = 1) -> None:
    """A text whose UTF-8 has no more bytes than the wire has room for."""
    if not isinstance(value, str) or not shortest <= len(value.encode()) <= longest:
        raise ProductError(
            "%s: %s = %r; write %d..%d characters" % (where, field, value, shortest, longest)
        )


def check_limits(where: str, field: str, low, high, deadband: int = 0) -> None:
    """One or two limits in steps that leave room between them, also for the deadband."""
    for value in (low, high):
        if value is not None:
            check_int(where, field, value, -_MAX_STEPS, _MAX_STEPS)
    if low is None and high is None:
        raise ProductError(
            "%s: %s has no limit; write the lower, the upper or both" % (where, field)
        )
    if low is not None and high is not None and low + deadband > high - deadband:
        raise ProductError(
            "%s: %s = %d..%d with deadband %d leaves no good value; widen the limits"
            % (where, field, low, high, deadband)
        )


def check_fault(where: str, spec) -> None:
    """Everything of a fault that does not depend on the rest of its product."""
    check_text(where, "code", spec.code, 8)
    check_int(where, "id", spec.spn, 0, _MAX_SPN)
    check_int(where, "fmi", spec.fmi, 0, 31)
    check_int(where, "severity", spec.severity, 0, 7)
    if spec.kind not in _PARAMS:
        raise ProductError("%s: kind = %r; write 1..%d" % (where, spec.kind, KIND_PYTHON))
    count, check = _PARAMS[spec.kind]
    if len(spec.params) != count:
        raise ProductError("%s: params = %r; want %d of them" % (where, spec.params, count))
    check(where, spec.params)
    _check_timing(where, spec)


def _check_timing(where: str, spec) -> None:
    check_int(where, "on_delay_ms", spec.on_delay_ms, 0, MAX_MS)
    check_int(where, "off_delay_ms", spec.off_delay_ms, 0, MAX_MS)
    check_int(where, "settle_ms", spec.settle_ms, 0, MAX_MS)
    check_int(where, "m", spec.m, 1, _MAX_WINDOW)
    check_int(where, "n", spec.n, 1, spec.m)


def _check_range(where: str, params) -> None:
    check_int(where, "deadband", params[2], 0, _MAX_STEPS)
    check_limits(where, "low..high", params[0], params[1], params[2])


def _check_rate(where: str, params) -> None:
    check_int(where, "window_ms", params[2], 1, MAX_MS)
    _check_range(where, (params[0], params[1], params[3]))


def _check_stuck(where: str, params) -> None:
    check_int(where, "deadband", params[0], 0, _MAX_STEPS)
    check_int(where, "window_ms", params[1], 1, MAX_MS)


def _check_missing(where: str, params) -> None:
    check_int(where, "window_ms", params[0], 0, MAX_MS)


def _check_nothing(where: str, params) -> None:
    """A Python rule has no parameters."""


_PARAMS = {
    KIND_RANGE: (3, _check_range),
    KIND_RATE: (4, _check_rate),
    KIND_STUCK: (2, _check_stuck),
    KIND_MISSING: (1, _check_missing),
    KIND_PYTHON: (0, _check_nothing),
}
