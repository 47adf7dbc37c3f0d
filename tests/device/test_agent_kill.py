# cpython-only
"""Kill -9 again and again: every record that was stored arrives once or is counted as dropped."""

import pytest

from phonehome_wire import registry
from tests.device.killing import (
    DEVICE,
    KEY,
    Forgetful,
    find_faults,
    find_gone,
    find_twice_told,
    torture,
)

CYCLES = 150


async def test_no_stored_record_is_lost_or_doubled(tmp_path):
    """Over kills at random moments each fault and crash ends at the receiver, or in the counts."""
    killed = await torture(tmp_path, CYCLES, seed=2)
    assert find_faults(killed) == []
    assert len(killed.receiver.records(registry.RTYPE_FAULT)) > CYCLES
    assert len(killed.receiver.records(registry.RTYPE_CRASH)) > CYCLES // 20


@pytest.mark.parametrize(
    "control",
    [{"death": "hasty"}, {"receiver": Forgetful(DEVICE, KEY)}],
    ids=["agent", "receiver"],
)
async def test_the_books_find_a_loss(tmp_path, control):
    """An agent that deletes before the ack is caught; a receiver that acks and forgets is too."""
    killed = await torture(tmp_path, 30, seed=3, **control)
    assert find_gone(killed, registry.RTYPE_FAULT)
    assert any("are gone" in line for line in find_faults(killed))


async def test_no_transition_is_told_twice(tmp_path):
    """Killed at random, with faults that stay for several lives: each told once, under one id."""
    killed = await torture(tmp_path, CYCLES, seed=4, death="steady")
    assert find_faults(killed) == []
    assert len(killed.receiver.records(registry.RTYPE_FAULT)) > CYCLES // 4


async def test_no_transition_is_told_twice_by_a_board_that_ends_between(tmp_path):
    """Each record is followed by the end, before the states are on flash: still told once."""
    killed = await torture(tmp_path, 24, seed=5, death="between")
    assert find_twice_told(killed.receiver) == []
    assert killed.receiver.records(registry.RTYPE_FAULT)
