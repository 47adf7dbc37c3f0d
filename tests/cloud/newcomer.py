"""A board without a key, as the receiver meets it: it asks, reads the answer, and speaks."""

import secrets

from phonehome_wire.encoder import Encoder
from phonehome_wire.enrollment import EnrollRequest, decode_enroll_reply, put_enroll_request
from phonehome_wire.envelope import ALG_HMAC_256, PAYLOAD_OFFSET, make_kid, peek, seal, unseal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.rekeying import claim_kek
from phonehome_wire.wrapping import unwrap_key
from tests.cloud.running import CONTENT_TYPE
from tests.cloud.voice import Voice


class Newcomer:
    """One board with a claim; `nonce` may be drawn anew by a test."""

    def __init__(self, claim, device=""):
        self.name = bytes.fromhex(claim["claim"])
        self.secret = bytes.fromhex(claim["secret"])
        self.device = device or secrets.token_hex(8)
        self.nonce = secrets.token_bytes(16)

    def request(self, code=None, **changes):
        """The signed question."""
        dev = bytes.fromhex(self.device)
        wanted = EnrollRequest(dev, self.nonce, "rp2 bench", b"bild", code)
        for name, value in changes.items():
            setattr(wanted, name, value)
        enc = Encoder(bytearray(512))
        put_enroll_request(enc, wanted)
        return self.sealed(bytes(enc.buf[PAYLOAD_OFFSET : enc.pos]))

    def sealed(self, payload):
        """Any payload under the signature of the claim."""
        buffer = bytearray(PAYLOAD_OFFSET) + payload + bytes(40)
        end = PAYLOAD_OFFSET + len(payload)
        start, end = seal(buffer, end, up_key(self.secret, self.name), make_kid(self.name, 0))
        return bytes(buffer[start:end])

    def read(self, message):
        """(epoch, key) in the answer."""
        down = down_key(self.secret, self.name)
        payload = unseal(message, down, kid=make_kid(self.name, 0))
        assert peek(message)[0] == ALG_HMAC_256
        reply = decode_enroll_reply(payload)
        assert (reply.device.hex(), reply.nonce) == (self.device, self.nonce)
        kek = claim_kek(self.secret, self.nonce, reply.device)
        return reply.epoch, unwrap_key(kek, reply.wrapped_key)

    async def ask(self, receiver, code=None, message=None, **headers):
        """POST /v1/enroll: (status, reason or body, headers)."""
        return await post(receiver, message or self.request(code), headers)

    async def enroll(self, receiver, code=None):
        """The voice that the board has with the key it is given."""
        status, body, _ = await self.ask(receiver, code)
        assert status == 200, (status, body)
        epoch, key = self.read(body)
        return Voice(self.device, key, epoch)


async def post(receiver, message, headers=()):
    """One message to /v1/enroll."""
    headers = {"Content-Type": CONTENT_TYPE, "X-Forwarded-Proto": "https", **dict(headers)}
    url = receiver.url + "/v1/enroll"
    async with receiver.session.post(url, data=message, headers=headers) as answer:
        body = await answer.read()
        if answer.status != 200:
            body = body.decode().strip()
        return answer.status, body, answer.headers


async def make_claim(receiver, **more):
    """A claim of the washer."""
    body = {"product": "washer", "uses": 3, **more}
    return await receiver.api("POST", "/claims", 201, json=body)
