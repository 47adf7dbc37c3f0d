"""Where the bytes of a .mpy file go is counted to the last one."""

import pytest

from phonehome_tools.fleet.compiling import compile_text
from phonehome_tools.linking.device import compiled_units, link_device
from tests.pico.anatomy import Anatomy


def test_every_file_of_the_agent_adds_up():
    """Each byte is of one kind, in all of them."""
    for data in compiled_units(link_device()).values():
        assert Anatomy(data).found.total() == len(data)


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ("def f(a):\n    return a\n", {"opcodes", "arguments", "heads", "lines"}),
        ("x = 'a text that is longer than a name would be'\n" * 2, {"constants", "opcodes"}),
        ("some_name.other_name\n", {"names", "opcodes"}),
    ],
)
def test_what_is_added_is_found_in_its_kind(more, kinds):
    """A function, a text and a name each make their kinds larger."""
    before = Anatomy(compile_text("pass\n", "m")).found
    after = Anatomy(compile_text(f"pass\n{more}", "m")).found
    assert kinds <= {kind for kind in after if after[kind] > before[kind]}


def test_a_file_that_is_cut_short_is_none():
    """Nothing is counted that is not there."""
    with pytest.raises((ValueError, IndexError)):
        Anatomy(compile_text("x = 1\ny = f(x)\n", "m")[:-1])
