"""What the wire needs of the interpreter, from the libraries of CPython."""

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
