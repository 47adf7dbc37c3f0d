"""The freeze frame of a fault: period, trigger and one series per channel.

The encoder reads any object with the attributes of Frame, so a device writes its sample ring
without a copy.
"""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError
from .series import put_series

# Folded away on a board; a test holds them to registry and limits.
_MAX_FREEZE_CHANNELS = const(16)
_MAX_PERIOD_MS = const(3600000)
_FREEZE_CHANNELS = const(2)
_FREEZE_PERIOD_MS = const(0)
_FREEZE_TRIGGER = const(1)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Protocol

    class Frame(Protocol):
        """What the encoder needs: channels in ascending order of id, `count` samples each, oldest
        first.
        """

        period_ms: int
        trigger: int
        count: int
        channel_count: int

        def channel_id(self, i: int) -> int:
            """Wire id of channel number i."""
            ...

        def exp(self, i: int) -> int:
            """Decimal exponent of its samples."""
            ...

        def sample(self, i: int, j: int) -> int:
            """Sample j of channel i, MISSING where there is none."""
            ...


def put_freeze(enc: Encoder, frame: "Frame", lo: int, hi: int, only: int = -1) -> None:
    """Write samples lo..hi-1 of all channels, or of channel number `only`. The trigger index
    counts from lo.
    """
    if not 1 <= frame.period_ms <= _MAX_PERIOD_MS:
        raise EncodeError(
            "range", "freeze period %d ms, want 1..%d" % (frame.period_ms, _MAX_PERIOD_MS)
        )
    if not lo <= frame.trigger < hi:
        raise EncodeError(
            "range", "trigger %d is not among samples %d..%d" % (frame.trigger, lo, hi - 1)
        )
    enc.put_map(3)
    enc.put_uint(_FREEZE_PERIOD_MS)
    enc.put_uint(frame.period_ms)
    enc.put_uint(_FREEZE_TRIGGER)
    enc.put_uint(frame.trigger - lo)
    enc.put_uint(_FREEZE_CHANNELS)
    if only < 0:
        _put_channels(enc, frame, lo, hi)
    else:
        enc.put_map(1)
        enc.put_uint(frame.channel_id(only))
        put_series(enc, frame, only, lo, hi)


def _put_channels(enc: Encoder, frame: "Frame", lo: int, hi: int) -> None:
    if not 1 <= frame.channel_count <= _MAX_FREEZE_CHANNELS:
        raise EncodeError(
            "range", "%d channels, want 1..%d" % (frame.channel_count, _MAX_FREEZE_CHANNELS)
        )
    enc.put_map(frame.channel_count)
    last = -1
    for i in range(frame.channel_count):
        channel = frame.channel_id(i)
        if channel <= last:
            raise EncodeError("key order/dup", "channel %d behind channel %d" % (channel, last))
        enc.put_uint(channel)
        put_series(enc, frame, i, lo, hi)
        last = channel
