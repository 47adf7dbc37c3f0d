"""Stored records read again: fault transitions, and other bodies as JSON with names for keys."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any, NamedTuple

# cbor2: the library of the field, for bytes that were checked before.
import cbor2

from phonehome_wire import names, registry
from phonehome_wire.series import expand

from .anchoring import EventTime

_TEST = str(registry.METRIC_TEST)

Order = tuple[int, int, int]  # (inc_seen_at, boot, seq): the order in which a device did things


class RecordHead(NamedTuple):
    """Where a record comes from, and when it happened."""

    device: str
    inc: str
    inc_seen_at: int
    boot: int
    seq: int
    time: EventTime
    received_at: int
    late: bool

    @property
    def order(self) -> Order:
        """Its place among everything the device ever did."""
        return self.inc_seen_at, self.boot, self.seq


class Transition(NamedTuple):
    """One fault transition, in the words of the wire's fault record."""

    head: RecordHead
    spn: int
    fmi: int
    status: int
    occurrence: int
    severity: int
    kind: int
    channel: int | None
    exp: int | None
    value: int | None
    limit: int | None
    failing_ms: int | None
    has_frame: bool
    context: Mapping[str, int] | None

    @property
    def key(self) -> tuple[str, int, int]:
        """(device, fault id, failure mode): what one ticket is about."""
        return self.head.device, self.spn, self.fmi

    @property
    def is_test(self) -> bool:
        """Whether somebody at the device provoked it: nothing is wrong with the appliance."""
        return bool(self.context and self.context.get(_TEST))


def read_body(raw: bytes) -> Any:
    """The body of a stored record, with numbers for keys; ValueError when it is not CBOR.

    Intake has decoded it strictly before it was stored, so a general library is good enough here,
    and takes 6 us for a fault with a freeze frame instead of 19.
    """
    try:
        return cbor2.loads(raw)[4]
    except cbor2.CBORDecodeError as error:
        raise ValueError(str(error)) from error


def read_transition(head: RecordHead, body: Mapping[int, Any]) -> Transition:
    """A fault body; KeyError or TypeError when it is none."""
    exp, value = body.get(registry.FAULT_VALUE, (None, None))
    context = body.get(registry.FAULT_CONTEXT)
    return Transition(
        head,
        body[registry.FAULT_SPN],
        body[registry.FAULT_FMI],
        body[registry.FAULT_STATUS],
        body[registry.FAULT_OCCURRENCE],
        body[registry.FAULT_SEVERITY],
        body.get(registry.FAULT_KIND, registry.KIND_CONFIRMED),
        body.get(registry.FAULT_CHANNEL),
        exp,
        value,
        body.get(registry.FAULT_LIMIT),
        body.get(registry.FAULT_FAILING_MS),
        registry.FAULT_FREEZE in body,
        {str(metric): number for metric, number in context.items()} if context else None,
    )


def read_frame(raw: bytes) -> dict[str, Any] | None:
    """The freeze frame of a stored fault record with its series written out, None without one.

    {"period_ms", "trigger", "channels": [{"channel", "exp", "samples": [int or None]}]}. It takes
    20 us, and most frames are never looked at: so the digest leaves them where they are.
    """
    freeze = read_body(raw).get(registry.FAULT_FREEZE)
    if freeze is None:
        return None
    return {
        "period_ms": freeze[registry.FREEZE_PERIOD_MS],
        "trigger": freeze[registry.FREEZE_TRIGGER],
        "channels": [
            _read_channel(channel, series)
            for channel, series in freeze[registry.FREEZE_CHANNELS].items()
        ],
    }


def _read_channel(channel: int, series: list[int | None]) -> dict[str, Any]:
    if None in series:
        exp, samples = expand(series)
    else:  # nearly always, and eight times as fast
        exp, samples = series[0] or 0, list(accumulate(series[1:]))
    return {"channel": channel, "exp": exp, "samples": samples}


_BODY_NAMES = {
    registry.RTYPE_HELLO: names.HELLO_NAMES,
    registry.RTYPE_CRASH: names.CRASH_NAMES,
    registry.RTYPE_RESULT: names.RESULT_FIELD_NAMES,
}


def name_body(rtype: int, body: Any) -> Any:
    """A body as JSON: names instead of key numbers where they are known, bytes in hex."""
    if not isinstance(body, dict):
        return plain(body)
    known = _BODY_NAMES.get(rtype, {})
    return {known.get(key, str(key)): plain(value) for key, value in body.items()}


def plain(value: Any) -> Any:
    """A value of the wire as JSON: texts for map keys, bytes in hex, and U+FFFD for the NUL that
    PostgreSQL cannot keep in a text.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return value.hex() if isinstance(value, bytes) else value
