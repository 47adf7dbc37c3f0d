"""The code by which somebody at the console of a device proves that it is in their hands.

Twelve characters, as those on a label: eleven are 55 bits of an HMAC under the device's own key,
over its boot, the last one checks them. With the next boot there is another code.
"""

from .compat import const
from .primitives import hmac_sha256

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_CHARS = const(12)
# So many boots ahead of the last one that was heard a receiver looks for a code.
BOOTS_AHEAD = const(32)

_BITS = const(5)
_LABEL = b"ph1 own"


def owner_code(up_key: bytes, dev: bytes, inc: bytes, boot: int) -> str:
    """The code of one boot, 12 characters; `up_key` signs what the device says."""
    tag = hmac_sha256(up_key, _LABEL, dev, inc, boot.to_bytes(8, "big"))
    number = int.from_bytes(tag[:8], "big")
    text = ""
    for _ in range(CODE_CHARS - 1):
        text += ALPHABET[number & 31]
        number >>= _BITS
    return text + check_char(text)


def check_char(text: str) -> str:
    """The character that follows these, so that one wrong one and most swaps are noticed.

    It is Luhn's sum over 32 characters.
    """
    total = 0
    place = len(text)
    for char in text:
        step = ALPHABET.index(char) * (2 if place % 2 else 1)
        total += step // 32 + step % 32
        place -= 1
    return ALPHABET[-total % 32]


def in_groups(code: str) -> str:
    """A code as people read it, XXXX-XXXX-XXXX."""
    return "-".join([code[at : at + 4] for at in range(0, len(code), 4)])
