"""A fleet that restarts within ten minutes and complains is one incident."""

import pytest

from tests.storm.incident import broken, storm
from tests.storm.open_tickets import measure


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


async def test_what_is_open_besides_costs_nothing(tmp_path):
    """A ticket among ten times as many others takes no more than half as long again."""
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    small, large = await measure(few, 2000, 200), await measure(many, 20_000, 200)
    assert large["first_us"] < 1.5 * small["first_us"]
    assert large["again_us"] < 1.5 * small["again_us"]
