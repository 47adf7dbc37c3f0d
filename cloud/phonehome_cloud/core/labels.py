"""The code on a device's label, with which its owner says that it is theirs.

Twelve characters without those that people confuse: eleven are drawn (55 bits), the last one
checks them (Luhn's sum over 32 characters), so that a slip of the finger is no wrong code. The
store has its hash with the device's id, so a code is of use with its device alone.
"""

import hashlib
from collections.abc import Callable

from phonehome_wire.owning import ALPHABET, CODE_CHARS, check_char, in_groups


def draw_code(choose: Callable[[str], str]) -> str:
    """A new code as people read it, XXXX-XXXX-XXXX; `choose` draws one of some characters."""
    drawn = "".join(choose(ALPHABET) for _ in range(CODE_CHARS - 1))
    return in_groups(drawn + check_char(drawn))


def maybe_code(text: str) -> str | None:
    """The characters of a code as somebody typed it, or None when it cannot be one."""
    plain = "".join(char for char in text.upper() if char not in "- ")
    if len(plain) != CODE_CHARS or not set(plain) <= set(ALPHABET):
        return None
    return plain if check_char(plain[:-1]) == plain[-1] else None


def code_hash(device: str, plain: str) -> bytes:
    """What is stored of a code."""
    return hashlib.sha256(f"label {device} {plain}".encode()).digest()
