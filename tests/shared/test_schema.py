# cpython-only
"""The normative schema, read by a CDDL validator, agrees with what we write and what we refuse."""

from pathlib import Path

import pycddl
import pytest

from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import (
    EnrollReply,
    EnrollRequest,
    put_enroll_reply,
    put_enroll_request,
)
from phonehome_wire.record import Fault, encode_crash, encode_fault
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink
from tests.shared.frames import noisy_frame
from tests.shared.golden import DEVICE, payload_of
from tests.shared.test_crash import long_crash
from tests.shared.test_fault import pump_fault

CDDL = (Path(__file__).parents[1] / "vectors" / "ph1.cddl").read_text()
GOLDEN = {
    "fault+freeze frame": "uplink",
    "heartbeat": "uplink",
    "crash": "uplink",
    "20 queued faults": "uplink",
    "hello": "uplink",
    "empty poll": "uplink",
    "LWT (signed at CONNECT)": "uplink",
    "forward compat: unknown type, unknown and private keys": "uplink",
    "ack 2 ranges": "ack",
    "reject + back-off": "ack",
    "command set-config": "command",
    "time reply": "time-reply",
}


def schema(rule):
    """A validator that begins at one rule."""
    return pycddl.Schema(f"start = {rule}\n{CDDL}")


def body_of(encode, *args):
    """The body of an encoded record, without its head."""
    enc = Encoder(bytearray(4096), 0)
    encode(enc, 1, 2, 3, *args)
    return bytes(enc.buf[5 : enc.pos])


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_payloads_follow_the_schema(name):
    """Each golden payload is what its rule says."""
    schema(GOLDEN[name]).validate_cbor(payload_of(name))


def test_faults_and_crashes_follow_the_schema():
    """The fullest and the emptiest bodies, before and after the ladder."""
    for budget in (300, 700, 2048):
        frame = noisy_frame(channels=16, samples=64, trigger=40)
        schema("fault").validate_cbor(body_of(encode_fault, pump_fault(frame), budget))
        schema("crash").validate_cbor(body_of(encode_crash, long_crash(), budget + 200))
    schema("fault").validate_cbor(body_of(encode_fault, Fault()))


def test_a_full_head_follows_the_schema():
    """An uplink with every optional field."""
    head = UplinkHead(b"inc1", 9, 2**40, b"12345678")
    head.utc_ms, head.utc_quality, head.server_ms, head.server_at_ms = 1, 3, 2, 55
    head.dropped, head.next_seq, head.state, head.conn = 4, 77, 1, 2
    head.manifest, head.origin_inc, head.is_carried = b"mani", b"inc0", True
    enc = Encoder(bytearray(256), 0)
    begin_uplink(enc, head, 0)
    end_uplink(enc, head)
    schema("uplink").validate_cbor(bytes(enc.buf[: enc.pos]))


def test_enrollment_follows_the_schema():
    """Request and reply."""
    enc = Encoder(bytearray(512), 0)
    put_enroll_request(enc, EnrollRequest(DEVICE, bytes(16), "Pico W", b"buil", "1234"))
    schema("enroll-request").validate_cbor(bytes(enc.buf[: enc.pos]))
    enc.reset(0)
    put_enroll_reply(enc, EnrollReply(1, DEVICE, bytes(16), bytes(64), 1))
    schema("enroll-reply").validate_cbor(bytes(enc.buf[: enc.pos]))


def test_the_validator_refuses_what_we_refuse():
    """The witness is awake: a spoiled golden payload does not pass it."""
    spoiled = payload_of("heartbeat").replace(b"\x00\x01", b"\x00\x02", 1)
    with pytest.raises(pycddl.ValidationError):
        schema("uplink").validate_cbor(spoiled)
