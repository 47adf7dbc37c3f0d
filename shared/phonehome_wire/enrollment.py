"""How a new board gets its key in the field: two messages signed with a claim, the key wrapped
inside the reply.

Both travel only under verified TLS: a claim secret is shared by a batch of boards.
"""

from .compat import const
from .decoder import decode
from .encoder import Encoder
from .fields import expect_bytes, expect_int, expect_major, expect_text

# Folded away on a board; a test holds them to registry and limits.
_MAX_BUILD_BYTES = const(8)
_MAX_CODE_BYTES = const(32)
_MAX_DOWNLINK_BYTES = const(1024)
_MAX_PLATFORM_BYTES = const(48)
_MAX_STRING_BYTES = const(2048)
_MIN_BUILD_BYTES = const(4)
_MIN_CODE_BYTES = const(4)
_DOWNLINK_ENROLL = const(4)
_KEY_ENROLL_BUILD = const(23)
_KEY_ENROLL_CODE = const(24)
_KEY_ENROLL_DEVICE = const(20)
_KEY_ENROLL_EPOCH = const(26)
_KEY_ENROLL_KIND = const(4)
_KEY_ENROLL_MAJOR = const(0)
_KEY_ENROLL_NONCE = const(21)
_KEY_ENROLL_PLATFORM = const(22)
_KEY_ENROLL_SERVER_MS = const(3)
_KEY_ENROLL_WRAPPED_KEY = const(25)
_MAJOR = const(1)

DEVICE_BYTES = const(8)
NONCE_BYTES = const(16)
CLAIM_EPOCH = const(0)  # the kid of both messages is the claim id and this


class EnrollRequest:
    """A board asks for its key; `nonce` is drawn once, so that a lost reply can be asked for
    again.
    """

    def __init__(
        self, device: bytes, nonce: bytes, platform: str, build: bytes, code: "str | None" = None
    ) -> None:
        self.device = device
        self.nonce = nonce
        self.platform = platform
        self.build = build
        self.code = code


class EnrollReply:
    """The answer: the key of `epoch`, wrapped (wrapping.wrap_key) for the board that drew the
    nonce.
    """

    def __init__(
        self, server_ms: int, device: bytes, nonce: bytes, wrapped_key: bytes, epoch: int
    ) -> None:
        self.server_ms = server_ms
        self.device = device
        self.nonce = nonce
        self.wrapped_key = wrapped_key
        self.epoch = epoch


def put_enroll_request(enc: Encoder, request: EnrollRequest) -> None:
    """Write a request payload, to be sealed with the up key of the claim."""
    enc.put_map(5 + (request.code is not None))
    enc.put_uint(_KEY_ENROLL_MAJOR)
    enc.put_uint(_MAJOR)
    _put_board(enc, request.device, request.nonce)
    enc.put_uint(_KEY_ENROLL_PLATFORM)
    enc.put_text(request.platform)
    enc.put_uint(_KEY_ENROLL_BUILD)
    enc.put_bytes(request.build)
    if request.code is not None:
        enc.put_uint(_KEY_ENROLL_CODE)
        enc.put_text(request.code)


def put_enroll_reply(enc: Encoder, reply: EnrollReply) -> None:
    """Write a reply payload, to be sealed with the down key of the claim and ALG_HMAC_256."""
    enc.put_map(7)
    enc.put_uint(_KEY_ENROLL_MAJOR)
    enc.put_uint(_MAJOR)
    enc.put_uint(_KEY_ENROLL_SERVER_MS)
    enc.put_uint(reply.server_ms)
    enc.put_uint(_KEY_ENROLL_KIND)
    enc.put_uint(_DOWNLINK_ENROLL)
    _put_board(enc, reply.device, reply.nonce)
    enc.put_uint(_KEY_ENROLL_WRAPPED_KEY)
    enc.put_bytes(reply.wrapped_key)
    enc.put_uint(_KEY_ENROLL_EPOCH)
    enc.put_uint(reply.epoch)


def decode_enroll_request(payload: "bytes | bytearray | memoryview") -> EnrollRequest:
    """The request in an authentic payload; RefusedError when it breaks a rule."""
    body = decode(payload, _MAX_DOWNLINK_BYTES)
    expect_major(body)
    return EnrollRequest(
        expect_bytes(body, _KEY_ENROLL_DEVICE, DEVICE_BYTES),
        expect_bytes(body, _KEY_ENROLL_NONCE, NONCE_BYTES),
        expect_text(body, _KEY_ENROLL_PLATFORM, 1, _MAX_PLATFORM_BYTES),
        expect_bytes(body, _KEY_ENROLL_BUILD, _MIN_BUILD_BYTES, _MAX_BUILD_BYTES),
        expect_text(body, _KEY_ENROLL_CODE, _MIN_CODE_BYTES, _MAX_CODE_BYTES)
        if _KEY_ENROLL_CODE in body
        else None,
    )


def decode_enroll_reply(payload: "bytes | bytearray | memoryview") -> EnrollReply:
    """The reply in an authentic payload; RefusedError when it breaks a rule."""
    body = decode(payload, _MAX_DOWNLINK_BYTES)
    expect_major(body)
    expect_int(body, _KEY_ENROLL_KIND, _DOWNLINK_ENROLL, _DOWNLINK_ENROLL)
    return EnrollReply(
        expect_int(body, _KEY_ENROLL_SERVER_MS),
        expect_bytes(body, _KEY_ENROLL_DEVICE, DEVICE_BYTES),
        expect_bytes(body, _KEY_ENROLL_NONCE, NONCE_BYTES),
        expect_bytes(body, _KEY_ENROLL_WRAPPED_KEY, 0, _MAX_STRING_BYTES),
        expect_int(body, _KEY_ENROLL_EPOCH, 1, 255),
    )


def _put_board(enc: Encoder, device: bytes, nonce: bytes) -> None:
    enc.put_uint(_KEY_ENROLL_DEVICE)
    enc.put_bytes(device)
    enc.put_uint(_KEY_ENROLL_NONCE)
    enc.put_bytes(nonce)
