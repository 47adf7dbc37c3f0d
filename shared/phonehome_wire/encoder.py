"""Deterministic CBOR (RFC 8949 4.2.1) written straight into one preallocated buffer, without heap.

The profile is small: integers below 2^53, byte and text strings, arrays, maps with unsigned keys,
null and booleans, each in its shortest form. Keys must be put in ascending order; the decoder at
the other end checks it.
"""

from .compat import const
from .errors import EncodeError, TooBigError
from .primitives import encode_utf8

# Folded away on a board; a test holds them to registry and limits.
_MAX_INT = const(9007199254740991)
_PAYLOAD_OFFSET = const(40)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any


class Encoder:
    """A writing position in a buffer: `buf[start:pos]` is written, `pos..end` is free.

    Every put raises TooBigError before it writes beyond `end`, EncodeError when the value is
    outside the profile. After an error the caller sets `pos` back to where its item began.
    """

    def __init__(
        self, buf: bytearray, pos: int = _PAYLOAD_OFFSET, end: "int | None" = None
    ) -> None:
        self.buf = buf
        self.pos = pos
        self.end = len(buf) if end is None else end

    def reset(self, pos: int = _PAYLOAD_OFFSET) -> None:
        """Start again at `pos` with the whole buffer free."""
        self.pos = pos
        self.end = len(self.buf)

    def put_uint(self, value: int) -> None:
        """Unsigned integer, 0..2^53-1."""
        if value < 0:
            raise EncodeError("range", "%d is negative; use put_int" % value)
        self._put_head(0x00, value)

    def put_int(self, value: int) -> None:
        """Integer of either sign, below 2^53 in magnitude."""
        if value >= 0:
            self._put_head(0x00, value)
        elif value < -_MAX_INT:
            raise EncodeError("range", "%d is below -(2^53 - 1)" % value)
        else:
            self._put_head(0x20, -1 - value)

    def put_bytes(self, data: "bytes | bytearray | memoryview") -> None:
        """Byte string."""
        self._put_head(0x40, len(data))
        self.put_raw(data)

    def put_text(self, text: str) -> None:
        """Text string; EncodeError when it cannot be UTF-8 (a lone surrogate)."""
        try:
            data = encode_utf8(text)
        except ValueError:
            raise EncodeError("utf-8", "text %r holds a lone surrogate" % text) from None
        self.put_utf8(data)

    def put_utf8(self, data: bytes) -> None:
        """Text string that is UTF-8 already."""
        self._put_head(0x60, len(data))
        self.put_raw(data)

    def put_array(self, count: int) -> None:
        """Head of an array; exactly `count` items follow."""
        self._put_head(0x80, count)

    def put_map(self, count: int) -> None:
        """Head of a map; exactly `count` pairs follow, unsigned keys ascending."""
        self._put_head(0xA0, count)

    def put_field(self, key: int, value: "int | None") -> int:
        """A pair of key and integer, none when the value is None. Returns how many: 1 or 0."""
        if value is None:
            return 0
        self.put_uint(key)
        self.put_int(value)
        return 1

    def put_open_map(self) -> int:
        """Head of a map whose pairs are not counted yet. Returns its place for close_map."""
        self._put_byte(0xA0)
        return self.pos - 1

    def close_map(self, at: int, count: int) -> None:
        """Write the count of a map, at most 23 pairs, after they were put."""
        if count > 23:
            raise EncodeError("range", "%d pairs, an open map has at most 23" % count)
        self.buf[at] = 0xA0 | count

    def put_bool(self, value: bool) -> None:
        """True or false."""
        self._put_byte(0xF5 if value else 0xF4)

    def put_null(self) -> None:
        """Null: a missing sample, an absent value."""
        self._put_byte(0xF6)

    def put_raw(self, data: "bytes | bytearray | memoryview") -> None:
        """Bytes that are already encoded, copied as they are."""
        pos = self.pos
        after = pos + len(data)
        if after > self.end:
            raise TooBigError("space", "%d bytes needed, %d left" % (len(data), self.end - pos))
        self.buf[pos:after] = data
        self.pos = after

    def put_value(self, value: "Any") -> None:
        """Any value of the profile; maps are sorted by key. Convenient, allocates: for arguments,
        not for reports.
        """
        from .values import put_value

        put_value(self, value)

    def _put_byte(self, byte: int) -> None:
        pos = self.pos
        if pos >= self.end:
            raise TooBigError("space", "1 byte needed, 0 left")
        self.buf[pos] = byte
        self.pos = pos + 1

    def _put_head(self, major: int, argument: int) -> None:
        """Major type in the top three bits of `major`, argument in its shortest form."""
        buf = self.buf
        pos = self.pos
        if argument < 24:
            self._put_byte(major | argument)
        elif argument < 0x100:
            self._reserve(2)
            buf[pos] = major | 24
            buf[pos + 1] = argument
        elif argument < 0x10000:
            self._reserve(3)
            buf[pos] = major | 25
            buf[pos + 1] = argument >> 8
            buf[pos + 2] = argument & 0xFF
        elif argument < 0x100000000:
            self._put_long(major | 26, argument, 4)
        elif argument <= _MAX_INT:
            self._put_long(major | 27, argument, 8)
        else:
            raise EncodeError("range", "%d is above 2^53 - 1" % argument)

    def _put_long(self, first: int, argument: int, size: int) -> None:
        pos = self.pos
        self._reserve(size + 1)
        self.buf[pos] = first
        for i in range(pos + size, pos, -1):
            self.buf[i] = argument & 0xFF
            argument >>= 8

    def _reserve(self, size: int) -> None:
        """Move on by `size` bytes that the caller fills in, or raise TooBigError."""
        after = self.pos + size
        if after > self.end:
            raise TooBigError("space", "%d bytes needed, %d left" % (size, self.end - self.pos))
        self.pos = after
