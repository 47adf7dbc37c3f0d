"""Evidence is read from facts as the product file words it; what cannot be told is absent."""

import json

import pytest

from phonehome_cloud.core.diagnosing.evidence import observe
from phonehome_cloud.core.diagnosing.facts import (
    Facts,
    Repair,
    read_facts,
    usage_of,
    write_facts,
)
from phonehome_wire.registry import METRIC_BOOTS, METRIC_OPERATED_MS, METRIC_RSSI_DBM
from tests.cloud.causes import kettle

NOW = 1_800_000_000_000
DAY = 86_400_000
FRAME = {
    "period_ms": 500,
    "trigger": 2,
    "channels": [
        {"channel": 3, "exp": -1, "samples": [900, 950, 1000, None, 1100]},
        {"channel": 1, "exp": 0, "samples": [0, 1, 1, 1, 0]},
    ],
}
ASK = """
[[fault.ask]]
id = "test"
title = "Test"
command = "{}"
evidence = ["e"]
"""


def look(words, facts=None, ask=""):
    """What one piece of evidence says about these facts: True, False or None."""
    text = f"""
[[fault.evidence]]
id = "e"
title = "Evidence"
{words}
given = {{ lid_open = 0.9 }}
otherwise = 0.1
"""
    product = kettle(text + (ASK.format(ask) if ask else ""))
    return observe(product, product.faults[0], facts or make_facts()).get("e")


def make_facts(**more):
    """Facts of a ticket of which nothing else is known."""
    return Facts("a4cf12fffe05d3b1", 1, "kettle", 520192, 0, NOW, **more)


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("mean", 98.75),
        ("min", 90),
        ("max", 110),
        ("first", 90),
        ("last", 110),
        ("at_trigger", 100),
        ("slope", 10),
    ],
)
def test_statistics_of_a_frame_are_exact(statistic, value):
    """A limit on the value itself holds from both sides; a hair beyond it does not."""
    words = f'what = "frame"\nsensor = "water_temp"\nstatistic = "{statistic}"\n'
    facts = make_facts(frame=FRAME)
    assert look(words + f"min = {value}\nmax = {value}", facts) is True
    assert look(words + f"min = {value + 0.001}", facts) is False
    assert look(words + f"max = {value - 0.001}", facts) is False


def test_only_samples_under_the_conditions_count():
    """What the sensor did while the heater was off is not looked at."""
    words = (
        'what = "frame"\nsensor = "water_temp"\nstatistic = "max"\nmin = 105\n'
        'when = [{ sensor = "heater", min = 1 }]'
    )
    assert look(words, make_facts(frame=FRAME)) is False
    assert look(words.split("when", maxsplit=1)[0], make_facts(frame=FRAME)) is True


@pytest.mark.parametrize(
    "frame",
    [
        None,
        {"period_ms": 500, "trigger": 0, "channels": []},
        {
            "period_ms": 500,
            "trigger": 0,
            "channels": [{"channel": 3, "exp": 0, "samples": [None]}],
        },
    ],
)
def test_a_frame_without_samples_tells_nothing(frame):
    """No frame, no channel, no sample: absent, not false."""
    words = 'what = "frame"\nsensor = "water_temp"\nstatistic = "mean"\nmin = 1'
    assert look(words, make_facts(frame=frame)) is None


def test_no_slope_through_one_sample():
    """One point has no direction, and the moment of the trigger may have no sample."""
    one = {"channel": 3, "exp": 0, "samples": [None, 5]}
    facts = make_facts(frame={"period_ms": 500, "trigger": 0, "channels": [one]})
    words = 'what = "frame"\nsensor = "water_temp"\nmin = 0\nstatistic = '
    assert look(words + '"slope"', facts) is None
    assert look(words + '"at_trigger"', facts) is None
    assert look(words + '"mean"', facts) is True


