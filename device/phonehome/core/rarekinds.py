"""The words and parameters of the kinds that few products use, for declaring and checking."""

from phonehome_wire.compat import const

from .checks import check_int, check_limits
from .errors import ProductError
from .rules.rare import KIND_COUNT, KIND_DISAGREE, KIND_DRIFT, KIND_NOISE

_MILLI = const(1000)  # jumps are thousandths of a step, sums of a drift steps times milliseconds
_MAX_MS = const(86400000)
_MAX_STEPS = const(2**31 - 1)
_MAX_COUNT = const(1000000)  # the sum of all buckets stays far below its bounds


def check_other(where: str, product, spec) -> None:
    """A second sensor measures the same quantity as the first."""
    if spec.kind != KIND_DISAGREE:
        return
    check_int(where, "other", spec.params[3], 0, len(product.channels) - 1)
    sensor, other = product.channels[spec.sensor], product.channels[spec.params[3]]
    if sensor is other or sensor.unit != other.unit:
        raise ProductError(
            "%s: other = %r; write another sensor in %r" % (where, other.name, sensor.unit)
        )


def _noise(words, steps) -> tuple:
    deadband = steps("deadband", _MILLI) or 0
    return (steps("low", _MILLI), steps("high", _MILLI), words.get("window_ms"), deadband)


def _disagree(words, steps) -> tuple:
    return (steps("low"), steps("high"), steps("deadband") or 0, words.get("other"))


def _count(words, steps) -> tuple:
    level = steps("level")
    rearm = level if words.get("rearm") is None else steps("rearm")
    limits = (words.get("low"), words.get("high"), words.get("window_ms"))
    return limits + (words.get("deadband", 0), level, rearm)


def _drift(_words, steps) -> tuple:
    return (steps("low"), steps("high"), steps("excess", _MILLI), steps("deadband") or 0)


def _check_noise(where: str, params) -> None:
    check_int(where, "window_ms", params[2], 1, _MAX_MS)
    check_int(where, "deadband", params[3], 0, _MAX_STEPS)
    check_limits(where, "low..high", params[0], params[1], params[3])


def _check_disagree(where: str, params) -> None:
    check_int(where, "deadband", params[2], 0, _MAX_STEPS)
    check_limits(where, "low..high", params[0], params[1], params[2])


def _check_count(where: str, params) -> None:
    for value in params[:2]:
        if value is not None:
            check_int(where, "low..high", value, 0, _MAX_COUNT)
    check_int(where, "window_ms", params[2], 1, _MAX_MS)
    check_int(where, "deadband", params[3], 0, _MAX_COUNT)
    check_limits(where, "low..high", params[0], params[1], params[3])
    check_int(where, "level", params[4], -_MAX_STEPS, _MAX_STEPS)
    check_int(where, "rearm", params[5], -_MAX_STEPS, params[4])


def _check_drift(where: str, params) -> None:
    check_int(where, "excess", params[2], 1, _MAX_STEPS)
    check_int(where, "deadband", params[3], 0, _MAX_STEPS)
    check_limits(where, "low..high", params[0], params[1], params[3])


# kind: (number, its own words, parameters from the words and a scaling function)
KINDS = {
    "noise": (KIND_NOISE, ("low", "high", "deadband", "window_ms"), _noise),
    "disagree": (KIND_DISAGREE, ("low", "high", "deadband", "other"), _disagree),
    "count": (KIND_COUNT, ("low", "high", "deadband", "window_ms", "level", "rearm"), _count),
    "drift": (KIND_DRIFT, ("low", "high", "deadband", "excess"), _drift),
}

# kind: (how many parameters, their check)
PARAMS = {
    KIND_NOISE: (4, _check_noise),
    KIND_DISAGREE: (4, _check_disagree),
    KIND_COUNT: (6, _check_count),
    KIND_DRIFT: (4, _check_drift),
}
