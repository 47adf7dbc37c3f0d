"""A rule is judged only while its gates are open."""

from phonehome.core.channel import Channel
from phonehome.core.gates import Gates
from phonehome_wire.series import MISSING


class Spec:
    def __init__(self, gates=(), settle_ms=0):
        self.gates = gates
        self.settle_ms = settle_ms


def run(gates, settle_ms, values, span_ms=1000):
    """Whether the gate is open, as a digit, for each row of channel values."""
    channels = [Channel(number, f"s{number}", "", 0, 1000) for number in range(2)]
    watched = Gates([Spec(gates, settle_ms)], channels)
    seen = ""
    for row in values:
        for channel, value in zip(channels, row):  # noqa: B905  # MicroPython has no strict
            channel.value = value
        seen += "1" if watched.watch(0, span_ms) else "0"
    return seen


def test_limits_are_inclusive_and_either_may_be_absent():
    """A gate holds from its least to its greatest value."""
    rows = [(value, 0) for value in (4, 5, 7, 9, 10)]
    assert run([(0, 5, 9)], 0, rows) == "01110"
    assert run([(0, None, 9)], 0, rows) == "11110"
    assert run([(0, 5, None)], 0, rows) == "01111"


def test_all_gates_must_hold():
    """One condition that does not hold shuts the gate, a missing sample too."""
    rows = [(1, 1), (1, 0), (0, 1), (MISSING, 1), (1, MISSING), (1, 1)]
    assert run([(0, 1, 1), (1, 1, 1)], 0, rows) == "100001"


def test_a_gate_opens_after_its_settle_time():
    """Conditions must hold that long without a break."""
    rows = [(value, 0) for value in (1, 1, 1, 1, 0, 1, 1, 1, 1)]
    assert run([(0, 1, None)], 3000, rows) == "000100001"


def test_settle_time_without_conditions_counts_from_the_start():
    """So a rule can wait out the first seconds of a boot."""
    assert run([], 2000, [(0, 0)] * 4) == "0011"
