"""The envelope: nothing is believed before the MAC holds, and no single byte can be changed."""

from phonehome_wire import portable
from phonehome_wire.envelope import (
    ALG_HMAC_64,
    ALG_HMAC_256,
    PAYLOAD_OFFSET,
    make_kid,
    peek,
    seal,
    unseal,
)
from phonehome_wire.errors import EncodeError
from phonehome_wire.keys import up_key
from phonehome_wire.primitives import hmac_sha256
from phonehome_wire.rekeying import rotated_key
from tests.shared.golden import DEVICE, DEVICE_KEY, DOWN_KEY, KID, UP_KEY, message_of, reason_of
from tests.shared.test_encoder import raised

# RFC 4231: key, data, HMAC-SHA-256.
RFC_4231 = (
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)


def sealed(payload, alg=ALG_HMAC_64, room=40):
    """A payload signed in a buffer that is just large enough."""
    buf = bytearray(PAYLOAD_OFFSET + len(payload) + room)
    buf[PAYLOAD_OFFSET : PAYLOAD_OFFSET + len(payload)] = payload
    start, end = seal(buf, PAYLOAD_OFFSET + len(payload), UP_KEY, KID, alg)
    return bytes(buf[start:end])


def test_hmac_is_the_standard_one():
    """The portable HMAC and the interpreter's agree with RFC 4231, in one part or many."""
    for key, data, expected in RFC_4231:
        assert portable.hmac_sha256(key, data).hex() == expected
        assert portable.hmac_sha256(key, data[:3], memoryview(data)[3:]).hex() == expected
        assert hmac_sha256(key, data[:1], data[1:]).hex() == expected


def test_constant_time_comparison_compares():
    """Equal, different in one bit, different in length."""
    assert portable.is_equal(b"abcd", b"abcd")
    assert not portable.is_equal(b"abcd", b"abce")
    assert not portable.is_equal(b"abcd", b"abc")


def test_every_payload_length_form_round_trips():
    """Lengths at every edge of the length's own width come back whole, with both tags."""
    for size in (0, 1, 23, 24, 255, 256, 1400):
        payload = bytes([size & 0xFF]) * size
        for alg, tag_bytes in ((ALG_HMAC_64, 9), (ALG_HMAC_256, 34)):
            message = sealed(payload, alg)
            head = 1 if size < 24 else 2 if size < 256 else 3
            assert len(message) == 18 + head + size + tag_bytes
            assert peek(message) == (alg, KID)
            assert bytes(unseal(message, UP_KEY, kid=KID)) == payload


def test_every_flipped_bit_is_refused():
    """No bit of a signed message may be turned: template, key id, length, payload or tag."""
    message = bytearray(message_of("heartbeat"))
    for at in range(len(message)):
        for bit in range(8):
            message[at] ^= 1 << bit
            assert reason_of(unseal, message, UP_KEY, 4096, KID) in ("frame", "kid", "tag")
            message[at] ^= 1 << bit
    assert reason_of(unseal, message, UP_KEY) is None


def test_every_truncation_is_refused():
    """A message cut anywhere is no message."""
    message = message_of("ack 2 ranges")
    for end in range(len(message)):
        assert reason_of(unseal, message[:end], DOWN_KEY) == "frame"


def test_the_cap_is_checked_first():
    """A message above the caller's cap is refused before its MAC is computed."""
    message = sealed(bytes(1100))
    assert reason_of(unseal, message, UP_KEY, len(message)) is None
    assert reason_of(unseal, message, UP_KEY, len(message) - 1) == "frame"


def test_payload_is_a_view():
    """Opening a message copies nothing."""
    assert isinstance(unseal(sealed(b"abc"), UP_KEY), memoryview)


def test_seal_wants_room_for_the_tag():
    """A payload that leaves no room for its tag is a local mistake, and nothing is overwritten."""
    buf = bytearray(PAYLOAD_OFFSET + 10 + 9)
    assert seal(buf, PAYLOAD_OFFSET + 10, UP_KEY, KID)[1] == len(buf)
    assert raised(EncodeError, seal, buf, PAYLOAD_OFFSET + 11, UP_KEY, KID).reason == "space"
    assert raised(EncodeError, seal, buf, PAYLOAD_OFFSET - 1, UP_KEY, KID).reason == "space"
    assert raised(EncodeError, seal, buf, PAYLOAD_OFFSET, UP_KEY, KID, 6).reason == "range"
    assert raised(EncodeError, seal, buf, PAYLOAD_OFFSET, UP_KEY, KID[1:]).reason == "length"


def test_keys_have_their_lengths():
    """A key, device id, epoch or salt of the wrong size never signs anything."""
    assert raised(EncodeError, up_key, DEVICE_KEY[1:], DEVICE).reason == "length"
    assert raised(EncodeError, up_key, DEVICE_KEY, DEVICE[1:]).reason == "length"
    assert raised(EncodeError, make_kid, DEVICE[1:], 1).reason == "length"
    assert raised(EncodeError, make_kid, DEVICE, 256).reason == "range"
    assert raised(EncodeError, rotated_key, DEVICE_KEY, DEVICE, 0, bytes(32)).reason == "range"
    assert raised(EncodeError, rotated_key, DEVICE_KEY, DEVICE, 2, bytes(31)).reason == "length"


def test_rotation_depends_on_everything():
    """Old key, device, epoch and salt each change the rotated key."""
    keys = {
        rotated_key(DEVICE_KEY, DEVICE, 2, bytes(32)),
        rotated_key(UP_KEY, DEVICE, 2, bytes(32)),
        rotated_key(DEVICE_KEY, bytes(8), 2, bytes(32)),
        rotated_key(DEVICE_KEY, DEVICE, 3, bytes(32)),
        rotated_key(DEVICE_KEY, DEVICE, 2, b"\1" * 32),
    }
    assert len(keys) == 5
    assert hmac_sha256(DEVICE_KEY, b"ph1 rot" + DEVICE + b"\2" + bytes(32)) in keys
