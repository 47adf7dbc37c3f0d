"""Keys of one device, each for one purpose, all derived with HMAC-SHA-256 (one HKDF-Expand block,
RFC 5869).
"""

from .compat import const, hmac_sha256, is_equal
from .errors import EncodeError

__all__ = ["claim_kek", "down_key", "hmac_sha256", "is_equal", "rotated_key", "up_key"]

KEY_BYTES = const(32)
DEVICE_BYTES = const(8)
SALT_BYTES = const(32)
KEK_BYTES = const(16)  # AES-CCM-16-64-128 takes the first half of the derived block


def up_key(device_key: bytes, dev: bytes) -> bytes:
    """The key that signs what the device says."""
    return _derived(device_key, b"ph1 up ", dev, b"\x01")


def down_key(device_key: bytes, dev: bytes) -> bytes:
    """The key that signs what the device is told; another one, so that nothing can be
    reflected.
    """
    return _derived(device_key, b"ph1 dn ", dev, b"\x01")


def rotated_key(device_key: bytes, dev: bytes, epoch: int, salt: bytes) -> bytes:
    """The device key of `epoch`, from the one before it and the salt of the rotate command."""
    if not 1 <= epoch <= 255:
        raise EncodeError("range", "key epoch %d, want 1..255" % epoch)
    if len(salt) != SALT_BYTES:
        raise EncodeError("length", "rotation salt of %d bytes, want %d" % (len(salt), SALT_BYTES))
    return _derived(device_key, b"ph1 rot", dev, bytes([epoch]), salt)


def claim_kek(claim_key: bytes, nonce: bytes, dev: bytes) -> bytes:
    """The 16-byte key that wraps a new device key in an enrollment reply."""
    _check(claim_key, dev)
    return hmac_sha256(claim_key, b"kek", nonce, dev)[:KEK_BYTES]


def _derived(key: bytes, label: bytes, dev: bytes, *rest: bytes) -> bytes:
    _check(key, dev)
    return hmac_sha256(key, label, dev, *rest)


def _check(key: bytes, dev: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise EncodeError("length", "key of %d bytes, want %d" % (len(key), KEY_BYTES))
    if len(dev) != DEVICE_BYTES:
        raise EncodeError("length", "device id of %d bytes, want %d" % (len(dev), DEVICE_BYTES))
