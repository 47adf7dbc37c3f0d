"""The end of the receiver that enrolls boards, as far as a test of the device needs it."""

from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import EnrollReply, decode_enroll_request, put_enroll_reply
from phonehome_wire.envelope import ALG_HMAC_256, make_kid, seal, unseal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.rekeying import claim_kek
from phonehome_wire.wrapping import wrap_key

CLAIM = b"claim-01"
SECRET = bytes(range(64, 96))
CLAIM_FILE = CLAIM + SECRET
SERVER_MS = 1700000000000


class FakeClaims:
    """Answers requests under one claim with `key`; tests change what it answers."""

    def __init__(self, key: bytes, epoch: int = 1) -> None:
        self.key = key
        self.epoch = epoch
        self.alg = ALG_HMAC_256
        self.signing = down_key(SECRET, CLAIM)
        self.requests = []

    def read(self, message: bytes):
        """Verify a request and remember it."""
        request = decode_enroll_request(unseal(message, up_key(SECRET, CLAIM)))
        self.requests.append(request)
        return request

    def answer(self, request, **changes) -> bytes:
        """The signed reply; `changes` are attributes of it that shall be wrong."""
        kek = claim_kek(SECRET, request.nonce, request.device)
        wrapped = wrap_key(kek, bytes(13), self.key)
        reply = EnrollReply(SERVER_MS, request.device, request.nonce, wrapped, self.epoch)
        for name, value in changes.items():
            setattr(reply, name, value)
        enc = Encoder(bytearray(512))
        put_enroll_reply(enc, reply)
        start, end = seal(enc.buf, enc.pos, self.signing, make_kid(CLAIM, 0), self.alg)
        return bytes(enc.buf[start:end])
