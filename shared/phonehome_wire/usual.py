"""Reports as appliances usually send them, checked by patterns instead of being decoded; for
receivers on CPython.

Faults and heartbeats are nearly all that devices say. Who stores them needs their heads, and to
know that the rest holds to both rules, strict encoding (`decoder`) and schema (`bodies`); what is
in it, the digest reads from the stored bytes. A pattern checks that in a fraction of the time that
decoding takes. Whatever it does not match is for `report`, which has the last word: nothing is
refused here, and nothing taken that would be refused there.
"""

import re
from functools import cache

from .decoder import decode
from .limits import MAX_CONTEXT_METRICS, MAX_ITEMS, MAX_METRICS, MAX_RECORDS
from .registry import METRIC_CONFIG_VERSION, RTYPE_FAULT, RTYPE_HEARTBEAT
from .uplink import Record, Uplink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Found = re.Match[bytes]

# Integers in their shortest form, the frequent ones first. Of 8 bytes, they are at least 2^32 and
# below 2^53; negative ones of that size are for the decoder.
_BYTE = rb"(?:[\x00-\x17]|\x18[\x18-\xff])"
_SHORT = rb"\x19(?!\x00).."
_UINT = _BYTE[:-1] + b"|" + _SHORT + rb"|\x1a(?!\x00\x00)....|\x1b\x00(?!\x00{3})[\x00-\x1f].{6})"
_INT = rb"(?:[\x20-\x37]|\x38[\x18-\xff]|" + _UINT + rb"|\x39(?!\x00)..|\x3a(?!\x00\x00)....)"
_SPN = _BYTE[:-1] + b"|" + _SHORT + rb"|\x1a\x00[\x01-\x07]..)"  # to 2^19 - 1
_PERIOD = rb"(?!\x00)" + _BYTE[:-1] + b"|" + _SHORT + rb"|\x1a\x00[\x01-\x35]..)"  # of an hour
_EXP = rb"[\x00-\x09\x20-\x28]"


def _pattern(*parts: bytes) -> "re.Pattern[bytes]":
    return re.compile(b"".join(parts), re.DOTALL)


# registry.KEY_UP_*: in front of the records and behind them, a group for each value.
_HEAD = _pattern(
    rb"([\xa6-\xaf])\x00\x01\x01\x44(....)\x02(", _UINT, rb")\x03(", _UINT, rb")",
    rb"(?:\x04\x82(", _UINT, rb")([\x00-\x03]))?",
    rb"\x05(\x44....|\x45.{5}|\x46.{6}|\x47.{7}|\x48.{8})\x06([\x80-\x97]|\x98[\x18-\xff])",
)  # fmt: skip
_REST = _pattern(
    rb"(?:\x07(", _UINT, rb"))?(?:\x08\x44(....))?(?:\x09(", _UINT, rb"))?(?:\x0a([\x00\x01]))?",
    rb"(?:\x0b(", _UINT, rb"))?(?:\x0c\x82(", _UINT, rb")(", _UINT, rb"))?",
    rb"(?:\x0d\x44(....))?(?:\x10([\x00\x01]))?",
)  # fmt: skip
_NAME = rb"(" + _UINT + rb")(" + _UINT + rb")(" + _UINT + rb")"  # boot, seq, ms
_HEARTBEAT = _pattern(rb"\x85\x02", _NAME, rb"([\xa1-\xb7]|\xb8[\x18-\xff])")
# registry.FAULT_*: all of it without a freeze frame, else up to its channels.
_FAULT = _pattern(
    rb"\x85\x03", _NAME, rb"([\xa5-\xac])",
    rb"\x00", _SPN, rb"\x01(?:[\x00-\x17]|\x18[\x18-\x1f])\x02", _BYTE,
    rb"\x03(?:[\x00-\x17]|\x18[\x18-\x7e])\x04[\x00-\x07]",
    rb"(\x05", _BYTE, rb")?(\x06\x82", _EXP, _INT, rb")?(\x07", _INT, rb")?(\x08", _UINT, rb")?",
    rb"(?:(\x0b[\x00-\x03])|\x09\xa3\x00", _PERIOD, rb"\x01", _BYTE, rb"\x02([\xa1-\xb0]))?",
)  # fmt: skip
_CONTEXT = _pattern(rb"\x0a([\xa1-\xb7]|\xb8[\x18-\xff])")
_KIND = _pattern(rb"\x0b[\x00-\x03]")
_CHANNEL = _pattern(rb"(", _UINT, rb")([\x82-\x97]|\x98[\x18-\x81])", _EXP)
_METRIC = _pattern(rb"(", _BYTE, rb")", _INT)
_VERSION = bytes((METRIC_CONFIG_VERSION,))


class _UnusualError(Exception):
    """Something for the decoder."""


class UsualRecord(Record):
    """A well-formed fault, or a heartbeat that says nothing of the configuration; its body is
    decoded when somebody asks for it.
    """

    def __init__(self, rtype: int, boot: int, seq: int, ms: int, raw: bytes) -> None:
        self.rtype = rtype
        self.boot = boot
        self.seq = seq
        self.ms = ms
        self.raw = raw
        self.defect = None

    def __getattr__(self, name: str) -> "Any":
        """The body, the first time; Python asks here for what is not there yet."""
        if name != "body":
            raise AttributeError(name)
        self.body = decode(self.raw)[4]
        return self.body


