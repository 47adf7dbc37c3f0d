"""Codes on labels: read as people type them, slips noticed."""

import random

import pytest

from phonehome_cloud.core.labels import (
    ALPHABET,
    CODE_CHARS,
    check_char,
    code_hash,
    draw_code,
    maybe_code,
)

DEVICE = "a4cf12fffe05d3b1"


def drawn(seed):
    """A code that is the same for the same seed."""
    return draw_code(random.Random(seed).choice)


def test_a_code_is_read_as_people_type_it():
    """Small letters, spaces and missing dashes are no other code."""
    code = drawn(1)
    plain = code.replace("-", "")
    assert len(plain) == CODE_CHARS and set(plain) <= set(ALPHABET)
    assert maybe_code(code) == maybe_code(code.lower().replace("-", " ")) == plain
    assert not set("01IO") & set(ALPHABET)


@pytest.mark.parametrize("text", ["", "2345", "2345-6789-ABC0", "2345-6789-ABCDE", "é" * 12])
def test_what_cannot_be_a_code_is_none(text):
    """Wrong lengths and characters."""
    assert maybe_code(text) is None


def test_every_wrong_character_is_noticed():
    """At each place each of the 31 others."""
    plain = maybe_code(drawn(2))
    for place in range(CODE_CHARS):
        for char in set(ALPHABET) - {plain[place]}:
            assert maybe_code(plain[:place] + char + plain[place + 1 :]) is None


def test_swapped_neighbours_are_noticed():
    """All but the one pair that Luhn's sum does not tell apart: the first and the last letter."""
    missed = 0
    for first in ALPHABET:
        for second in ALPHABET:
            if first != second and check_char(first + second) == check_char(second + first):
                missed += 1
    assert missed == 2


def test_a_hash_is_of_one_device():
    """A code that leaks is of no use with another device."""
    assert code_hash(DEVICE, "A" * 12) != code_hash(DEVICE[::-1], "A" * 12)
    assert len(code_hash(DEVICE, "A" * 12)) == 32
