"""The uplink map: who speaks, in which boot, when, and the records. One is signed for each
sending.

begin_uplink(enc, head, len(records)); enc.put_raw(record) for each; end_uplink(enc, head)
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError

# Folded away on a board; a test holds them to registry and limits.
_MAX_BUILD_BYTES = const(8)
_MAX_RECORDS = const(64)
_MIN_BUILD_BYTES = const(4)
_KEY_UP_BOOT = const(2)
_KEY_UP_BUILD = const(5)
_KEY_UP_CARRIED = const(16)
_KEY_UP_CONN = const(11)
_KEY_UP_DROPPED = const(7)
_KEY_UP_INC = const(1)
_KEY_UP_MAJOR = const(0)
_KEY_UP_MANIFEST = const(8)
_KEY_UP_NEXT_SEQ = const(9)
_KEY_UP_NOW_MS = const(3)
_KEY_UP_ORIGIN_INC = const(13)
_KEY_UP_RECORDS = const(6)
_KEY_UP_SERVER = const(12)
_KEY_UP_STATE = const(10)
_KEY_UP_UTC = const(4)
_MAJOR = const(1)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any

INC_BYTES = const(4)
MANIFEST_BYTES = const(4)


class UplinkHead:
    """Everything of an uplink but its records; kept and refilled by the device. None is absent.

    `now_ms` is the uptime at signing; `utc_ms` with `utc_quality` (QUALITY_*) what the device
    believes; `dropped` counts the records lost in this boot; `server_ms` with `server_at_ms` the
    newest signed server time and the uptime when it came; `origin_inc` the incarnation of the
    records when it is not `inc`; `state` and `conn` only on the state topic. `is_carried`: it goes
    by way of a courier, and may be days on the way.
    """

    def __init__(self, inc: bytes, boot: int, now_ms: int, build: bytes) -> None:
        self.inc = inc
        self.boot = boot
        self.now_ms = now_ms
        self.build = build
        self.utc_ms: "int | None" = None
        self.utc_quality: "int | None" = None
        self.dropped: "int | None" = None
        self.manifest: "bytes | None" = None
        self.next_seq: "int | None" = None
        self.state: "int | None" = None
        self.conn: "int | None" = None
        self.server_ms: "int | None" = None
        self.server_at_ms: "int | None" = None
        self.origin_inc: "bytes | None" = None
        self.is_carried = False


class Uplink(UplinkHead):
    """A received uplink: the head's attributes and `records`."""

    def __init__(self, inc: bytes, boot: int, now_ms: int, build: bytes) -> None:
        super().__init__(inc, boot, now_ms, build)
        self.records: "list[Record]" = []


class Record:
    """A received record.

    `raw` is its bytes as received, `body` the decoded body (map keys are registry numbers);
    `defect` is None, or what is wrong with the body of a known type, which is then not to be used.
    Unknown types have no defect.
    """

    def __init__(self, rtype: int, boot: int, seq: int, ms: int, body: "Any", raw: bytes) -> None:
        self.rtype = rtype
        self.boot = boot
        self.seq = seq
        self.ms = ms
        self.body = body
        self.raw = raw
        self.defect: "str | None" = None


def begin_uplink(enc: Encoder, head: UplinkHead, record_count: int) -> None:
    """Write the map up to the head of the record array; exactly `record_count` (0..64) records
    must follow.
    """
    if record_count > _MAX_RECORDS:
        raise EncodeError("range", "%d records, at most %d" % (record_count, _MAX_RECORDS))
    if not _MIN_BUILD_BYTES <= len(head.build) <= _MAX_BUILD_BYTES:
        raise EncodeError("length", "build id of %d bytes, want 4..8" % len(head.build))
    enc.put_map(6 + (head.utc_ms is not None) + _late_field_count(head))
    enc.put_field(_KEY_UP_MAJOR, _MAJOR)
    _put_id(enc, _KEY_UP_INC, head.inc)
    enc.put_field(_KEY_UP_BOOT, head.boot)
    enc.put_field(_KEY_UP_NOW_MS, head.now_ms)
    _put_pair(enc, _KEY_UP_UTC, head.utc_ms, head.utc_quality)
    enc.put_uint(_KEY_UP_BUILD)
    enc.put_bytes(head.build)
    enc.put_uint(_KEY_UP_RECORDS)
    enc.put_array(record_count)


def end_uplink(enc: Encoder, head: UplinkHead) -> None:
    """Write what follows the records. The head must not have changed since begin_uplink."""
    enc.put_field(_KEY_UP_DROPPED, head.dropped)
    _put_id(enc, _KEY_UP_MANIFEST, head.manifest)
    enc.put_field(_KEY_UP_NEXT_SEQ, head.next_seq)
    enc.put_field(_KEY_UP_STATE, head.state)
    enc.put_field(_KEY_UP_CONN, head.conn)
    _put_pair(enc, _KEY_UP_SERVER, head.server_ms, head.server_at_ms)
    _put_id(enc, _KEY_UP_ORIGIN_INC, head.origin_inc)
    if head.is_carried:
        enc.put_field(_KEY_UP_CARRIED, 1)


def decode_uplink(payload: "bytes | bytearray | memoryview") -> Uplink:
    """The uplink in an authentic payload. RefusedError when the payload or its head breaks a rule.

    A body that breaks its schema spoils only its own record: `Record.defect` says why.
    """
    from .report import read_uplink  # receivers only: a board never loads the schema

    return read_uplink(payload)


def _late_field_count(head: UplinkHead) -> int:
    """Fields behind the records."""
    return (
        (head.dropped is not None)
        + (head.manifest is not None)
        + (head.next_seq is not None)
        + (head.state is not None)
        + (head.conn is not None)
        + (head.server_ms is not None)
        + (head.origin_inc is not None)
        + head.is_carried
    )


def _put_id(enc: Encoder, key: int, value: "bytes | None") -> None:
    """An incarnation or a manifest: four bytes."""
    if value is not None:
        if len(value) != INC_BYTES:
            raise EncodeError("length", "uplink key %d of %d bytes, want 4" % (key, len(value)))
        enc.put_uint(key)
        enc.put_bytes(value)


def _put_pair(enc: Encoder, key: int, first: "int | None", second: "int | None") -> None:
    if first is not None:
        enc.put_uint(key)
        enc.put_array(2)
        enc.put_uint(first)
        enc.put_uint(second or 0)
