"""AES-CCM-16-64-128 (RFC 3610: 13-byte iv, 8-byte tag) for boards, whose cryptolib has only ECB
and CBC.

Python sees whole blocks only: one native call makes the keystream, one the MAC.
"""

from cryptolib import aes  # type: ignore[import-not-found]  # boards only

from .primitives import is_equal

_BLOCK_BYTES = 16
_TAG_BYTES = 8
_ECB = 1
_CBC = 2
_FLAGS_MAC = b"\x59"  # additional data, 8-byte tag, 2-byte length
_FLAGS_COUNTER = b"\x01"


def aes_ccm_seal(key: bytes, iv: bytes, plain: bytes, aad: bytes) -> bytes:
    """Ciphertext and tag."""
    stream = _keystream(key, iv, len(plain))
    return _xor(plain, stream[_BLOCK_BYTES:]) + _tag(key, iv, plain, aad, stream)


def aes_ccm_open(key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> "bytes | None":
    """The text, None when the tag does not hold."""
    cipher = sealed[:-_TAG_BYTES]
    stream = _keystream(key, iv, len(cipher))
    plain = _xor(cipher, stream[_BLOCK_BYTES:])
    is_good = is_equal(_tag(key, iv, plain, aad, stream), sealed[-_TAG_BYTES:])
    return plain if is_good else None


def _keystream(key: bytes, iv: bytes, size: int) -> bytes:
    """Counter blocks from 0, encrypted; block 0 hides the tag."""
    count = 1 + (size + _BLOCK_BYTES - 1) // _BLOCK_BYTES
    counters = b"".join([_FLAGS_COUNTER + iv + i.to_bytes(2, "big") for i in range(count)])
    return bytes(aes(key, _ECB).encrypt(counters))


def _tag(key: bytes, iv: bytes, plain: bytes, aad: bytes, stream: bytes) -> bytes:
    """CBC-MAC over flags, iv, length, additional data and text, hidden by counter block 0."""
    blocks = _FLAGS_MAC + iv + len(plain).to_bytes(2, "big")
    blocks += _padded(len(aad).to_bytes(2, "big") + aad) + _padded(plain)
    mac = aes(key, _CBC, bytes(_BLOCK_BYTES)).encrypt(blocks)[-_BLOCK_BYTES:]
    return _xor(mac[:_TAG_BYTES], stream)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK_BYTES)


def _xor(data: bytes, mask: bytes) -> bytes:
    return bytes([data[i] ^ mask[i] for i in range(len(data))])
