# cpython-only
"""No thundering herd: a thousand agents that lose their receiver come back over time."""

import random

import pytest

from tests.storm.herd import HerdPlan, Stampede, limit_of, run_herd
from tests.storm.law import knock_times

AGENTS = 1000


@pytest.mark.parametrize("outage_s", [0, 60, 3600])
def test_no_second_sees_more_than_the_law_allows(outage_s):
    """However long the receiver is away, no second has more tries than full jitter explains."""
    rng = random.Random(outage_s)
    knocks = knock_times(AGENTS, outage_s, rng.randrange)
    stampede = Stampede("lost", knocks, limit_of(2 * AGENTS / 5))
    assert stampede.is_bounded
    back = [at for at in knocks if at >= outage_s]
    assert len(back) == AGENTS
    if outage_s:
        assert Stampede("back", back, AGENTS / 20).is_bounded


def test_without_jitter_it_is_a_herd():
    """The control: agents that all draw the same number fail the same check."""
    knocks = knock_times(AGENTS, 60, lambda below: below // 2)
    stampede = Stampede("lost", knocks, limit_of(2 * AGENTS / 5))
    assert stampede.peak == AGENTS
    assert not stampede.is_bounded


async def test_real_agents_keep_the_law(tmp_path):
    """Power on, heartbeats, loss and return of real agents: each in bounds, and all come back."""
    plan = HerdPlan(agents=60, settle_s=2, heartbeat_s=5, outage_s=4)
    stampedes = await run_herd(plan, tmp_path, note=lambda _: None)
    assert [s.name for s in stampedes if not s.is_bounded] == []
