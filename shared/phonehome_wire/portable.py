"""What the wire needs of the interpreter, from what boards have; hosts have better in `native`."""

from hashlib import sha256

_BLOCK_BYTES = 64  # of SHA-256, RFC 2104


def _sha256_of(parts: "tuple[bytes | bytearray | memoryview, ...]") -> bytes:
    state = sha256()
    for part in parts:
        state.update(part)
    return state.digest()


def hmac_sha256(key: bytes, *parts: "bytes | bytearray | memoryview") -> bytes:
    """HMAC-SHA-256 (RFC 2104) of the joined parts, from a bare SHA-256: boards have no hmac
    module.
    """
    pad = bytearray(_BLOCK_BYTES)
    key = key if len(key) <= _BLOCK_BYTES else sha256(key).digest()
    pad[: len(key)] = key
    for i in range(_BLOCK_BYTES):
        pad[i] ^= 0x36
    inner = sha256(pad)
    for part in parts:
        inner.update(part)
    for i in range(_BLOCK_BYTES):
        pad[i] ^= 0x36 ^ 0x5C
    return _sha256_of((pad, inner.digest()))


def is_equal(a: bytes, b: bytes) -> bool:
    """True when both are the same bytes; the time taken depends on their lengths only."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0


def decode_utf8(data: bytes) -> str:
    """Text of strict UTF-8; ValueError on overlong forms, surrogates and beyond U+10FFFF, which
    MicroPython lets through.
    """
    text = str(data, "utf-8")
    shortest_bytes = 0
    for char in text:
        code = ord(char)
        if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            raise ValueError("not a Unicode scalar value")
        shortest_bytes += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    if shortest_bytes != len(data):
        raise ValueError("overlong UTF-8")
    return text


def encode_utf8(text: str) -> bytes:
    """Strict UTF-8 of a text; ValueError on a lone surrogate, which MicroPython would write."""
    data = text.encode()
    if len(data) != len(text):
        for char in text:
            if 0xD800 <= ord(char) <= 0xDFFF:
                raise ValueError("lone surrogate")
    return data
