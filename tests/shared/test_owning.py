"""The code from the console: the same on both sides, another one after each start."""

from phonehome_wire.owning import ALPHABET, CODE_CHARS, check_char, in_groups, owner_code

KEY = bytes(range(32))
DEV = bytes.fromhex("a4cf12fffe05d3b1")
INC = bytes.fromhex("00112233")


def test_the_code_of_a_boot():
    """As the standard library's HMAC-SHA-256 gives it: boards and receivers agree for ever."""
    assert owner_code(KEY, DEV, INC, 7) == "8BG88E75HH6H"


def test_another_boot_key_or_device_has_another_code():
    """So a code that somebody has seen is of no use later or elsewhere."""
    codes = {owner_code(KEY, DEV, INC, boot) for boot in range(20)}
    codes.add(owner_code(bytes(32), DEV, INC, 7))
    codes.add(owner_code(KEY, bytes(8), INC, 7))
    codes.add(owner_code(KEY, DEV, bytes(4), 7))
    assert len(codes) == 23


def test_a_code_is_read_by_people():
    """Twelve characters of the alphabet in groups of four, the last one checks the others."""
    code = owner_code(KEY, DEV, INC, (1 << 32) - 1)
    assert len(code) == CODE_CHARS
    assert all(char in ALPHABET for char in code)
    assert check_char(code[:-1]) == code[-1]
    assert in_groups(code) == code[:4] + "-" + code[4:8] + "-" + code[8:]
