"""The two messages of an enrollment as a board writes and reads them (WIRE.md 5); pure.

Loaded while a board has no key yet, and not during the handshake between the two: that needs the
heap for itself.
"""

from phonehome_wire.compat import const
from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import EnrollRequest, decode_enroll_reply, put_enroll_request
from phonehome_wire.envelope import ALG_HMAC_256, peek, seal, unseal
from phonehome_wire.errors import RefusedError

# Folded away on a board; a test holds them to the wire's limits.
_MAX_DOWNLINK_BYTES = const(1024)

_REQUEST_BYTES = const(256)  # the largest has 222


def make_request(claim: tuple, device: bytes, nonce: bytes, birth, code: str) -> bytes:
    """The signed question of `device` for its key; `birth` says what it runs on and runs."""
    kid, up_key = claim[:2]
    enc = Encoder(bytearray(_REQUEST_BYTES))
    request = EnrollRequest(device, nonce, birth.platform, birth.build, code or None)
    put_enroll_request(enc, request)
    start, end = seal(enc.buf, enc.pos, up_key, kid)
    return bytes(enc.buf[start:end])


def read_reply(claim: tuple, device: bytes, nonce: bytes, message: bytes) -> bytes:
    """The key file in the answer to that question; RefusedError for any other."""
    from phonehome_wire.rekeying import claim_kek
    from phonehome_wire.wrapping import unwrap_key

    kid, _, down_key, secret = claim
    payload = unseal(message, down_key, _MAX_DOWNLINK_BYTES, kid)
    if peek(message)[0] != ALG_HMAC_256:
        raise RefusedError("alg", "an enrollment reply needs HMAC 256/256")
    reply = decode_enroll_reply(payload)
    if reply.device != device or reply.nonce != nonce:
        raise RefusedError("nonce", "the answer is to another question")
    kek = claim_kek(secret, nonce, device)
    return bytes([reply.epoch]) + unwrap_key(kek, reply.wrapped_key)
