"""The report of a device that has no key yet: who it says to be, and an uplink that nobody signed.

    82 | 48 device[8] | uplink map

Nothing of it is proven. It is never acknowledged, and no ticket comes of it.
"""

from .compat import const
from .errors import EncodeError, RefusedError

# Folded away on a board; a test holds them to registry and limits.
_MAX_MESSAGE_BYTES = const(4096)
_PAYLOAD_OFFSET = const(40)

DEVICE_BYTES = const(8)
_HEAD = b"\x82\x48"
_HEAD_BYTES = const(10)


def wrap_plain(buf: bytearray, payload_end: int, device: bytes) -> "tuple[int, int]":
    """Put the device before the payload `buf[PAYLOAD_OFFSET:payload_end]`: `buf[start:end]`."""
    if len(device) != DEVICE_BYTES:
        raise EncodeError("length", "device id of %d bytes, want %d" % (len(device), DEVICE_BYTES))
    start = _PAYLOAD_OFFSET - _HEAD_BYTES
    buf[start : start + 2] = _HEAD
    buf[start + 2 : _PAYLOAD_OFFSET] = device
    return start, payload_end


def open_plain(message: "bytes | bytearray | memoryview") -> "tuple[bytes, memoryview]":
    """(device, payload) of an unsigned report; neither is proven. RefusedError "frame"."""
    if not _HEAD_BYTES < len(message) <= _MAX_MESSAGE_BYTES:
        raise RefusedError("frame", "%d bytes, want 11..%d" % (len(message), _MAX_MESSAGE_BYTES))
    if bytes(message[:2]) != _HEAD:
        raise RefusedError(
            "frame", "not an unsigned report: it begins with another byte than 82 48"
        )
    view = memoryview(message)
    return bytes(view[2:_HEAD_BYTES]), view[_HEAD_BYTES:]
