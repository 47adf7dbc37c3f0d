"""Reading a report at the receiver: the uplink map walked key by key, so that each record keeps
its own bytes.

Nothing is decoded twice: the bytes of a record are the span the decoder walked over.
"""

from .bodies import defect_of
from .decoder import Decoder
from .errors import RefusedError
from .fields import expect_bytes, expect_int, expect_major, maybe_bytes, maybe_int
from .limits import MAX_BUILD_BYTES, MAX_DEPTH, MAX_INT, MAX_RECORDS, MIN_BUILD_BYTES
from .registry import (
    KEY_UP_BOOT,
    KEY_UP_BUILD,
    KEY_UP_CARRIED,
    KEY_UP_CONN,
    KEY_UP_DROPPED,
    KEY_UP_INC,
    KEY_UP_MANIFEST,
    KEY_UP_NEXT_SEQ,
    KEY_UP_NOW_MS,
    KEY_UP_ORIGIN_INC,
    KEY_UP_RECORDS,
    KEY_UP_SERVER,
    KEY_UP_STATE,
    KEY_UP_UTC,
)
from .uplink import INC_BYTES, MANIFEST_BYTES, Record, Uplink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAP = 0xA0
_ARRAY = 0x80


def read_uplink(payload: "bytes | bytearray | memoryview") -> Uplink:
    """The uplink in an authentic payload; see uplink.decode_uplink."""
    decoder = Decoder(payload)
    try:
        head, records = _walk(decoder)
    except IndexError:
        raise decoder.ends_early() from None
    decoder.expect_end()
    return _uplink_of(head, records)


def _walk(decoder: Decoder) -> "tuple[dict[int, Any], list[Record] | None]":
    """The map without its records, and the records, None when there are none under the key."""
    head: "dict[int, Any]" = {}
    records = None
    last = -1
    for _ in range(decoder.read_count(_MAP)):
        last = decoder.read_key(last)
        if last == KEY_UP_RECORDS:
            records = _read_records(decoder)
        else:
            head[last] = decoder.read(MAX_DEPTH - 1)
    return head, records


def _read_records(decoder: Decoder) -> "list[Record]":
    count = decoder.read_count(_ARRAY)
    if count > MAX_RECORDS:
        raise RefusedError("schema", "%d records, at most %d" % (count, MAX_RECORDS))
    data = decoder.data
    records = []
    for i in range(count):
        start = decoder.pos
        value = decoder.read(MAX_DEPTH - 2)
        records.append(_record_of(value, data[start : decoder.pos], i))
    return records


def _record_of(value: "Any", raw: bytes, i: int) -> Record:
    """A record with a head that can be named in an ack, or RefusedError: the frozen head spoils
    the whole report.
    """
    if type(value) is not list or len(value) != 5:
        raise RefusedError("schema", "record %d is not [type, boot, seq, ms, body]" % i)
    rtype, boot, seq, ms, body = value
    for field in (rtype, boot, seq, ms):
        if type(field) is not int or field < 0:
            raise RefusedError(
                "schema", "record %d: head field %.40r is not unsigned" % (i, field)
            )
    if not 1 <= rtype <= 255:
        raise RefusedError("schema", "record %d: type %d, want 1..255" % (i, rtype))
    record = Record(rtype, boot, seq, ms, body, raw)
    record.defect = defect_of(rtype, body)
    return record


def _uplink_of(head: "dict[int, Any]", records: "list[Record] | None") -> Uplink:
    """The head checked against the schema. Keys beyond it are ignored: the raw message is what is
    kept.
    """
    expect_major(head)
    if records is None:
        raise RefusedError("schema", "key %d: the record array is missing" % KEY_UP_RECORDS)
    uplink = Uplink(
        expect_bytes(head, KEY_UP_INC, INC_BYTES),
        expect_int(head, KEY_UP_BOOT),
        expect_int(head, KEY_UP_NOW_MS),
        expect_bytes(head, KEY_UP_BUILD, MIN_BUILD_BYTES, MAX_BUILD_BYTES),
    )
    uplink.records = records
    if len(head) > 5:
        _read_optional(uplink, head)
    return uplink


def _read_optional(uplink: Uplink, head: "dict[int, Any]") -> None:
    uplink.utc_ms, uplink.utc_quality = _maybe_pair(head, KEY_UP_UTC, 3)
    uplink.dropped = maybe_int(head, KEY_UP_DROPPED)
    uplink.manifest = maybe_bytes(head, KEY_UP_MANIFEST, MANIFEST_BYTES)
    uplink.next_seq = maybe_int(head, KEY_UP_NEXT_SEQ)
    uplink.state = maybe_int(head, KEY_UP_STATE, 0, 1)
    uplink.conn = maybe_int(head, KEY_UP_CONN)
    uplink.server_ms, uplink.server_at_ms = _maybe_pair(head, KEY_UP_SERVER, MAX_INT)
    uplink.origin_inc = maybe_bytes(head, KEY_UP_ORIGIN_INC, INC_BYTES)
    uplink.is_carried = maybe_int(head, KEY_UP_CARRIED, 0, 1) == 1


def _maybe_pair(head: "dict[int, Any]", key: int, high: int) -> "tuple[int | None, int | None]":
    """Two unsigned integers under one key, the second up to `high`."""
    if key not in head:
        return None, None
    pair = head[key]
    if type(pair) is not list or len(pair) != 2:
        raise RefusedError("schema", "key %d: %.40r, want two integers" % (key, pair))
    first, second = pair
    if type(first) is not int or type(second) is not int or first < 0 or not 0 <= second <= high:
        raise RefusedError(
            "schema", "key %d: %.40r, want two integers, the second 0..%d" % (key, pair, high)
        )
    return first, second
