"""The schema of record bodies, one table per record type. Keys that a table does not name are
ignored.

A table row is (key, name, required, check, what is wanted); a check says whether a decoded value
is as wanted.
"""

from .limits import (
    MAX_AGENT_BYTES,
    MAX_CHANNEL_NAME_BYTES,
    MAX_CHANNEL_UNIT_BYTES,
    MAX_CONTEXT_METRICS,
    MAX_CRASH_CRUMBS,
    MAX_CRASH_FAULTS,
    MAX_CRASH_TEXT_BYTES,
    MAX_EXP,
    MAX_FRAMES,
    MAX_FREEZE_CHANNELS,
    MAX_INT,
    MAX_LOG_CRUMBS,
    MAX_METRICS,
    MAX_NAME_BYTES,
    MAX_OCCURRENCE,
    MAX_PERIOD_MS,
    MAX_PLATFORM_BYTES,
    MAX_SAMPLES,
    MAX_SPN,
)
from .registry import (
    CRASH_CRUMBS,
    CRASH_EXCEPTION,
    CRASH_FAULTS,
    CRASH_FRAMES,
    CRASH_FRAMES_OMITTED,
    CRASH_HEAP_FREE,
    CRASH_HEAP_LARGEST,
    CRASH_KIND,
    CRASH_MESSAGE,
    CRASH_RESET_CAUSE,
    FAULT_CHANNEL,
    FAULT_CONTEXT,
    FAULT_FAILING_MS,
    FAULT_FMI,
    FAULT_FREEZE,
    FAULT_KIND,
    FAULT_LIMIT,
    FAULT_OCCURRENCE,
    FAULT_SEVERITY,
    FAULT_SPN,
    FAULT_STATUS,
    FAULT_VALUE,
    FREEZE_CHANNELS,
    FREEZE_PERIOD_MS,
    FREEZE_TRIGGER,
    HELLO_AGENT,
    HELLO_CATALOG,
    HELLO_CLEAN_BOOT,
    HELLO_CONFIG_VERSION,
    HELLO_DEAD_BOOTS,
    HELLO_PLATFORM,
    HELLO_RESET_CAUSE,
    HELLO_RESET_CERTAINTY,
    HELLO_RESET_NAME,
    HELLO_STATE_LOST,
    RESULT_CSEQ,
    RESULT_STATUS,
    RESULT_VALUE,
    RTYPE_CRASH,
    RTYPE_FAULT,
    RTYPE_HEARTBEAT,
    RTYPE_HELLO,
    RTYPE_LOG,
    RTYPE_RESULT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Check = Callable[[Any], bool]
    Row = tuple[int, str, bool, Check, str]

_INT = {int}
_SAMPLE = ({int}, {int, type(None)}, {type(None)})


def defect_of(rtype: int, body: "Any") -> "str | None":
    """What is wrong with the body of a record of this type; None when nothing is, or when the type
    is not known.
    """
    judge = _JUDGES.get(rtype)
    return judge(body) if judge is not None else None


def _judge(what: str, rows: "tuple[Row, ...]") -> "Callable[[Any], str | None]":
    """A function that names the first field of a map that is missing or not as wanted."""

    def judge(body: "Any") -> "str | None":
        if type(body) is not dict:
            return "%s: the body is not a map" % what
        for key, name, required, check, wanted in rows:
            if key in body:
                if not check(body[key]):
                    return "%s key %d (%s): %.40r, want %s" % (what, key, name, body[key], wanted)
            elif required:
                return "%s key %d (%s) is missing" % (what, key, name)
        return None

    return judge


def _between(low: int, high: int) -> "Check":
    return lambda value: type(value) is int and low <= value <= high


def _text(low: int, high: int) -> "Check":
    return lambda value: type(value) is str and low <= len(value.encode()) <= high


def _array_of(low: int, high: int, check: "Check") -> "Check":
    return lambda value: (
        type(value) is list and low <= len(value) <= high and all(map(check, value))
    )


def _any(_value: "Any") -> bool:
    return True


def _is_int(value: "Any") -> bool:
    return type(value) is int


def _is_bool(value: "Any") -> bool:
    return type(value) is bool


def _is_name(value: "Any") -> bool:
    """A short text, or an id in the build's string table."""
    if type(value) is str:
        return len(value.encode()) <= MAX_NAME_BYTES
    return type(value) is int and value >= 0


def _metrics(high: int) -> "Check":
    return lambda value: (
        type(value) is dict and 1 <= len(value) <= high and set(map(type, value.values())) == _INT
    )


def _is_metric_map(value: "Any") -> bool:
    """Keys come out of the decoder ascending, so the last one is the largest."""
    return _is_some_metrics(value) and list(value)[-1] <= 255


def _is_value(value: "Any") -> bool:
    """[exponent, scaled value]."""
    return (
        type(value) is list
        and len(value) == 2
        and type(value[0]) is int
        and -MAX_EXP <= value[0] <= MAX_EXP
        and type(value[1]) is int
    )


def _is_series(value: "Any") -> bool:
    return (
        type(value) is list
        and 2 <= len(value) <= MAX_SAMPLES + 1
        and type(value[0]) is int
        and -MAX_EXP <= value[0] <= MAX_EXP
        and set(map(type, value[1:])) in _SAMPLE
    )


def _are_channels(value: "Any") -> bool:
    return (
        type(value) is dict
        and 1 <= len(value) <= MAX_FREEZE_CHANNELS
        and all(map(_is_series, value.values()))
    )


def _is_freeze(value: "Any") -> bool:
    return _judge_freeze(value) is None


def _is_frame(value: "Any") -> bool:
    """[file, line, function]."""
    return (
        type(value) is list
        and len(value) == 3
        and _is_name(value[0])
        and _is_uint(value[1])
        and _is_name(value[2])
    )


def _is_crumb(value: "Any") -> bool:
    """[ms, category, text, number]."""
    return (
        type(value) is list
        and len(value) == 4
        and type(value[0]) is int
        and _is_name(value[1])
        and _is_name(value[2])
        and type(value[3]) is int
    )


def _is_fault_id(value: "Any") -> bool:
    """[spn, fmi]."""
    return (
        type(value) is list
        and len(value) == 2
        and type(value[0]) is int
        and 0 <= value[0] <= MAX_SPN
        and type(value[1]) is int
        and 0 <= value[1] <= 31
    )


def _is_catalog(value: "Any") -> bool:
    return type(value) is dict and all(map(_is_catalog_entry, value.values()))


def _is_catalog_entry(value: "Any") -> bool:
    """[name, unit]."""
    return (
        type(value) is list
        and len(value) == 2
        and _is_channel_name(value[0])
        and _is_channel_unit(value[1])
    )


def _judge_log(body: "Any") -> "str | None":
    return (
        None
        if _is_log(body)
        else "log: want 1..%d breadcrumbs [ms, category, text, number]" % MAX_LOG_CRUMBS
    )


def _judge_heartbeat(body: "Any") -> "str | None":
    return (
        None
        if _is_metric_map(body)
        else "heartbeat: want 1..%d metric ids 0..255 with integers" % MAX_METRICS
    )


_is_uint = _between(0, MAX_INT)
_is_some_metrics = _metrics(MAX_METRICS)
_is_channel_name = _text(1, MAX_CHANNEL_NAME_BYTES)
_is_channel_unit = _text(0, MAX_CHANNEL_UNIT_BYTES)
_is_log = _array_of(1, MAX_LOG_CRUMBS, _is_crumb)

_judge_freeze = _judge(
    "freeze",
    (
        (FREEZE_PERIOD_MS, "period_ms", True, _between(1, MAX_PERIOD_MS), "1..3600000"),
        (FREEZE_TRIGGER, "trigger", True, _between(0, 255), "0..255"),
        (FREEZE_CHANNELS, "channels", True, _are_channels, "1..16 series"),
    ),
)

_judge_hello = _judge(
    "hello",
    (
        (HELLO_AGENT, "agent", True, _text(1, MAX_AGENT_BYTES), "text of 1..32 bytes"),
        (HELLO_RESET_CAUSE, "reset_cause", True, _between(0, 15), "0..15"),
        (HELLO_PLATFORM, "platform", True, _text(1, MAX_PLATFORM_BYTES), "text of 1..48 bytes"),
        (HELLO_CLEAN_BOOT, "clean_boot", False, _is_uint, "an unsigned integer"),
        (HELLO_CONFIG_VERSION, "config_version", False, _is_uint, "an unsigned integer"),
        (HELLO_CATALOG, "catalog", False, _is_catalog, "channel => [name, unit]"),
        (HELLO_STATE_LOST, "state_lost", False, _is_bool, "true or false"),
        (HELLO_RESET_CERTAINTY, "reset_certainty", False, _between(0, 3), "0..3"),
        (HELLO_RESET_NAME, "reset_name", False, _is_name, "text of 0..48 bytes or a string id"),
        (HELLO_DEAD_BOOTS, "dead_boots", False, _is_uint, "an unsigned integer"),
    ),
)

_judge_fault = _judge(
    "fault",
    (
        (FAULT_SPN, "spn", True, _between(0, MAX_SPN), "0..524287"),
        (FAULT_FMI, "fmi", True, _between(0, 31), "0..31"),
        (FAULT_STATUS, "status", True, _between(0, 255), "0..255"),
        (FAULT_OCCURRENCE, "occurrence", True, _between(0, MAX_OCCURRENCE), "0..126"),
        (FAULT_SEVERITY, "severity", True, _between(0, 7), "0..7"),
        (FAULT_CHANNEL, "channel", False, _between(0, 255), "0..255"),
        (FAULT_VALUE, "value", False, _is_value, "[exponent -9..9, integer]"),
        (FAULT_LIMIT, "limit", False, _is_int, "an integer"),
        (FAULT_FAILING_MS, "failing_ms", False, _is_uint, "an unsigned integer"),
        (FAULT_FREEZE, "freeze", False, _is_freeze, "a freeze frame"),
        (FAULT_CONTEXT, "context", False, _metrics(MAX_CONTEXT_METRICS), "1..24 metrics"),
        (FAULT_KIND, "kind", False, _between(0, 3), "0..3"),
    ),
)

_judge_crash = _judge(
    "crash",
    (
        (CRASH_KIND, "kind", True, _between(1, 9), "1..9"),
        (CRASH_EXCEPTION, "exception", False, _is_name, "text of 0..48 bytes or a string id"),
        (CRASH_MESSAGE, "message", False, _text(0, MAX_CRASH_TEXT_BYTES), "text of 0..96 bytes"),
        (
            CRASH_FRAMES,
            "frames",
            False,
            _array_of(1, MAX_FRAMES, _is_frame),
            "1..12 [file, line, function]",
        ),
        (
            CRASH_CRUMBS,
            "crumbs",
            False,
            _array_of(1, MAX_CRASH_CRUMBS, _is_crumb),
            "1..16 [ms, category, text, number]",
        ),
        (CRASH_HEAP_FREE, "heap_free", False, _is_uint, "an unsigned integer"),
        (CRASH_HEAP_LARGEST, "heap_largest", False, _is_uint, "an unsigned integer"),
        (CRASH_RESET_CAUSE, "reset_cause", False, _between(0, 15), "0..15"),
        (CRASH_FRAMES_OMITTED, "omitted", False, _is_uint, "an unsigned integer"),
        (
            CRASH_FAULTS,
            "faults",
            False,
            _array_of(1, MAX_CRASH_FAULTS, _is_fault_id),
            "1..8 [spn, fmi]",
        ),
    ),
)

_judge_result = _judge(
    "result",
    (
        (RESULT_CSEQ, "cseq", True, _is_uint, "an unsigned integer"),
        (RESULT_STATUS, "status", True, _between(0, 15), "0..15"),
        (RESULT_VALUE, "value", False, _any, "anything"),
    ),
)

_JUDGES = {
    RTYPE_HELLO: _judge_hello,
    RTYPE_HEARTBEAT: _judge_heartbeat,
    RTYPE_FAULT: _judge_fault,
    RTYPE_CRASH: _judge_crash,
    RTYPE_LOG: _judge_log,
    RTYPE_RESULT: _judge_result,
}
