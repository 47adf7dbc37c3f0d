"""The code on a device's label, with which its owner says that it is theirs.

Twelve characters without those that people confuse: eleven are drawn (55 bits), the last one
checks them (Luhn's sum over 32 characters), so that a slip of the finger is no wrong code. The
store has its hash with the device's id, so a code is of use with its device alone.
"""

import hashlib
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_CHARS: Final = 12
_GROUP: Final = 4
_PAIR: Final = 2


def draw_code(choose: Callable[[str], str]) -> str:
    """A new code as people read it, XXXX-XXXX-XXXX; `choose` draws one of some characters."""
    drawn = "".join(choose(ALPHABET) for _ in range(CODE_CHARS - 1))
    code = drawn + check_char(drawn)
    return "-".join(code[at : at + _GROUP] for at in range(0, CODE_CHARS, _GROUP))


def maybe_code(text: str) -> str | None:
    """The characters of a code as somebody typed it, or None when it cannot be one."""
    plain = "".join(char for char in text.upper() if char not in "- ")
    if len(plain) != CODE_CHARS or not set(plain) <= set(ALPHABET):
        return None
    return plain if check_char(plain[:-1]) == plain[-1] else None


def check_char(text: str) -> str:
    """The character that follows these, so that one wrong one and most swaps are noticed."""
    total = 0
    for place, char in enumerate(reversed(text)):
        step = ALPHABET.index(char) * (_PAIR if place % _PAIR == 0 else 1)
        total += step // len(ALPHABET) + step % len(ALPHABET)
    return ALPHABET[-total % len(ALPHABET)]


def code_hash(device: str, plain: str) -> bytes:
    """What is stored of a code."""
    return hashlib.sha256(f"label {device} {plain}".encode()).digest()
