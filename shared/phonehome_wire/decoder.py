"""Strict decoding of the profile: whatever deterministic encoding would not have written is
refused.

Refused are: floats, tags, simple values, undefined, indefinite lengths, long forms, keys that are
not unsigned, sorted and unique, invalid UTF-8, integers of 2^53 and more, more than 2048 items,
more than 8 levels, bytes left over or missing. General CBOR libraries accept most of these, so
this decoder is ours.
"""

from .compat import const
from .errors import RefusedError
from .primitives import decode_utf8

# Folded away on a board; a test holds them to registry and limits.
_MAX_DEPTH = const(8)
_MAX_INT = const(9007199254740991)
_MAX_ITEMS = const(2048)
_MAX_MESSAGE_BYTES = const(4096)
_MAX_STRING_BYTES = const(2048)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any


def decode(data: "bytes | bytearray | memoryview", max_bytes: int = _MAX_MESSAGE_BYTES) -> "Any":
    """The one value in data: int, bytes, str, list, dict, bool or None. RefusedError when a rule
    is broken.
    """
    decoder = Decoder(data, max_bytes)
    try:
        value = decoder.read()
    except IndexError:
        raise decoder.ends_early() from None
    decoder.expect_end()
    return value


class Decoder:
    """A reading position in bytes, for callers that walk the outer levels themselves.

    Every read may raise RefusedError, and IndexError where the data ends early: the caller turns
    that one into `ends_early()`. Checking each length before each byte would cost a third of the
    speed.
    """

    def __init__(
        self, data: "bytes | bytearray | memoryview", max_bytes: int = _MAX_MESSAGE_BYTES
    ) -> None:
        if len(data) > max_bytes:
            raise RefusedError("length", "%d bytes, cap %d" % (len(data), max_bytes))
        self.data = bytes(data)
        self.pos = 0
        self._items_left = _MAX_ITEMS - 1

    def ends_early(self) -> RefusedError:
        """The error for an item that is announced and not there."""
        return RefusedError(
            "length", "the data ends inside an item that begins at or after byte %d" % self.pos
        )

    def expect_end(self) -> None:
        """Refuse bytes that are left over, or missing from the last item."""
        if self.pos > len(self.data):
            raise self.ends_early()
        if self.pos != len(self.data):
            raise RefusedError(
                "trailing", "%d bytes behind the last item" % (len(self.data) - self.pos)
            )

    def read(self, depth: int = _MAX_DEPTH) -> "Any":
        """The next value; `depth` levels of arrays and maps are allowed."""
        first = self.data[self.pos]
        if first < 0x18:
            self.pos += 1
            return first
        if first < 0x40:
            return self._read_integer(first)
        if first < 0x80:
            return self._read_string(first)
        if first < 0xA0:
            return self._read_items(self.read_count(0x80), depth - 1)
        if first < 0xC0:
            return self._read_map(self.read_count(0xA0), depth - 1)
        return self._read_simple(first)

    def read_count(self, major: int) -> int:
        """The head of an array (0x80, items) or a map (0xA0, pairs): how many follow, within the
        bounds.
        """
        at = self.pos
        if self.data[at] & 0xE0 != major:
            raise RefusedError(
                "type", "byte %d is no %s" % (at, "map" if major == 0xA0 else "array")
            )
        count = self._read_argument()
        items = count * 2 if major == 0xA0 else count
        if items > len(self.data) - self.pos:
            raise RefusedError(
                "length",
                "byte %d announces %d items, %d bytes are left"
                % (at, items, len(self.data) - self.pos),
            )
        self._items_left -= items
        if self._items_left < 0:
            raise RefusedError("items", "more than %d items" % _MAX_ITEMS)
        return count

    def read_key(self, last: int) -> int:
        """The next map key; unsigned and above `last` (-1 for the first)."""
        at = self.pos
        key = self.read()
        if type(key) is not int or key <= last:
            raise _bad_key(key, last, at)
        return key

    def _read_items(self, count: int, depth: int) -> "list[Any]":
        """`count` values. The integers that fill reports, those of one and two bytes, are read on
        the spot.
        """
        if depth < 0:
            raise RefusedError("depth", "more than %d levels" % _MAX_DEPTH)
        data = self.data
        pos = self.pos
        items: "list[Any]" = []
        append = items.append
        for _ in range(count):
            first = data[pos]
            if first < 0x18:
                append(first)
                pos += 1
            elif 0x20 <= first < 0x38:
                append(0x1F - first)
                pos += 1
            elif first == 0x38 and data[pos + 1] > 0x17:
                append(-1 - data[pos + 1])
                pos += 2
            elif first == 0x19 and data[pos + 1]:
                append(data[pos + 1] << 8 | data[pos + 2])
                pos += 3
            elif first == 0x18 and data[pos + 1] > 0x17:
                append(data[pos + 1])
                pos += 2
            elif first == 0x1A and (data[pos + 1] or data[pos + 2]):
                append(int.from_bytes(data[pos + 1 : pos + 5], "big"))
                pos += 5
            else:
                self.pos = pos
                append(self.read(depth))
                pos = self.pos
        self.pos = pos
        return items

    def _read_map(self, count: int, depth: int) -> "dict[int, Any]":
        at = self.pos
        items = self._read_items(count * 2, depth)
        keys = items[::2]
        last = -1
        for key in keys:
            if type(key) is not int or key <= last:
                raise _bad_key(key, last, at)
            last = key
        return dict(zip(keys, items[1::2]))  # noqa: B905 (MicroPython has no strict)

    def _read_integer(self, first: int) -> int:
        at = self.pos
        argument = self._read_argument()
        if first < 0x20:
            return argument
        if argument == _MAX_INT:
            raise RefusedError("range", "byte %d: -(2^53)" % at)
        return -1 - argument

    def _read_argument(self) -> int:
        """The number in a head, in its shortest form and below 2^53."""
        data = self.data
        pos = self.pos
        info = data[pos] & 0x1F
        if info < 24:
            self.pos = pos + 1
            return info
        if info > 27:
            raise _bad_info(info, pos)
        size = 1 << (info - 24)
        self.pos = end = pos + 1 + size
        if end > len(data):
            raise self.ends_early()
        argument = int.from_bytes(data[pos + 1 : end], "big")
        if argument < (24 if size == 1 else 1 << (size << 2)):
            raise RefusedError(
                "shortest", "byte %d: %d is not in its shortest form" % (pos, argument)
            )
        if argument > _MAX_INT:
            raise RefusedError("range", "byte %d: a number of 2^53 or more" % pos)
        return argument

    def _read_string(self, first: int) -> "bytes | str":
        at = self.pos
        size = self._read_argument()
        start = self.pos
        end = start + size
        if size > _MAX_STRING_BYTES or end > len(self.data):
            raise RefusedError("length", "byte %d: a string of %d bytes" % (at, size))
        self.pos = end
        if first < 0x60:
            return self.data[start:end]
        try:
            return decode_utf8(self.data[start:end])
        except ValueError:
            raise RefusedError("utf-8", "byte %d: the text is not UTF-8" % at) from None

    def _read_simple(self, first: int) -> "bool | None":
        if 0xF4 <= first <= 0xF6:
            self.pos += 1
            return None if first == 0xF6 else first == 0xF5
        raise _bad_info(first & 0x1F, self.pos)


def _bad_info(info: int, pos: int) -> RefusedError:
    """The error for a head that the profile has no use for."""
    if info == 31:
        return RefusedError("indefinite", "byte %d: indefinite length" % pos)
    return RefusedError("type", "byte %d: a tag, float, simple or reserved value" % pos)


def _bad_key(key: object, last: int, at: int) -> RefusedError:
    """The error for a map key that is not an unsigned integer, or not above the one before."""
    if type(key) is not int or key < 0:
        return RefusedError(
            "type", "map at byte %d: key %.40r is not an unsigned integer" % (at, key)
        )
    return RefusedError("key order/dup", "map at byte %d: key %d behind key %d" % (at, key, last))
