"""A fleet that restarts within ten minutes and complains is one incident."""

import pytest

from tests.storm.incident import broken, storm


async def test_a_storm_is_one_incident(tmp_path):
    """300 pumps: one incident, one letter to the desk, every ticket there and held."""
    found = await storm(tmp_path, 300)
    assert broken(found) == []
    assert found["letters"] <= 21


@pytest.mark.parametrize(
    "spoilt", [{"tickets": 299}, {"incidents": 2}, {"letters": 300}, {"actions": 300}]
)
def test_a_broken_promise_is_seen(spoilt):
    """The verdict can tell."""
    good = {"devices": 300, "tickets": 300, "incidents": 1, "held": 300, "set_aside": 0}
    good |= {"still_due": 0, "letters": 3, "actions": 2}
    assert broken(good) == []
    assert len(broken(good | spoilt)) == 1
