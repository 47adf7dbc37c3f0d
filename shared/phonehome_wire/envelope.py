"""COSE_Mac0 (RFC 9052) around a payload, built in place and opened without parsing anything before
the MAC holds.

    D1 84 | 4E A2 01 alg 04 49 kid[9] | A0 | payload bstr | tag bstr

The first 18 bytes are a template in which only the algorithm and the key id differ.
"""

from .compat import const
from .errors import EncodeError, RefusedError
from .primitives import hmac_sha256, is_equal

# Folded away on a board; a test holds them to registry and limits.
_MAX_MESSAGE_BYTES = const(4096)
_PAYLOAD_OFFSET = const(40)

PAYLOAD_OFFSET = _PAYLOAD_OFFSET
ALG_HMAC_64 = const(4)
ALG_HMAC_256 = const(5)
KID_BYTES = const(9)

_ALGS = (ALG_HMAC_64, ALG_HMAC_256)
_HEAD = b"\xd1\x84\x4e\xa2\x01"  # tag 17, array of 4, protected header {1: alg, 4: kid}
_HEAD_BYTES = const(18)
_ALG_AT = const(5)
_KID_AT = const(8)
_MAC_BEFORE = b"\x84\x64MAC0\x4e"  # MAC_structure: ["MAC0", protected, external aad, payload]
_MAC_BETWEEN = b"\x40"


def make_kid(dev: bytes, epoch: int) -> bytes:
    """Key id: EUI-64 and key epoch."""
    if len(dev) != KID_BYTES - 1:
        raise EncodeError("length", "device id of %d bytes, want %d" % (len(dev), KID_BYTES - 1))
    if not 0 <= epoch <= 255:
        raise EncodeError("range", "key epoch %d, want 0..255" % epoch)
    return bytes(dev) + bytes([epoch])


def seal(
    buf: bytearray, payload_end: int, key: bytes, kid: bytes, alg: int = ALG_HMAC_64
) -> "tuple[int, int]":
    """Sign the payload `buf[PAYLOAD_OFFSET:payload_end]` in place; the message is
    `buf[start:end]`.

    The header is written in front of the payload and the tag behind it. EncodeError when the tag
    does not fit.
    """
    size = payload_end - _PAYLOAD_OFFSET
    tag_bytes = _tag_bytes(alg)
    tag_at = payload_end + (1 if tag_bytes < 24 else 2)
    if len(kid) != KID_BYTES:
        raise EncodeError("length", "key id of %d bytes, want %d" % (len(kid), KID_BYTES))
    if not 0 <= size <= _MAX_MESSAGE_BYTES or tag_at + tag_bytes > len(buf):
        raise EncodeError(
            "space", "no room for the tag behind byte %d of %d" % (payload_end, len(buf))
        )
    start = _write_head(buf, size, kid, alg)
    tag = _tag(buf, start, payload_end, key)
    if tag_bytes < 24:
        buf[payload_end] = 0x40 | tag_bytes
    else:
        buf[payload_end] = 0x58
        buf[payload_end + 1] = tag_bytes
    for i in range(tag_bytes):
        buf[tag_at + i] = tag[i]
    return start, tag_at + tag_bytes


def peek(message: "bytes | bytearray | memoryview") -> "tuple[int, bytes]":
    """(alg, kid) of a message whose size and template fit; nothing about it is proven yet.
    RefusedError "frame".
    """
    if len(message) < _HEAD_BYTES:
        raise RefusedError("frame", "%d bytes are shorter than the template" % len(message))
    alg = message[_ALG_AT]
    if (
        message[:_ALG_AT] != _HEAD
        or alg not in _ALGS
        or message[6] != 0x04
        or message[7] != 0x49
        or message[17] != 0xA0
    ):
        raise RefusedError("frame", "the first 18 bytes are not the template")
    return alg, bytes(message[_KID_AT : _KID_AT + KID_BYTES])


def unseal(
    message: "bytes | bytearray | memoryview",
    key: bytes,
    max_bytes: int = _MAX_MESSAGE_BYTES,
    kid: "bytes | None" = None,
) -> memoryview:
    """The payload, after size, template, lengths and MAC are proven, in that order.

    RefusedError "frame", "kid" (when one is given and it is another) or "tag".
    """
    if len(message) > max_bytes:
        raise RefusedError("frame", "%d bytes, cap %d" % (len(message), max_bytes))
    alg, message_kid = peek(message)
    if kid is not None and kid != message_kid:
        raise RefusedError("kid", "signed for key %s" % message_kid.hex())
    payload_at, payload_end = payload_span(message)
    tag_bytes = _tag_bytes(alg)
    tag_at = len(message) - tag_bytes
    between = message[payload_end:tag_at]
    if between != (b"\x48" if tag_bytes == 8 else b"\x58\x20"):
        raise RefusedError("frame", "no %d-byte tag directly behind the payload" % tag_bytes)
    if not is_equal(_tag(message, 0, payload_end, key)[:tag_bytes], bytes(message[tag_at:])):
        raise RefusedError("tag", "the MAC does not match")
    return memoryview(message)[payload_at:payload_end]


def _tag_bytes(alg: int) -> int:
    if alg == ALG_HMAC_64:
        return 8
    if alg == ALG_HMAC_256:
        return 32
    raise EncodeError("range", "algorithm %d, want 4 or 5" % alg)


def _write_head(buf: bytearray, size: int, kid: bytes, alg: int) -> int:
    """Write header and payload length so that they end where the payload begins; return where they
    start.
    """
    size_bytes = 1 if size < 24 else 2 if size < 0x100 else 3
    start = _PAYLOAD_OFFSET - size_bytes - _HEAD_BYTES
    buf[start : start + _ALG_AT] = _HEAD
    buf[start + _ALG_AT] = alg
    buf[start + 6] = 0x04
    buf[start + 7] = 0x49
    buf[start + _KID_AT : start + _KID_AT + KID_BYTES] = kid
    buf[start + 17] = 0xA0
    if size_bytes == 1:
        buf[_PAYLOAD_OFFSET - 1] = 0x40 | size
    else:
        buf[start + _HEAD_BYTES] = 0x56 + size_bytes
        buf[_PAYLOAD_OFFSET - 1] = size & 0xFF
        if size_bytes == 3:
            buf[_PAYLOAD_OFFSET - 2] = size >> 8
    return start


def payload_span(message: "bytes | bytearray | memoryview") -> "tuple[int, int]":
    """Where the payload begins and ends; its length must be in the shortest form and inside the
    message.
    """
    at = _HEAD_BYTES
    head = bytes(message[at : at + 3])
    if len(head) == 3 and 0x40 <= head[0] < 0x58:
        at, size, least = at + 1, head[0] - 0x40, 0
    elif len(head) == 3 and head[0] == 0x58:
        at, size, least = at + 2, head[1], 24
    elif len(head) == 3 and head[0] == 0x59:
        at, size, least = at + 3, head[1] << 8 | head[2], 0x100
    else:
        raise RefusedError("frame", "no payload of a known length behind the template")
    if size < least or at + size > len(message):
        raise RefusedError("frame", "payload length %d is not what follows" % size)
    return at, at + size


def _tag(
    message: "bytes | bytearray | memoryview", start: int, payload_end: int, key: bytes
) -> bytes:
    """The full MAC over the MAC_structure; length head and payload are taken as they stand in the
    message.
    """
    view = memoryview(message)
    protected = view[start + 3 : start + 17]
    return hmac_sha256(
        key, _MAC_BEFORE, protected, _MAC_BETWEEN, view[start + _HEAD_BYTES : payload_end]
    )
