"""What a board loads to speak to its receiver, it drops again before it waits."""

import sys

from phonehome.core.channel import MISSING
from phonehome.core.ondemand import forget, rest
from phonehome_wire import series
from phonehome_wire.compat import IS_MICROPYTHON

SPEAKING = ("phonehome.core.reporting.records", "phonehome_wire.encoder")
RESIDENT = ("phonehome.core.ondemand", "phonehome_wire.compat", "phonehome_wire.errors")


def test_a_board_at_rest_has_nothing_of_the_wire_but_its_errors():
    """Records and encoder leave a board and can come back; a computer shares the wire."""
    for _ in range(2):
        for name in SPEAKING + RESIDENT:
            __import__(name)
        rest()
        kept = [name for name in SPEAKING if name in sys.modules]
        assert kept == ([] if IS_MICROPYTHON else list(SPEAKING))
        assert [name for name in RESIDENT if name not in sys.modules] == []


def test_forgetting_what_is_not_there_changes_nothing():
    """A module that nobody loaded can be dropped."""
    forget("phonehome.core.nowhere")
    assert "phonehome.core" in sys.modules


def test_a_missing_sample_is_the_same_here_and_on_the_wire():
    """A board keeps its own copy of the number, because it does not keep the wire."""
    assert MISSING == series.MISSING
