"""Every difference between CPython and MicroPython that the wire meets; no other file asks which
one runs, but `wrapping` for a cipher that nobody else needs.
"""

import sys

IS_MICROPYTHON = sys.implementation.name == "micropython"


def const(value: int) -> int:
    """The value itself. MicroPython's compiler knows the name and folds it away.

    So it does with what stands under `if TYPE_CHECKING:` when that name is `const(0)`.
    """
    return value


if IS_MICROPYTHON:
    from .portable import decode_utf8, encode_utf8, hmac_sha256, is_equal
else:
    from .native import decode_utf8, encode_utf8, hmac_sha256, is_equal

__all__ = ["const", "decode_utf8", "encode_utf8", "hmac_sha256", "is_equal"]