def read_usual(payload: "bytes | bytearray | memoryview") -> "Uplink | None":
    """The uplink in an authentic payload, None when there is anything in it for the decoder."""
    data = bytes(payload)
    head = _HEAD.match(data)
    if head is None or len(data) >= MAX_ITEMS:  # fewer bytes have fewer items than are allowed
        return None
    try:
        records, end = _read_records(data, head.end(), _count(head[8]))
    except _UnusualError:
        return None
    rest = _REST.fullmatch(data, end)
    if rest is None or _count(head[1]) != _fields(head, rest):
        return None
    return _uplink_of(head, rest, records)


def _fields(head: "Found", rest: "Found") -> int:
    """How many fields of the uplink there are."""
    values = rest.groups()
    return 14 - values.count(None) + (head[5] is not None) + (values[5] is None)


def _uplink_of(head: "Found", rest: "Found", records: "list[Record]") -> Uplink:
    uplink = Uplink(head[2], _number(head[3]), _number(head[4]), head[7][1:])
    uplink.records = records
    if head[1] == b"\xa6":
        return uplink
    uplink.utc_ms, uplink.utc_quality = _maybe(head[5]), _maybe(head[6])
    uplink.dropped, uplink.manifest, uplink.next_seq = _maybe(rest[1]), rest[2], _maybe(rest[3])
    uplink.state, uplink.conn = _maybe(rest[4]), _maybe(rest[5])
    uplink.server_ms, uplink.server_at_ms = _maybe(rest[6]), _maybe(rest[7])
    uplink.origin_inc, uplink.is_carried = rest[8], rest[9] == b"\x01"
    return uplink


def _read_records(data: bytes, at: int, count: int) -> "tuple[list[Record], int]":
    """`count` records from `at`, and where they end."""
    if count > MAX_RECORDS:
        raise _UnusualError
    records: "list[Record]" = []
    for _ in range(count):
        fault = _FAULT.match(data, at)
        if fault is not None:
            rtype, head, end = RTYPE_FAULT, fault, _end_of_fault(data, fault)
        else:
            rtype, head = RTYPE_HEARTBEAT, _expect(_HEARTBEAT, data, at)
            end = _skip_metrics(data, head.end(), _count(head[4]), MAX_METRICS)
        boot, seq, ms = _number(head[1]), _number(head[2]), _number(head[3])
        records.append(UsualRecord(rtype, boot, seq, ms, data[at:end]))
        at = end
    return records, at


def _end_of_fault(data: bytes, fault: "Found") -> int:
    """Where a fault ends that has as many fields as its map announces."""
    _, _, _, fields, *values, channels = fault.groups()
    left = fields[0] - 0xA5 - 5 + values.count(None)
    at = fault.end()
    if channels is not None:
        left -= 1
        at = _skip_channels(data, at, _count(channels))
    if left == 0:
        return at
    context = _CONTEXT.match(data, at)
    if context is not None:
        left -= 1
        at = _skip_metrics(data, context.end(), _count(context[1]), MAX_CONTEXT_METRICS)
    if left == 1 and values[4] is None:
        return _expect(_KIND, data, at).end()
    if left != 0:
        raise _UnusualError
    return at


def _skip_channels(data: bytes, at: int, count: int) -> int:
    """Where a map of `count` channels ends: in ascending order, a series under each."""
    last = b""
    for _ in range(count):
        head = _expect(_CHANNEL, data, at)
        channel, items = head.groups()
        if channel <= last:  # numbers of the shortest form are in the order of their bytes
            raise _UnusualError
        last = channel
        at = _expect(_samples(_count(items) - 1), data, head.end()).end()
    return at


def _skip_metrics(data: bytes, at: int, count: int, most: int) -> int:
    """Where a map of `count` metrics ends."""
    if count > most:
        raise _UnusualError
    end = _expect(_metrics(count), data, at).end()
    ids = _METRIC.findall(data, at, end)
    if ids != sorted(set(ids)) or _VERSION in ids:
        raise _UnusualError
    return end


@cache
def _samples(count: int) -> "re.Pattern[bytes]":
    """`count` samples: nearly always one that says where the series begins, then small steps."""
    sample = rb"(?:\xf6|" + _INT + b")"
    steps = rb"[\x00-\x17\x20-\x37\xf6]{%d}" % (count - 1)
    return _pattern(sample, b"(?:", steps, b"|", sample, b"{%d})" % (count - 1))


@cache
def _metrics(count: int) -> "re.Pattern[bytes]":
    """`count` metrics: the id, then the number."""
    return _pattern(b"(?:", _BYTE, _INT, b"){%d}" % count)


def _expect(pattern: "re.Pattern[bytes]", data: bytes, at: int) -> "Found":
    found = pattern.match(data, at)
    if found is None:
        raise _UnusualError
    return found


def _count(head: bytes) -> int:
    """How many follow the head of an array or a map."""
    return head[1] if len(head) > 1 else head[0] & 0x1F


def _number(item: bytes) -> int:
    """An unsigned integer."""
    return item[0] if len(item) == 1 else int.from_bytes(item[1:], "big")


def _maybe(item: "bytes | None") -> "int | None":
    return None if item is None else _number(item)
