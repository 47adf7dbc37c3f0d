"""Reports: put together from what waits, and signed in place (WIRE.md 3.1 and 4.2)."""

from phonehome.core.recordhead import read_head
from phonehome_wire.compat import const
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import seal
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

from .records import begin, make_heartbeat

# Folded away on a board; a test holds them to the wire's registry and limits.
_BATCH_OVERHEAD_BYTES = const(105)
_MAX_BATCH_BYTES = const(1400)


def compose(reporter, now_ms: int):
    """Put together and sign the next report; a view of the buffer, or None: nothing to say."""
    begin(reporter, now_ms)
    if reporter.wants_poll:  # with nothing beside it: the answer is a command, not an ack
        reporter.wants_poll = False
        return _compose(reporter, reporter.session.inc, [], [], now_ms)
    if reporter.is_beat_due:
        make_heartbeat(reporter, now_ms)
    heartbeat = reporter.heartbeat
    limit = reporter.in_flight.limit
    room = _MAX_BATCH_BYTES - _BATCH_OVERHEAD_BYTES - len(heartbeat or b"")
    inc, records = reporter.outbox.open().batch(limit - 1 or 1, room)
    keys = [read_head(record)[1:] for record in records]
    if heartbeat and inc == reporter.session.inc and len(records) < limit:
        records.append(heartbeat)
        keys.append(reporter.heartbeat_key)
    return _compose(reporter, inc, records, keys, now_ms) if records else None


def _compose(reporter, inc: bytes, records: list, keys: list, now_ms: int) -> memoryview:
    reporter.in_flight.begin(inc, keys, now_ms)
    return _sign(reporter, make_head(reporter, inc, now_ms), records)


def compose_state(reporter, state: int, conn: int, now_ms: int) -> bytes:
    """The signed word for the state topic: STATE_ONLINE or STATE_OFFLINE of a connection."""
    begin(reporter, now_ms)
    head = make_head(reporter, reporter.session.inc, now_ms)
    head.state, head.conn = state, conn
    return bytes(_sign(reporter, head, []))


def make_head(reporter, inc: bytes, now_ms: int) -> UplinkHead:
    """What a report of records of this incarnation says beside them."""
    session, clock, birth = reporter.session, reporter.clock, reporter.birth
    head = UplinkHead(session.inc, session.boot, now_ms, birth.build)
    head.manifest = birth.manifest
    head.utc_ms = clock.utc_ms(now_ms)
    head.utc_quality = clock.quality()
    head.dropped = reporter.outbox.dropped or None
    head.next_seq = session.next_seq
    head.server_ms = clock.server_ms
    head.server_at_ms = clock.server_at_ms
    head.origin_inc = None if inc == session.inc else inc
    return head


def put_report(reporter, head: UplinkHead, records: list) -> Encoder:
    """Write a report into the reporter's buffer, from the offset that a signature wants."""
    enc = Encoder(reporter.buf)
    begin_uplink(enc, head, len(records))
    for record in records:
        enc.put_raw(record)
    end_uplink(enc, head)
    return enc


def _sign(reporter, head: UplinkHead, records: list) -> memoryview:
    enc, identity = put_report(reporter, head, records), reporter.identity
    start, end = seal(enc.buf, enc.pos, identity.up_key, identity.kid)
    reporter.clock.note_signed(head.now_ms)
    return memoryview(enc.buf)[start:end]
