"""The table of action states, pair by pair."""

import itertools

import pytest

from phonehome_cloud.core.caring import (
    AGREED,
    CANCELLED,
    FAILED,
    HELPED,
    OUTCOMES,
    RUNNING,
    STATES,
    UNDER_WAY,
    WAITING_CONSENT,
    ActionRow,
)
from phonehome_cloud.errors import TransitionError

MAY = {
    (WAITING_CONSENT, AGREED),
    (WAITING_CONSENT, HELPED),
    (WAITING_CONSENT, CANCELLED),
    (AGREED, RUNNING),
    (AGREED, HELPED),
    (AGREED, CANCELLED),
    (RUNNING, HELPED),
    (RUNNING, FAILED),
    (RUNNING, CANCELLED),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_each_pair_of_states(before, after):
    """Nothing begins before somebody agreed, and what has ended stays as it ended."""
    row = ActionRow("a" * 16, 1, 0, "visit", "swap", before, "rule", "owner", 5, due_at=9)
    if (before, after) in MAY:
        row.move(after, 7)
        assert row.state == after
        assert (row.ended_at, row.due_at) == ((7, None) if after in OUTCOMES else (None, 9))
    else:
        with pytest.raises(TransitionError, match=before):
            row.move(after, 7)
        assert row.state == before


def test_each_state_is_under_way_or_an_outcome():
    """There is no third kind."""
    assert set(STATES) == UNDER_WAY | OUTCOMES
    assert not UNDER_WAY & OUTCOMES
