"""Uplinks, downlinks and enrollment: what one side puts the other reads, field by field."""

from phonehome_wire.downlink import (
    Ack,
    Command,
    TimeReply,
    decode_downlink,
    put_ack,
    put_command,
    put_time_reply,
)
from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import (
    EnrollReply,
    EnrollRequest,
    decode_enroll_reply,
    decode_enroll_request,
    put_enroll_reply,
    put_enroll_request,
)
from phonehome_wire.errors import EncodeError
from phonehome_wire.rekeying import claim_kek
from phonehome_wire.uplink import UplinkHead, begin_uplink, decode_uplink, end_uplink
from phonehome_wire.wrapping import unwrap_key, wrap_key
from tests.shared.golden import DEVICE, DEVICE_KEY, payload_of, reason_of
from tests.shared.test_encoder import raised

KEK = claim_kek(DEVICE_KEY, bytes(16), DEVICE)
# AES-CCM of the RFC as another library computes it, so that both interpreters must agree with it.
WRAPPED = (
    "d08343a1010aa1054d000102030405060708090a0b0c58281635b68b570cfc85529e39ac913910d7f3111631"
    "623867f134e6e441904fd50400df8731321039ec"
)


def through(put, decode, message):
    """The attributes of a message after it was written and read."""
    enc = Encoder(bytearray(1024), 0)
    put(enc, message)
    return vars_of(decode(memoryview(enc.buf)[: enc.pos]))


def vars_of(thing):
    """Attributes as a dict, on both interpreters."""
    return {name: value for name, value in thing.__dict__.items() if name != "records"}


def test_every_uplink_field_arrives():
    """A head with everything set is the same on the other side."""
    head = UplinkHead(b"\1\2\3\4", 9, 2**40, b"12345678")
    head.utc_ms, head.utc_quality = 1790000000000, 3
    head.dropped, head.manifest, head.next_seq = 4, b"mani", 77
    head.state, head.conn = 1, 2
    head.server_ms, head.server_at_ms = 1790000000001, 55
    head.origin_inc, head.is_carried = b"\4\3\2\1", True
    enc = Encoder(bytearray(256))
    begin_uplink(enc, head, 1)
    enc.put_raw(b"\x85\x18\x80\x09\x00\x00\xf6")
    end_uplink(enc, head)
    uplink = decode_uplink(bytes(enc.buf[40 : enc.pos]))
    assert vars_of(uplink) == vars_of(head)
    assert [(r.rtype, r.body, r.raw) for r in uplink.records] == [
        (128, None, b"\x85\x18\x80\x09\x00\x00\xf6")
    ]


def test_uplink_heads_are_checked():
    """Ids of the wrong length and too many records are local mistakes."""
    enc = Encoder(bytearray(256))
    good = UplinkHead(b"inc1", 1, 1, b"buil")
    assert raised(EncodeError, begin_uplink, enc, good, 65).reason == "range"
    assert raised(EncodeError, begin_uplink, enc, UplinkHead(b"inc", 1, 1, b"buil"), 0)
    assert raised(EncodeError, begin_uplink, enc, UplinkHead(b"inc1", 1, 1, b"bui"), 0)
    good.manifest = b"long manifest"
    assert raised(EncodeError, end_uplink, enc, good).reason == "length"


def test_acks_arrive():
    """The short ack, and the one with everything."""
    short = Ack(b"inc1", 3, 1790000000000, 500)
    assert through(put_ack, decode_downlink, short) == vars_of(short)
    full = Ack(
        b"inc1",
        3,
        1790000000000,
        500,
        stored=[(2, 0, 9), (3, 4, 4)],
        refused=[(3, 5, 1)],
        backoff_s=86400,
        origin_inc=b"inc0",
        poll=3,
    )
    assert through(put_ack, decode_downlink, full) == vars_of(full)


def test_commands_and_time_replies_arrive():
    """With and without arguments."""
    for args in (None, {}, {0: 1, 3: ["x", b"y", None]}):
        command = Command(b"inc1", 3, 1790000000000, 8, 999999, 5, args)
        assert through(put_command, decode_downlink, command) == vars_of(command)
    reply = TimeReply(1790000000000, b"12345678")
    assert through(put_time_reply, decode_downlink, reply) == vars_of(reply)


def test_devices_take_at_most_a_kilobyte():
    """A downlink of more than 1024 bytes is refused before it is read."""
    enc = Encoder(bytearray(2048), 0)
    put_command(enc, Command(b"inc1", 3, 0, 8, 9, 5, {0: bytes(1100)}))
    assert reason_of(decode_downlink, enc.buf[: enc.pos]) == "length"


def test_enrollment_messages_arrive():
    """Request with and without a code, and the reply."""
    for code in (None, "1234-5678"):
        request = EnrollRequest(DEVICE, bytes(16), "Pico W", b"buil", code)
        assert through(put_enroll_request, decode_enroll_request, request) == vars_of(request)
    reply = EnrollReply(1790000000000, DEVICE, bytes(16), bytes(64), 1)
    assert through(put_enroll_reply, decode_enroll_reply, reply) == vars_of(reply)


def test_enrollment_keeps_the_schema():
    """Nonces and codes of the wrong size, epoch 0 and other kinds are refused."""
    enc = Encoder(bytearray(1024), 0)
    for request in (
        EnrollRequest(DEVICE[1:], bytes(16), "Pico W", b"buil"),
        EnrollRequest(DEVICE, bytes(15), "Pico W", b"buil"),
        EnrollRequest(DEVICE, bytes(16), "", b"buil"),
        EnrollRequest(DEVICE, bytes(16), "Pico W", b"bui"),
        EnrollRequest(DEVICE, bytes(16), "Pico W", b"buil", "123"),
    ):
        enc.reset(0)
        put_enroll_request(enc, request)
        assert reason_of(decode_enroll_request, enc.buf[: enc.pos]) == "schema"
    enc.reset(0)
    put_enroll_reply(enc, EnrollReply(1, DEVICE, bytes(16), b"", 0))
    assert reason_of(decode_enroll_reply, enc.buf[: enc.pos]) == "schema"
    assert reason_of(decode_enroll_reply, payload_of("time reply")) == "schema"


def test_wrapped_keys_are_standard():
    """The wrapped key is byte for byte what AES-CCM-16-64-128 gives, and opens again."""
    wrapped = wrap_key(bytes(range(16)), bytes(range(13)), bytes(range(32)))
    assert wrapped.hex() == WRAPPED
    assert unwrap_key(bytes(range(16)), wrapped) == bytes(range(32))


def test_wrapped_keys_open_for_their_board_only():
    """Another kek, any changed byte, or another length gives no key."""
    wrapped = bytearray(wrap_key(KEK, bytes(13), DEVICE_KEY))
    assert unwrap_key(KEK, bytes(wrapped)) == DEVICE_KEY
    assert (
        reason_of(unwrap_key, claim_kek(DEVICE_KEY, b"\1" * 16, DEVICE), bytes(wrapped)) == "tag"
    )
    for at in range(len(wrapped)):
        wrapped[at] ^= 4
        assert reason_of(unwrap_key, KEK, bytes(wrapped)) in ("frame", "tag")
        wrapped[at] ^= 4
    assert reason_of(unwrap_key, KEK, bytes(wrapped[:-1])) == "frame"
    assert raised(EncodeError, wrap_key, KEK, bytes(12), DEVICE_KEY).reason == "length"
