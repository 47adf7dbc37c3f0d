"""A key inside a message: COSE_Encrypt0 (RFC 9052) with AES-CCM-16-64-128, which both interpreters
can compute.

    D0 83 | 43 A1 01 0A | A1 05 4D iv[13] | 58 28 ciphertext[32] tag[8]
"""

from .compat import IS_MICROPYTHON, const
from .errors import EncodeError, RefusedError
from .keys import KEY_BYTES
from .rekeying import KEK_BYTES

if IS_MICROPYTHON:
    from .ccm import aes_ccm_open, aes_ccm_seal
else:
    from .native import aes_ccm_open, aes_ccm_seal

IV_BYTES = const(13)
WRAPPED_BYTES = const(64)

_HEAD = b"\xd0\x83\x43\xa1\x01\x0a\xa1\x05\x4d"
_BETWEEN = b"\x58\x28"
_AAD = b"\x83\x68Encrypt0\x43\xa1\x01\x0a\x40"  # Enc_structure without the text
_IV_AT = const(9)
_SEALED_AT = const(24)


def wrap_key(kek: bytes, iv: bytes, key: bytes) -> bytes:
    """A 32-byte key, encrypted and authenticated. One kek must never wrap two keys with the same
    iv.
    """
    if len(kek) != KEK_BYTES or len(iv) != IV_BYTES or len(key) != KEY_BYTES:
        raise EncodeError("length", "want a kek of 16, an iv of 13 and a key of 32 bytes")
    return _HEAD + iv + _BETWEEN + aes_ccm_seal(kek, iv, key, _AAD)


def unwrap_key(kek: bytes, wrapped: bytes) -> bytes:
    """The key inside; RefusedError "frame" when it is not such a message, "tag" when the kek is
    another.
    """
    if (
        len(wrapped) != WRAPPED_BYTES
        or wrapped[:_IV_AT] != _HEAD
        or wrapped[_SEALED_AT - 2 : _SEALED_AT] != _BETWEEN
    ):
        raise RefusedError("frame", "%d bytes are not a wrapped key" % len(wrapped))
    key = aes_ccm_open(kek, wrapped[_IV_AT : _SEALED_AT - 2], wrapped[_SEALED_AT:], _AAD)
    if key is None:
        raise RefusedError("tag", "the wrapped key is not for this board")
    return key
