"""A signed message in words: names instead of numbers, hex instead of bytes."""

from collections.abc import Mapping
from typing import Any

from phonehome_cloud.core.fingerprint import fingerprint_of
from phonehome_cloud.core.transitions import name_body
from phonehome_wire import names
from phonehome_wire.envelope import payload_span, peek
from phonehome_wire.registry import (
    CRASH_KIND,
    CRASH_RESET_CAUSE,
    FAULT_CONTEXT,
    FAULT_FMI,
    FAULT_FREEZE,
    FAULT_KIND,
    FAULT_SEVERITY,
    FAULT_STATUS,
    FREEZE_CHANNELS,
    HELLO_RESET_CAUSE,
    HELLO_RESET_CERTAINTY,
    RTYPE_CRASH,
    RTYPE_FAULT,
    RTYPE_HEARTBEAT,
    RTYPE_HELLO,
    RTYPE_RESULT,
)
from phonehome_wire.series import expand
from phonehome_wire.uplink import Record, Uplink, decode_uplink

_HEAD_FIELDS = (
    "boot",
    "now_ms",
    "utc_ms",
    "utc_quality",
    "dropped",
    "next_seq",
    "state",
    "conn",
    "server_ms",
    "server_at_ms",
)
_HEAD_BYTES = ("inc", "build", "manifest", "origin_inc")
_BODY_NAMES: Mapping[int, Mapping[int, str]] = {
    RTYPE_HELLO: names.HELLO_NAMES,
    RTYPE_HEARTBEAT: names.METRIC_NAMES,
    RTYPE_FAULT: names.FAULT_NAMES,
    RTYPE_CRASH: names.CRASH_NAMES,
    RTYPE_RESULT: names.RESULT_FIELD_NAMES,
}
# (record type, body key) -> the words for its number.
_VALUE_NAMES: Mapping[tuple[int, int], Mapping[int, str]] = {
    (RTYPE_HELLO, HELLO_RESET_CAUSE): names.RESET_NAMES,
    (RTYPE_HELLO, HELLO_RESET_CERTAINTY): names.CERTAINTY_NAMES,
    (RTYPE_CRASH, CRASH_KIND): names.CRASHKIND_NAMES,
    (RTYPE_CRASH, CRASH_RESET_CAUSE): names.RESET_NAMES,
    (RTYPE_FAULT, FAULT_FMI): names.FMI_NAMES,
    (RTYPE_FAULT, FAULT_SEVERITY): names.SEVERITY_NAMES,
    (RTYPE_FAULT, FAULT_KIND): names.KIND_NAMES,
}


def describe_message(message: bytes) -> dict[str, Any]:
    """What a message says whose MAC intake has proven when it came; ready for JSON."""
    algorithm, kid = peek(message)
    start, end = payload_span(message)
    head = {"device": kid[:-1].hex(), "key_epoch": kid[-1], "algorithm": algorithm}
    return head | describe_uplink(decode_uplink(message[start:end]))


def describe_uplink(uplink: Uplink) -> dict[str, Any]:
    """The head of an uplink without what is absent, and its records."""
    found: dict[str, Any] = {name: getattr(uplink, name) for name in _HEAD_FIELDS}
    found |= {name: _hex(getattr(uplink, name)) for name in _HEAD_BYTES}
    found["is_carried"] = uplink.is_carried or None
    present = {name: value for name, value in found.items() if value is not None}
    return present | {"records": [describe_record(record) for record in uplink.records]}


def describe_record(record: Record) -> dict[str, Any]:
    """One record; a body that breaks the schema is told with its defect."""
    head = {
        "type": names.RTYPE_NAMES.get(record.rtype, str(record.rtype)),
        "boot": record.boot,
        "seq": record.seq,
        "ms": record.ms,
    }
    if record.defect is not None:
        return head | {"defect": record.defect, "body": _plain(record.body)}
    found = head | {"body": _describe_body(record.rtype, record.body)}
    if record.rtype == RTYPE_CRASH:
        found["fingerprint"] = fingerprint_of(name_body(record.rtype, record.body))
    return found


def _describe_body(rtype: int, body: Any) -> Any:
    known = _BODY_NAMES.get(rtype)
    if known is None or not isinstance(body, dict):
        return _plain(body)
    return {known.get(key, str(key)): _describe(rtype, key, value) for key, value in body.items()}


def _describe(rtype: int, key: int, value: Any) -> Any:
    words = _VALUE_NAMES.get((rtype, key))
    if words is not None and isinstance(value, int):
        return words.get(value, value)
    if rtype == RTYPE_FAULT and key == FAULT_STATUS:
        return {"value": value, "bits": names.bit_names(names.STATUS_NAMES, value)}
    if rtype == RTYPE_FAULT and key == FAULT_FREEZE:
        return _describe_frame(value)
    if rtype == RTYPE_FAULT and key == FAULT_CONTEXT:
        return {names.METRIC_NAMES.get(k, str(k)): v for k, v in value.items()}
    return _plain(value)


def _describe_frame(frame: Mapping[int, Any]) -> dict[str, Any]:
    found = {names.FREEZE_NAMES.get(k, str(k)): _plain(v) for k, v in frame.items()}
    series = frame[FREEZE_CHANNELS].items()
    found[names.FREEZE_NAMES[FREEZE_CHANNELS]] = {
        str(channel): _describe_series(values) for channel, values in series
    }
    return found


def _describe_series(series: list[int | None]) -> dict[str, Any]:
    exp, samples = expand(series)
    return {"exp": exp, "samples": samples}


def _plain(value: Any) -> Any:
    """A decoded CBOR value as JSON can hold it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()
