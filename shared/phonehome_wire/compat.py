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
