"""What is written out for boards behaves like what CPython brings along."""

from phonehome_wire import portable
from phonehome_wire.primitives import decode_utf8, encode_utf8

GOOD = (
    "",
    "plain",
    "\u00e9\u20ac" + chr(0x1F600),
    chr(0x7FF) + chr(0x800) + chr(0xFFFF),
    chr(0x10FFFF),
)
BAD = ("80", "c080", "c1bf", "e080af", "eda080", "f0808080", "f4908080", "e282", "ff", "61e2")


def is_refused(function, argument):
    """Whether a call raises ValueError."""
    try:
        function(argument)
    except ValueError:
        return True
    return False


def test_text_round_trips_at_every_width():
    """Characters of one to four bytes, and the edges between them."""
    for text in GOOD:
        for encode, decode in (
            (encode_utf8, decode_utf8),
            (portable.encode_utf8, portable.decode_utf8),
        ):
            assert decode(encode(text)) == text


def test_text_that_is_no_utf_8_is_refused():
    """Overlong forms, surrogates, what lies above Unicode, and sequences cut short."""
    for data in BAD:
        assert is_refused(decode_utf8, bytes.fromhex(data)), data
        assert is_refused(portable.decode_utf8, bytes.fromhex(data)), data


def test_lone_surrogates_are_not_written():
    """Neither encoder writes half a character."""
    for encode in (encode_utf8, portable.encode_utf8):
        assert is_refused(encode, "a" + chr(0xD800))
        assert is_refused(encode, chr(0xDFFF))
