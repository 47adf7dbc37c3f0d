"""Keys of one device, each for one purpose, all derived with HMAC-SHA-256 (one HKDF-Expand block,
RFC 5869).
"""

from .compat import const
from .errors import EncodeError
from .primitives import hmac_sha256

KEY_BYTES = const(32)
_DEVICE_BYTES = const(8)


def up_key(device_key: bytes, dev: bytes) -> bytes:
    """The key that signs what the device says."""
    return derive(device_key, b"ph1 up ", dev, b"\x01")


def down_key(device_key: bytes, dev: bytes) -> bytes:
    """The key that signs what the device is told; another one, so that nothing can be
    reflected.
    """
    return derive(device_key, b"ph1 dn ", dev, b"\x01")


def derive(key: bytes, label: bytes, dev: bytes, *rest: bytes) -> bytes:
    """A key of `key` for one purpose."""
    check_key(key, dev)
    return hmac_sha256(key, label, dev, *rest)


def check_key(key: bytes, dev: bytes) -> None:
    """EncodeError unless both have their length."""
    if len(key) != KEY_BYTES:
        raise EncodeError("length", "key of %d bytes, want %d" % (len(key), KEY_BYTES))
    if len(dev) != _DEVICE_BYTES:
        raise EncodeError("length", "device id of %d bytes, want %d" % (len(dev), _DEVICE_BYTES))
