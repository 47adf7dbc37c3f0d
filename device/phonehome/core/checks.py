"""What every product must keep to before a board runs it; each check raises ProductError."""

from phonehome_wire.compat import const

from .errors import ProductError
from .rules import KIND_MISSING, KIND_PYTHON, KIND_RANGE, KIND_RATE, KIND_STUCK

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_EXP = const(9)
_MAX_FREEZE_CHANNELS = const(16)
_MAX_PERIOD_MS = const(3600000)
_MAX_SAMPLES = const(128)

_MAX_MS = const(86400000)  # one day: sums of a few still are small integers on a 32-bit board
_MAX_WINDOW = const(30)  # of N-of-M: the verdicts are the bits of one small integer
_MAX_STEPS = const(2**31 - 1)
_MAX_SPN = const(2**19 - 1)
_MAX_VERSION = const(2**30 - 1)
_MAX_FAULTS = const(64)
_LAST_KIND = const(9)


def check_head(product) -> None:
    """Name, version and freeze frame of a product."""
    _check_text("product", "name", product.name, 32)
    check_int("product", "version", product.version, 0, _MAX_VERSION)
    check_int("freeze", "period_ms", product.freeze_period_ms, 1, _MAX_PERIOD_MS)
    check_int("freeze", "samples", product.freeze_samples, 1, _MAX_SAMPLES)


def check_sensor(product, name, unit, exp, period_ms, channel) -> None:
    """A sensor that is about to be added to the product."""
    where = "sensor %r" % (name,)
    _check_text(where, "name", name, 24)
    _check_text(where, "unit", unit, 12, shortest=0)
    check_int(where, "channel", channel, 0, 255)
    check_int(where, "exp", exp, -_MAX_EXP, _MAX_EXP)
    check_int(where, "period_ms", period_ms, 1, _MAX_MS)
    if len(product.channels) == _MAX_FREEZE_CHANNELS:
        raise ProductError("%s: a product has at most %d sensors" % (where, _MAX_FREEZE_CHANNELS))
    for other in product.channels:
        if other.name == name or other.id == channel:
            raise ProductError(
                "%s: channel = %d; the number or the name is that of sensor %r, give each its own"
                % (where, channel, other.name)
            )


def check_fault(product, spec) -> None:
    """A fault that is about to be added to the product."""
    where = "fault %r" % (spec.code,)
    _check_text(where, "code", spec.code, 8)
    check_int(where, "id", spec.spn, 0, _MAX_SPN)
    check_int(where, "fmi", spec.fmi, 0, 31)
    check_int(where, "severity", spec.severity, 0, 7)
    check_rule(product, spec)
    for gate in spec.gates:
        check_int(where, "when.sensor", gate[0], 0, len(product.channels) - 1)
        check_limits(where, "when", gate[1], gate[2])
    _check_room(where, product, spec)


def check_rule(product, spec) -> None:
    """Kind, parameters and delays of a fault, added already or not."""
    where = "fault %r" % (spec.code,)
    _check_params(where, product, spec)
    _check_timing(where, spec)


def _check_params(where: str, product, spec) -> None:
    table = _PARAMS
    if spec.kind not in table:
        table = _rare_kinds(where, spec.kind)
    if spec.kind not in table:
        raise ProductError("%s: kind = %r; write 1..%d" % (where, spec.kind, _LAST_KIND))
    if spec.sensor is not None or spec.kind != KIND_PYTHON:
        check_int(where, "sensor", spec.sensor, 0, len(product.channels) - 1)
    count, check = table[spec.kind]
    if len(spec.params) != count:
        raise ProductError("%s: params = %r; write %d of them" % (where, spec.params, count))
    check(where, spec.params)
    if table is not _PARAMS:
        from .rarekinds import check_other

        check_other(where, product, spec)


def _rare_kinds(where: str, kind: int):
    try:
        from .rarekinds import PARAMS
    except ImportError:
        from .reporting.lacking import advise

        raise ProductError("%s: kind = %r: %s" % (where, kind, advise("rules"))) from None
    return PARAMS


def _check_room(where: str, product, spec) -> None:
    if len(product.faults) == _MAX_FAULTS:
        raise ProductError("%s: a product has at most %d faults" % (where, _MAX_FAULTS))
    for other in product.faults:
        if other.code == spec.code or (other.spn, other.fmi) == (spec.spn, spec.fmi):
            raise ProductError(
                "%s: the code, or id %d with fmi %d, is that of fault %s; give each its own"
                % (where, spec.spn, spec.fmi, other.code)
            )


def check_int(where: str, field: str, value, least: int, greatest: int) -> None:
    """An integer within bounds; True and False are none."""
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if not is_int or not least <= value <= greatest:
        raise ProductError(
            "%s: %s = %r; write an integer %d..%d" % (where, field, value, least, greatest)
        )


def _check_text(where: str, field: str, value, longest: int, shortest: int = 1) -> None:
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


def _check_timing(where: str, spec) -> None:
    check_int(where, "on_delay_ms", spec.on_delay_ms, 0, _MAX_MS)
    check_int(where, "off_delay_ms", spec.off_delay_ms, 0, _MAX_MS)
    check_int(where, "settle_ms", spec.settle_ms, 0, _MAX_MS)
    check_int(where, "m", spec.m, 1, _MAX_WINDOW)
    check_int(where, "n", spec.n, 1, spec.m)


def _check_range(where: str, params) -> None:
    check_int(where, "deadband", params[2], 0, _MAX_STEPS)
    check_limits(where, "low..high", params[0], params[1], params[2])


def _check_rate(where: str, params) -> None:
    check_int(where, "window_ms", params[2], 1, _MAX_MS)
    _check_range(where, (params[0], params[1], params[3]))


def _check_stuck(where: str, params) -> None:
    check_int(where, "deadband", params[0], 0, _MAX_STEPS)
    check_int(where, "window_ms", params[1], 1, _MAX_MS)


def _check_missing(where: str, params) -> None:
    check_int(where, "window_ms", params[0], 0, _MAX_MS)


def _check_nothing(where: str, params) -> None:
    """A Python rule has no parameters."""


_PARAMS = {
    KIND_RANGE: (3, _check_range),
    KIND_RATE: (4, _check_rate),
    KIND_STUCK: (2, _check_stuck),
    KIND_MISSING: (1, _check_missing),
    KIND_PYTHON: (0, _check_nothing),
}
