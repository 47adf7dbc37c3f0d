"""Reading checked fields out of a decoded map. Every refusal has the reason "schema" and names key
and value.
"""

from .compat import const
from .errors import RefusedError

# Folded away on a board; a test holds them to registry and limits.
_MAX_INT = const(9007199254740991)
_MAJOR = const(1)

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from typing import Any


def expect_major(body: "Any") -> None:
    """The value is a map of this major version (key 0)."""
    if not isinstance(body, dict):
        raise RefusedError("schema", "the payload is not a map")
    major = expect_int(body, 0)
    if major != _MAJOR:
        raise RefusedError("major", "schema major %d, this side knows %d" % (major, _MAJOR))


def expect_int(body: "dict[int, Any]", key: int, low: int = 0, high: int = _MAX_INT) -> int:
    """The integer at the key, between low and high."""
    value = body.get(key)
    if type(value) is not int or not low <= value <= high:
        raise RefusedError("schema", "key %d: %.40r, want %d..%d" % (key, value, low, high))
    return value


def maybe_int(
    body: "dict[int, Any]", key: int, low: int = 0, high: int = _MAX_INT
) -> "int | None":
    """The same, None when the key is absent."""
    return expect_int(body, key, low, high) if key in body else None


def expect_bytes(body: "dict[int, Any]", key: int, low: int, high: int = 0) -> bytes:
    """The byte string at the key, of low bytes, or low to high."""
    value = body.get(key)
    if type(value) is not bytes or not low <= len(value) <= (high or low):
        raise RefusedError(
            "schema", "key %d: %.40r, want %d..%d bytes" % (key, value, low, high or low)
        )
    return value


def maybe_bytes(body: "dict[int, Any]", key: int, low: int, high: int = 0) -> "bytes | None":
    """The same, None when the key is absent."""
    return expect_bytes(body, key, low, high) if key in body else None


def expect_text(body: "dict[int, Any]", key: int, low: int, high: int) -> str:
    """The text at the key, of low to high bytes of UTF-8."""
    value = body.get(key)
    if type(value) is not str or not low <= len(value.encode()) <= high:
        raise RefusedError(
            "schema", "key %d: %.40r, want text of %d..%d bytes" % (key, value, low, high)
        )
    return value


def expect_rows(
    body: "dict[int, Any]", key: int, high: "tuple[int, int, int]"
) -> "list[tuple[int, int, int]]":
    """The array of rows of three unsigned integers at the key; `high` bounds each column."""
    rows = body.get(key)
    if not isinstance(rows, list):
        raise RefusedError("schema", "key %d: %.40r, want an array" % (key, rows))
    for row in rows:
        if not isinstance(row, list) or len(row) != 3:
            raise RefusedError("schema", "key %d: %.40r, want rows of three" % (key, row))
        for i in range(3):
            if type(row[i]) is not int or not 0 <= row[i] <= high[i]:
                raise RefusedError("schema", "key %d: %.40r, want 0..%d" % (key, row[i], high[i]))
    return [(row[0], row[1], row[2]) for row in rows]
