"""The strict decoder: what it takes, where its bounds are, and what it refuses."""

from phonehome_wire.decoder import Decoder, decode
from phonehome_wire.errors import RefusedError
from tests.shared.golden import positives, reason_of
from tests.shared.test_encoder import EDGES


def test_integers_at_every_edge():
    """Both ends of every width decode to their number."""
    for value, text in EDGES:
        assert decode(bytes.fromhex(text)) == value
        assert decode(bytes.fromhex("81" + text)) == [value]
        assert decode(bytes.fromhex("a100" + text)) == {0: value}


def test_every_kind_of_value():
    """Null, booleans, strings, empty and nested containers."""
    assert decode(bytes.fromhex("86f6f4f5426162626161a0")) == [None, False, True, b"ab", "aa", {}]
    assert decode(b"\x60") == ""
    assert decode(b"\x80") == []
    assert decode(bytes.fromhex("64f09f9880")) == chr(0x1F600)
    assert decode(memoryview(b"\xa1\x01\x02")) == {1: 2}
    assert decode(bytearray(b"\x18\x18")) == 24


def test_true_is_not_one():
    """A boolean stays a boolean: no value is equal to a number by accident of the language."""
    assert decode(b"\xf5") is True
    assert type(decode(b"\x01")) is int


def test_bounds_are_where_they_are_said_to_be():
    """Eight levels, 2048 items and strings of 2048 bytes are fine, one more is not."""
    assert decode(b"\x81" * 7 + b"\x80") == [[[[[[[[]]]]]]]]
    assert reason_of(decode, b"\x81" * 8 + b"\x80") == "depth"
    assert len(decode(b"\x99\x07\xff" + bytes(2047))) == 2047
    assert reason_of(decode, b"\x99\x08\x00" + bytes(2048)) == "items"
    assert len(decode(b"\x59\x08\x00" + bytes(2048))) == 2048
    assert reason_of(decode, b"\x59\x08\x01" + bytes(2049)) == "length"
    assert reason_of(decode, bytes(4097)) == "length"
    assert len(decode(b"\x59\x08\x00" + bytes(2048), 2051)) == 2048
    assert reason_of(decode, b"\x59\x08\x00" + bytes(2048), 2050) == "length"


def test_every_truncation_is_refused():
    """A golden payload cut anywhere is refused, whatever the cut goes through."""
    for name, _, _, payload, _ in positives():
        for end in range(len(payload)):
            assert reason_of(decode, payload[:end]) is not None, (name, end)


def test_truncated_wide_integers_end_early():
    """An integer whose bytes are missing is a length defect, at the top and inside."""
    for text in ("18", "19", "1901", "1a010203", "1b01020304050607", "38", "811901", "811a0102"):
        assert reason_of(decode, bytes.fromhex(text)) == "length", text


def test_walking_by_hand_gives_spans():
    """A caller that reads the outer levels itself knows where each item begins and ends."""
    decoder = Decoder(bytes.fromhex("a20001018301820203f6"))
    assert decoder.read_count(0xA0) == 2
    assert decoder.read_key(-1) == 0
    assert decoder.read() == 1
    assert decoder.read_key(0) == 1
    assert decoder.read_count(0x80) == 3
    spans = []
    for _ in range(3):
        start = decoder.pos
        decoder.read()
        spans.append(decoder.data[start : decoder.pos])
    decoder.expect_end()
    assert spans == [b"\x01", b"\x82\x02\x03", b"\xf6"]


def test_hand_walk_keeps_the_rules():
    """Order of keys and kind of container are checked there too."""
    decoder = Decoder(b"\xa1\x01\x00")
    assert reason_of(decoder.read_count, 0x80) == "type"
    decoder.read_count(0xA0)
    assert reason_of(decoder.read_key, 1) == "key order/dup"
    assert reason_of(Decoder(b"\x00").expect_end) == "trailing"
    assert isinstance(Decoder(b"").ends_early(), RefusedError)
