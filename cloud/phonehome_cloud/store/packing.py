"""Columns of rows as the binary arrays of PostgreSQL.

The driver asks for the type of each element, and for a way to write it; here the column tells. A
column of 6 numbers or texts takes 0.6 us that way instead of 4, one of 256 10 us instead of 35.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Final

# The text of a type's name as SQLAlchemy compiles it, without a length: its number in PostgreSQL
# (src/include/catalog/pg_type.dat), and for numbers the struct of an element behind its length.
_NUMBERS: Final = {"BIGINT": (20, "iq", 8), "INTEGER": (23, "ii", 4), "SMALLINT": (21, "ih", 2)}
_BYTES: Final = {"BYTEA": 17}
_TEXTS: Final = {"VARCHAR": 1043, "TEXT": 25}

# One dimension, whether NULL is possible, the type, how many, from 1 on (array_recv).
_HEAD: Final = Struct("!iiIii")
_EMPTY: Final = Struct("!iiI")
_LENGTH: Final = Struct("!i").pack
_NULL: Final = _LENGTH(-1)


class Packed(bytes):
    """An array in the driver's hands: it goes over as it is."""

    __slots__ = ()


def pack(type_name: str, values: Sequence[Any]) -> Packed | list[Any]:
    """The array of a column of this type; of types not known here the list, for the driver."""
    name = type_name.partition("(")[0]
    if name in _NUMBERS:
        return Packed(_numbers(*_NUMBERS[name], values))
    if name in _TEXTS:
        return Packed(_pieces(_TEXTS[name], [v if v is None else v.encode() for v in values]))
    if name in _BYTES:
        return Packed(_pieces(_BYTES[name], values))
    return list(values)


def _numbers(oid: int, element: str, size: int, values: Sequence[int | None]) -> bytes:
    if None in values:
        one = Struct("!" + element[1:]).pack
        return _pieces(oid, [v if v is None else one(v) for v in values])
    count = len(values)
    elements: list[int | None] = [size] * (2 * count)
    elements[1::2] = values
    return _begin(oid, count) + _struct(element, count).pack(*elements)


def _pieces(oid: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_begin(oid, len(values))]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += _LENGTH(len(value)), value
    return b"".join(parts)


def _begin(oid: int, count: int) -> bytes:
    return _HEAD.pack(1, 1, oid, count, 1) if count else _EMPTY.pack(0, 0, oid)


@lru_cache(1024)
def _struct(element: str, count: int) -> Struct:
    return Struct("!" + element * count)
