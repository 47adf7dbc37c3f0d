# cpython-only
"""The real agent, receiver and Mosquitto through a network that does everything wrong."""

import random

import pytest

from tests.storm.mischief import IMPOSTORS, WEIGHTS, draw_script
from tests.storm.torture import Plan, torment
from tests.storm.verdict import judge

HOURS = 1


@pytest.mark.parametrize("scheme", ["http", "https", "mqtt", "mqtts"])
async def test_a_stormy_night(tmp_path, scheme):
    """An hour of the agent's time: nothing lost, nothing grows, waits in bounds, delivered."""
    plan = Plan(scheme, HOURS)
    course = await torment(plan, tmp_path, watch=lambda _: None)
    assert [check for check in judge(course) if not check.is_kept] == []
    assert course.mischief


async def test_a_leak_is_seen(tmp_path):
    """The control: an agent that loses 512 bytes with every report fails the check of the heap."""
    plan = Plan("http", HOURS, leak=512)
    course = await torment(plan, tmp_path, watch=lambda _: None)
    assert [check.name for check in judge(course) if not check.is_kept] == ["heap flat"]


def test_every_mischief_is_drawn():
    """A seed draws the same scripts again, and in the end every kind and every impostor."""
    scripts = [[draw_script(rng, is_secure=True) for _ in range(300)] for rng in twins()]
    assert scripts[0] == scripts[1]
    assert {script.kind for script in scripts[0]} == set(WEIGHTS)
    assert {script.certificate for script in scripts[0]} == {"right", *IMPOSTORS}


def twins():
    """Two generators with one seed."""
    return random.Random(5), random.Random(5)