@pytest.mark.parametrize(
    ("words", "more", "told"),
    [
        ('what = "fault"\nfault = "K2"', {"active": frozenset({(520193, 4)})}, True),
        ('what = "fault"\nfault = "K2"', {}, False),
        ('what = "metric"\nmetric = "rssi_dbm"\nmax = -80', {"metrics": {3: -85}}, True),
        ('what = "metric"\nmetric = "rssi_dbm"\nmax = -80', {"metrics": {3: -60}}, False),
        ('what = "metric"\nmetric = "rssi_dbm"\nmax = -80', {}, None),
        ('what = "age_days"\nmin = 100', {"age_days": 100}, True),
        ('what = "age_days"\nmin = 100', {"age_days": 99}, False),
        ('what = "age_days"\nmin = 100', {}, None),
        ('what = "usage"\nusage = "boilings"\nmin = 10', {"usage": {"boilings": 12}}, True),
        ('what = "usage"\nusage = "occurrences"\nmin = 2', {"usage": {"occurrences": 1}}, False),
        ('what = "usage"\nusage = "occurrences"\nmin = 2', {}, None),
        ('what = "build"\nprefix = "0201"', {"build": "02010700"}, True),
        ('what = "build"\nprefix = "0201"', {"build": "02100000"}, False),
        ('what = "build"\nprefix = "0201"', {}, None),
        (
            'what = "repairs"\ncause = "lid_open"\nmax = 30',
            {"repairs": (Repair("lid_open", NOW - 29 * DAY),)},
            True,
        ),
        (
            'what = "repairs"\ncause = "lid_open"\nmax = 30',
            {"repairs": (Repair("lid_open", NOW - 31 * DAY), Repair("shorted", NOW))},
            False,
        ),
        ('what = "repairs"\ncause = "lid_open"', {}, False),
    ],
)
def test_each_kind_looks_at_its_fact(words, more, told):
    """True, false, or not to be told."""
    assert look(words, make_facts(**more)) is told


@pytest.mark.parametrize(
    ("command", "words", "answer", "told"),
    [
        ("selftest", "min = 1", 1, True),
        ("selftest", "min = 1", True, True),
        ("selftest", "min = 1", 0, False),
        ("selftest", "field = 2\nmin = 1", {2: 5}, True),
        ("selftest", "field = 2\nmin = 1", {"2": 5}, True),
        ("selftest", "field = 1\nmax = 3", [9, 3], True),
        ("selftest", "field = 7\nmax = 3", [9, 3], None),
        ("selftest", "min = 1", "broken", None),
        ("selftest", "field = 2\nmin = 1", 3, None),
        ("reread", 'sensor = "water_temp"\nmin = 99.5', {"3": 995}, True),
        ("reread", 'sensor = "water_temp"\nmin = 99.5', {"3": 994}, False),
    ],
)
def test_answers_are_read_by_key(command, words, answer, told):
    """The value of a command, one field of it, or a sample on the channel of a sensor."""
    words = f'what = "answer"\ncommand = "{command}"\n{words}'
    assert look(words, make_facts(answers={command: answer}), command) is told
    assert look(words, make_facts(), command) is None


def test_usage_is_what_the_receiver_and_the_application_count():
    """Hours come from either metric; a counter that was not heard is absent."""
    metrics = {METRIC_OPERATED_MS: 7_200_000, METRIC_BOOTS: 4, METRIC_RSSI_DBM: -60, 128: 77}
    found = usage_of(kettle(), metrics, 3, 1)
    assert found == {"occurrences": 3, "reopened": 1, "hours": 2, "boots": 4, "boilings": 77}
    assert usage_of(None, {20: 3600}, 1, 0) == {"occurrences": 1, "reopened": 0, "hours": 1}


def test_facts_survive_json():
    """Stored facts are the same facts: a replay is exact."""
    facts = make_facts(
        frame=FRAME,
        value=1.5,
        context={"1": 2},
        active=frozenset({(2, 1), (1, 4)}),
        metrics={3: -60, 128: 7},
        age_days=400,
        usage={"occurrences": 2},
        build="2.1",
        repairs=(Repair("lid_open", NOW),),
        answers={"reread": {"3": 995}},
    )
    assert read_facts(json.loads(json.dumps(write_facts(facts)))) == facts
    bare = make_facts()
    assert read_facts(json.loads(json.dumps(write_facts(bare)))) == bare
