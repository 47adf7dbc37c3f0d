"""Scripted faults and durations."""

import pytest

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.script import ScriptedFault, parse_duration, parse_fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drain_blocked@40s", ScriptedFault("drain_blocked", 40_000)),
        ("drain_blocked@40s-70s", ScriptedFault("drain_blocked", 40_000, 70_000)),
        ("leak@1.5m-2m", ScriptedFault("leak", 90_000, 120_000)),
        ("door@500ms", ScriptedFault("door", 500)),
        ("door@7", ScriptedFault("door", 7000)),
    ],
)
def test_fault_script_is_read(text, expected):
    """A script names a fault, when it begins and, maybe, when it ends."""
    assert parse_fault(text) == expected


@pytest.mark.parametrize(
    "text", ["", "drain", "drain@", "@40s", "drain@40x", "drain@-5s", "Drain@4s", "drain@70s-40s"]
)
def test_wrong_fault_script_is_refused(text):
    """A script that says nothing useful is refused with its own text."""
    with pytest.raises(SetupError, match="fault '"):
        parse_fault(text)


def test_durations_have_units():
    """A duration counts seconds unless it names another unit."""
    assert [parse_duration(text) for text in ("90", "90s", "2m", "1h")] == [
        90_000,
        90_000,
        120_000,
        3_600_000,
    ]
    with pytest.raises(SetupError, match="duration 'soon'"):
        parse_duration("soon")
