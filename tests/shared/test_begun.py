# cpython-only
"""MACs that are begun once: the same bytes and the same refusals as the envelope's."""

import random

from phonehome_wire.begun import BegunMAC
from phonehome_wire.envelope import ALG_HMAC_256, PAYLOAD_OFFSET, seal, unseal
from phonehome_wire.errors import RefusedError
from tests.shared.golden import KID, UP_KEY


def sealed(payload, alg=4, kid=KID):
    """What the envelope makes of a payload."""
    buf = bytearray(PAYLOAD_OFFSET) + payload + bytes(40)
    start, end = seal(buf, PAYLOAD_OFFSET + len(payload), UP_KEY, kid, alg)
    return bytes(buf[start:end])


def outcome(read, message):
    """The payload, or the reason of the refusal."""
    try:
        return bytes(read(message))
    except RefusedError as error:
        return error.reason


def test_it_seals_what_the_envelope_seals():
    """Byte for byte, at every width of the payload's length."""
    mac = BegunMAC(UP_KEY, KID)
    for size in (24, 25, 255, 256, 1000, 4000):
        payload = bytes(range(256)) * (size // 256 + 1)
        assert mac.seal(payload[:size]) == sealed(payload[:size])


def test_it_opens_what_the_envelope_opens():
    """Short, long, of the other algorithm: the payload is the same."""
    mac = BegunMAC(UP_KEY, KID)
    for size in (0, 1, 23, 24, 300):
        for alg in (4, ALG_HMAC_256):
            message = sealed(bytes(size), alg)
            assert bytes(mac.unseal(message)) == bytes(size) == bytes(unseal(message, UP_KEY))


def test_it_refuses_what_the_envelope_refuses():
    """Every flipped bit, every cut, every byte more: the same reason, and never a payload."""
    mac, rng = BegunMAC(UP_KEY, KID), random.Random(1)
    good = sealed(b"x" * 60)
    spoiled = [good[:cut] for cut in range(len(good))]
    spoiled += [good + b"\0", good[:-1] + b"\0", sealed(b"x", kid=b"123456789"), bytes(5000)]
    spoiled.append(good[:18] + b"\x59\x10\x00" + bytes(5000))
    for at in range(len(good)):
        flipped = bytearray(good)
        flipped[at] ^= 1 << rng.randrange(8)
        spoiled.append(bytes(flipped))
    for message in spoiled:
        refusal = outcome(lambda m: unseal(m, UP_KEY), message)
        if message == sealed(b"x", kid=b"123456789"):
            continue  # under another kid: authentic for the envelope, which was given the key
        assert refusal in ("frame", "tag")
        assert outcome(mac.unseal, message) == refusal
