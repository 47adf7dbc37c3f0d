"""The encoder: shortest forms, space, and the edges of the profile."""

from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError, TooBigError

EDGES = (
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (2**32 - 1, "1affffffff"),
    (2**32, "1b0000000100000000"),
    (2**53 - 1, "1b001fffffffffffff"),
    (-1, "20"),
    (-24, "37"),
    (-25, "3818"),
    (-256, "38ff"),
    (-257, "390100"),
    (-65537, "3a00010000"),
    (-(2**53) + 1, "3b001ffffffffffffe"),
)


def written(put, *args):
    """The hex of what one call of an encoder writes."""
    enc = Encoder(bytearray(64), 0)
    getattr(enc, put)(*args)
    return bytes(enc.buf[: enc.pos]).hex()


def raised(error, function, *args):
    """The error a call raises; fails when it raises none."""
    try:
        function(*args)
    except error as caught:
        return caught
    raise AssertionError("no " + error.__name__)


def test_integers_take_their_shortest_form():
    """Each width begins where the one before ends, in both signs."""
    for value, expected in EDGES:
        assert written("put_int", value) == expected
        if value >= 0:
            assert written("put_uint", value) == expected


def test_other_items_are_as_rfc_8949_writes_them():
    """Strings, heads, booleans and null."""
    assert written("put_bytes", b"\1\2") == "420102"
    assert written("put_text", "\u00e9") == "62c3a9"
    assert written("put_array", 25) == "9819"
    assert written("put_map", 1) == "a1"
    assert written("put_bool", True) == "f5"
    assert written("put_bool", False) == "f4"
    assert written("put_null") == "f6"
    assert written("put_raw", memoryview(b"abc")[1:]) == "6263"


def test_numbers_outside_the_profile_are_refused():
    """2^53 and more in magnitude, a negative unsigned number, a float, a text key."""
    enc = Encoder(bytearray(64), 0)
    assert raised(EncodeError, enc.put_int, 2**53).reason == "range"
    assert raised(EncodeError, enc.put_int, -(2**53)).reason == "range"
    assert raised(EncodeError, enc.put_uint, -1).reason == "range"
    assert raised(EncodeError, enc.put_value, 1.5).reason == "type"
    assert raised(EncodeError, enc.put_value, {"a": 1}).reason == "type"
    assert raised(EncodeError, enc.put_value, {-1: 1}).reason == "range"
    assert raised(EncodeError, enc.put_value, object()).reason == "type"
    assert enc.pos <= 1


def test_lone_surrogates_are_refused():
    """Text that UTF-8 cannot carry is a local mistake, found before the far end finds it."""
    enc = Encoder(bytearray(64), 0)
    assert raised(EncodeError, enc.put_text, "a" + chr(0xD800)).reason == "utf-8"


def test_nothing_is_written_beyond_the_end():
    """Whatever does not fit raises TooBigError and leaves the bytes behind the end alone."""
    for put, arg in (
        ("put_uint", 5),
        ("put_uint", 200),
        ("put_uint", 2**40),
        ("put_text", "abcdefghij"),
        ("put_bytes", bytes(30)),
        ("put_array", 300),
        ("put_null", None),
    ):
        for room in range(9):
            enc = Encoder(bytearray(b"\xee" * 40), 0, room)
            try:
                getattr(enc, put)() if arg is None else getattr(enc, put)(arg)
            except TooBigError:
                assert enc.end == room
            assert enc.pos <= room
            assert bytes(enc.buf[room:]) == b"\xee" * (40 - room)


def test_open_maps_are_counted_at_the_end():
    """A map may be counted after its pairs are put; absent values are no pair; 23 is the most."""
    enc = Encoder(bytearray(64), 0)
    at = enc.put_open_map()
    count = enc.put_field(0, 5) + enc.put_field(1, None) + enc.put_field(2, -1)
    enc.close_map(at, count)
    assert bytes(enc.buf[: enc.pos]).hex() == "a200050220"
    assert raised(EncodeError, enc.close_map, at, 24).reason == "range"


def test_errors_read_well():
    """Reason and detail in one line, the reason alone when there is no detail."""
    assert str(EncodeError("range", "300 is too much")) == "range: 300 is too much"
    assert str(EncodeError("range")) == "range"


def test_reset_frees_the_buffer():
    """After reset the next item stands at the payload's place and the end is the buffer's."""
    enc = Encoder(bytearray(64), 50, 52)
    enc.reset()
    enc.put_uint(7)
    assert (enc.buf[40], enc.pos, enc.end) == (7, 41, 64)


def test_maps_are_sorted_by_key():
    """The order in which a dict hands out its keys never reaches the wire."""
    value = {40000: None, 3: [1, -2, (True, b"x")], 0: {7: "t", 1: False}, 255: ""}
    enc = Encoder(bytearray(200), 0)
    enc.put_value(value)
    text = bytes(enc.buf[: enc.pos])
    assert text.hex() == "a400a201f407617403830121 82f5417818ff60199c40f6".replace(" ", "")
    assert decode(text)[3] == [1, -2, [True, b"x"]]
