"""The golden vectors on this interpreter, both ways, and the messages that must be refused."""

from phonehome_wire import registry
from phonehome_wire.downlink import Ack, Command, put_ack, put_command, put_time_reply
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import make_kid, seal, unseal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import (
    Crash,
    Fault,
    encode_crash,
    encode_fault,
    put_head,
    put_heartbeat,
    put_hello,
)
from phonehome_wire.series import expand
from phonehome_wire.uplink import begin_uplink, decode_uplink, end_uplink
from tests.shared.frames import FakeFrame
from tests.shared.golden import (
    DEVICE,
    DEVICE_KEY,
    DOWN_KEY,
    KID,
    UP_KEY,
    negatives,
    positives,
    reason_of,
    receive,
)


def metrics_of(body):
    """Metrics with the numbers of a decoded map."""
    metrics = Metrics()
    for key in body:
        metrics.set(key, body[key])
    return metrics


def put_fault(enc, record):
    """Write a received fault again, through the device's own encoder."""
    body = record.body
    fault = Fault()
    fault.spn, fault.fmi, fault.status = body[0], body[1], body[2]
    fault.occurrence, fault.severity = body[3], body[4]
    fault.channel = body.get(registry.FAULT_CHANNEL)
    fault.exp, fault.value = body.get(registry.FAULT_VALUE, (None, None))
    fault.limit = body.get(registry.FAULT_LIMIT)
    fault.failing_ms = body.get(registry.FAULT_FAILING_MS)
    if registry.FAULT_FREEZE in body:
        freeze = body[registry.FAULT_FREEZE]
        channels = {key: expand(series) for key, series in freeze[2].items()}
        fault.frame = FakeFrame(channels, freeze[0], freeze[1])
    if registry.FAULT_CONTEXT in body:
        fault.context = metrics_of(body[registry.FAULT_CONTEXT])
    encode_fault(enc, record.boot, record.seq, record.ms, fault)


def put_crash(enc, record):
    """Write a received crash again, through the device's own encoder."""
    body = record.body
    crash = Crash(body[registry.CRASH_KIND])
    crash.exception, crash.message = body[1], body[2]
    crash.frames, crash.crumbs = body[3], body[4]
    crash.heap_free, crash.heap_largest, crash.reset_cause = body[5], body[6], body[7]
    encode_crash(enc, record.boot, record.seq, record.ms, crash)


def put_record(enc, record):
    """Write a received record again; a type this side does not know as it came."""
    if record.rtype == registry.RTYPE_FAULT and max(record.body) < 16:
        put_fault(enc, record)
    elif record.rtype == registry.RTYPE_CRASH:
        put_crash(enc, record)
    elif record.rtype == registry.RTYPE_HEARTBEAT:
        put_head(enc, record.rtype, record.boot, record.seq, record.ms)
        put_heartbeat(enc, metrics_of(record.body))
    elif record.rtype == registry.RTYPE_HELLO:
        put_head(enc, record.rtype, record.boot, record.seq, record.ms)
        put_hello(
            enc, record.body[0], record.body[1], record.body[2], record.body[3], record.body[4]
        )
    else:
        enc.put_raw(record.raw)


def put_uplink(enc, uplink):
    """Write a received uplink again."""
    begin_uplink(enc, uplink, len(uplink.records))
    for record in uplink.records:
        put_record(enc, record)
    end_uplink(enc, uplink)


def put_downlink(enc, message):
    """Write a received downlink again."""
    if isinstance(message, Ack):
        put_ack(enc, message)
    elif isinstance(message, Command):
        put_command(enc, message)
    else:
        put_time_reply(enc, message)


def test_keys_are_derived_as_the_vectors_say():
    """Both directions' keys and the key id follow from device key, device id and epoch."""
    assert up_key(DEVICE_KEY, DEVICE) == UP_KEY
    assert down_key(DEVICE_KEY, DEVICE) == DOWN_KEY
    assert make_kid(DEVICE, 1) == KID


def test_golden_payloads_are_authentic():
    """Every golden message opens with its direction's key and holds the golden payload."""
    for name, way, _, payload, message in positives():
        key = UP_KEY if way == "up" else DOWN_KEY
        assert bytes(unseal(message, key, kid=KID)) == payload, name


def test_golden_messages_are_written_byte_for_byte():
    """What each golden message says, written by our encoders and signed, is the same bytes."""
    enc = Encoder(bytearray(2048))
    for name, way, alg, payload, message in positives():
        if name.startswith("forward"):
            continue
        enc.reset()
        said = receive(way, message)
        if way == "up":
            put_uplink(enc, said)
        else:
            put_downlink(enc, said)
        assert bytes(enc.buf[40 : enc.pos]) == payload, name
        start, end = seal(enc.buf, enc.pos, UP_KEY if way == "up" else DOWN_KEY, KID, alg)
        assert bytes(enc.buf[start:end]) == message, name


def test_golden_records_have_no_defect_and_keep_their_bytes():
    """Golden bodies are as the schema wants; the raw records joined are inside the payload."""
    for name, way, _, payload, _ in positives():
        if way == "up":
            uplink = decode_uplink(payload)
            assert [r.defect for r in uplink.records] == [None] * len(uplink.records), name
            assert b"".join([r.raw for r in uplink.records]) in payload, name


def test_unknown_types_and_keys_are_let_through():
    """A record type and keys from a later version neither refuse the report nor its neighbours."""
    payload = next(p[3] for p in positives() if p[0].startswith("forward"))
    unknown, fault = decode_uplink(payload).records
    assert (unknown.rtype, unknown.defect) == (77, None)
    assert fault.body[registry.FAULT_KIND] == registry.KIND_HEALED
    assert fault.body[32768] == 1


def test_negative_vectors_are_refused_for_their_reason():
    """Every kind of bad message is refused, and the reason is the one that was broken."""
    wrong, count = [], 0
    for name, way, message, expect in negatives():
        count += 1
        reason = reason_of(receive, way, message)
        if reason != expect:
            wrong.append((name, expect, reason))
    assert wrong == []
    assert count > 130
