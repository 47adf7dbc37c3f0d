"""Every difference between CPython and MicroPython that the wire meets; no other file asks which
one runs.
"""

import sys
from hashlib import sha256

IS_MICROPYTHON = sys.implementation.name == "micropython"

_BLOCK_BYTES = 64  # of SHA-256, RFC 2104


def const(value: int) -> int:
    """The value itself. MicroPython's compiler knows the name and folds it away."""
    return value


def _sha256_of(parts: "tuple[bytes | bytearray | memoryview, ...]") -> bytes:
    state = sha256()
    for part in parts:
        state.update(part)
    return state.digest()


def portable_hmac_sha256(key: bytes, *parts: "bytes | bytearray | memoryview") -> bytes:
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


def portable_is_equal(a: bytes, b: bytes) -> bool:
    """True when both are the same bytes; the time taken depends on their lengths only."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0


def portable_decode_utf8(data: bytes) -> str:
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


def portable_encode_utf8(text: str) -> bytes:
    """Strict UTF-8 of a text; ValueError on a lone surrogate, which MicroPython would write."""
    data = text.encode()
    if len(data) != len(text):
        for char in text:
            if 0xD800 <= ord(char) <= 0xDFFF:
                raise ValueError("lone surrogate")
    return data


if not IS_MICROPYTHON:
    import hmac

    def hmac_sha256(key: bytes, *parts: "bytes | bytearray | memoryview") -> bytes:
        """HMAC-SHA-256 of the joined parts."""
        return hmac.digest(key, b"".join(parts), "sha256")

    def is_equal(a: bytes, b: bytes) -> bool:
        """True when both are the same bytes; the time taken depends on their lengths only."""
        return hmac.compare_digest(a, b)

    def decode_utf8(data: bytes) -> str:
        """Text of strict UTF-8; ValueError when it is not."""
        return str(data, "utf-8")

    def encode_utf8(text: str) -> bytes:
        """Strict UTF-8 of a text; ValueError on a lone surrogate."""
        return text.encode()

    def aes_ccm_seal(key: bytes, iv: bytes, plain: bytes, aad: bytes) -> bytes:
        """AES-CCM-16-64-128 (RFC 3610, 13-byte iv, 8-byte tag): ciphertext and tag."""
        # The maintained library; imported when first needed, most programs never wrap a key.
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        return AESCCM(key, tag_length=8).encrypt(iv, plain, aad)

    def aes_ccm_open(key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> "bytes | None":
        """The text of what aes_ccm_seal made, None when the tag does not hold."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        try:
            return AESCCM(key, tag_length=8).decrypt(iv, sealed, aad)
        except InvalidTag:
            return None
else:
    hmac_sha256 = portable_hmac_sha256
    is_equal = portable_is_equal
    decode_utf8 = portable_decode_utf8
    encode_utf8 = portable_encode_utf8

    def aes_ccm_seal(key: bytes, iv: bytes, plain: bytes, aad: bytes) -> bytes:
        """The same, composed from what boards have."""
        from .ccm import seal

        return seal(key, iv, plain, aad)

    def aes_ccm_open(key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> "bytes | None":
        """The same, composed from what boards have."""
        from .ccm import unseal

        return unseal(key, iv, sealed, aad)
