"""Keys that take the place of others: by rotation, and by a claim at enrollment."""

from .compat import const
from .errors import EncodeError
from .keys import check_key, derive
from .primitives import hmac_sha256

SALT_BYTES = const(32)
KEK_BYTES = const(16)  # AES-CCM-16-64-128 takes the first half of the derived block


def rotated_key(device_key: bytes, dev: bytes, epoch: int, salt: bytes) -> bytes:
    """The device key of `epoch`, from the one before it and the salt of the rotate command."""
    if not 1 <= epoch <= 255:
        raise EncodeError("range", "key epoch %d, want 1..255" % epoch)
    if len(salt) != SALT_BYTES:
        raise EncodeError("length", "rotation salt of %d bytes, want %d" % (len(salt), SALT_BYTES))
    return derive(device_key, b"ph1 rot", dev, bytes([epoch]), salt)


def claim_kek(claim_key: bytes, nonce: bytes, dev: bytes) -> bytes:
    """The 16-byte key that wraps a new device key in an enrollment reply."""
    check_key(claim_key, dev)
    return hmac_sha256(claim_key, b"kek", nonce, dev)[:KEK_BYTES]
