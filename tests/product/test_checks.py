"""Parts that are good alone but contradict each other are refused."""

import pytest

from phonehome_product import ProductError, parse
from tests.product.samples import GOOD, line_of, spoil

SENSOR = """
[[sensor]]
name = "extra_{0}"
title = "Extra"
unit = "V"
channel = {0}
exp = 0
period_ms = 500
"""


def problems_of(text):
    """The problems of a text as (key, what and fix)."""
    with pytest.raises(ProductError) as caught:
        parse(text, "kettle.toml")
    return [(p.key, f"{p.what}; {p.fix}", p.line) for p in caught.value.problems]


def test_two_sensors_of_one_name_are_refused():
    """A rule could not say which of them it means."""
    problems = problems_of(spoil('name = "heater"', 'name = "water_temp"'))
    assert ("sensor.water_temp.name", "the same name as sensor number 1; give each its own") in [
        problem[:2] for problem in problems
    ]


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("channel = 1", "channel = 0", "sensor.heater.channel", "number 1"),
        ('code = "K2"', 'code = "K1"', "fault.K1.code", "number 1"),
        ("fmi = 10", "fmi = 0", "fault.K2.id", "same id and fmi"),
        ('id = "switch_stuck"', 'id = "lid_open"', "fault.K1.cause.lid_open.id", "number 1"),
        ('unit = "Cel"', 'unit = "degC"', "sensor.water_temp.unit", 'write "Cel"'),
        ('unit = "Cel"', 'unit = "cel"', "sensor.water_temp.unit", 'write "Cel"'),
        ("period_ms = 500", "period_ms = 100", "freeze.period_ms", "write 250 or more"),
        ("prior = 0.25", "prior = 0.5", "fault.K1.cause.lid_open.prior", "write 0.40, 0.60"),
        ("low = -5\n", "low = 105.5\n", "fault.K1.rule.low", "exchange low and high"),
        ("deadband = 2.0", "deadband = 60.0", "fault.K1.rule.deadband", "less than 54.75"),
        ("high = 104.5", "high = 104.55", "fault.K1.rule.high", "steps of 0.1"),
        ("high = 104.5", "high = 107374182.4", "fault.K1.rule.high", "31 bits"),
        ("low = 0.5", "low = 0.00005", "fault.K2.rule.low", "steps of 0.0001"),
        ("n = 2", "n = 4", "fault.K2.rule.n", "write at most 3"),
        ("window_ms = 4000", "window_ms = 400", "fault.K2.rule.window_ms", "write 500"),
        ("window_ms = 4000\n", "", "fault.K2.rule.window_ms", 'add the line "window_ms = ..."'),
        ("low = 0.5\n", "", "fault.K2.rule", 'add the line "low = ..."'),
        ("min = 1 }", "min = 0.5 }", "fault.K1.rule.when.1.min", "steps of 1"),
        ("min = 1 }", "min = 2, max = 1 }", "fault.K1.rule.when.1.min", "exchange min and max"),
        (", min = 1 }", " }", "fault.K1.rule.when.1", "add min or max"),
        (
            'sensor = "heater", min',
            'sensor = "heatr", min',
            "fault.K1.rule.when.1.sensor",
            "did you mean heater?",
        ),
        (
            'sensor = "water_temp"\nlow = 0',
            'sensor = "zzz"\nlow = 0',
            "fault.K2.rule.sensor",
            "use one of water_temp, heater",
        ),
        ('kind = "rate"', 'kind = "range"', "fault.K2.rule.window_ms", "does not use it"),
        ('kind = "rate"', 'kind = "stuck"', "fault.K2.rule.low", "does not use it"),
        ('kind = "range"\nsensor = "water_temp"', 'kind = "range"', "fault.K1.rule.sensor", "add"),
    ],
)
def test_contradiction_is_named_with_its_fix(old, new, key, words):
    """Each contradiction is one problem: the key, what is wrong, what to write."""
    ((found_key, text, line),) = problems_of(spoil(old, new))
    assert found_key == key
    assert words in text
    assert line is not None


NOISE = 'kind = "noise"\nsensor = "water_temp"\nhigh = 1\nwindow_ms = 4000'
DISAGREE = 'kind = "disagree"\nsensor = "water_temp"\nother = "water_temp"\nhigh = 1'
COUNT = 'kind = "count"\nsensor = "water_temp"\nlevel = 5\nhigh = 3\nwindow_ms = 4000'
DRIFT = 'kind = "drift"\nsensor = "water_temp"\nhigh = 90\nexcess = 5'


@pytest.mark.parametrize(
    ("rule", "key", "words"),
    [
        (NOISE.replace("window_ms = 4000", ""), "window_ms", 'add the line "window_ms = ..."'),
        (NOISE.replace("4000", "1000"), "window_ms", "write 2000"),
        (NOISE.replace("high = 1", "high = 0.00001"), "high", "steps of 0.0001"),
        (NOISE.replace("high = 1\n", ""), "", 'add the line "low = ..."'),
        (NOISE + "\nexcess = 4", "excess", "does not use it"),
        (DISAGREE, "other", "name the second sensor"),
        (DISAGREE.replace('other = "water_temp"\n', ""), "other", 'add the line "other = ..."'),
        (DISAGREE.replace('other = "water_temp"', 'other = "heater"'), "other", 'sensor in "Cel"'),
        (DISAGREE.replace('other = "water_temp"', 'other = "heatr"'), "other", "mean heater?"),
        (COUNT.replace("high = 3", "high = 2.5"), "high", "whole number"),
        (COUNT.replace("high = 3", "low = -1"), "low", "whole number"),
        (COUNT.replace("level = 5\n", ""), "level", 'add the line "level = ..."'),
        (COUNT.replace("level = 5", "level = 5.05"), "level", "steps of 0.1"),
        (COUNT + "\nrearm = 6", "rearm", "write 5 or less"),
        (DRIFT.replace("excess = 5", ""), "excess", 'add the line "excess = ..."'),
        (DRIFT.replace("excess = 5", "excess = 0"), "excess", "more than 0"),
        (DRIFT.replace("excess = 5", "excess = 999999999"), "excess", "31 bits"),
        (DRIFT + "\nwindow_ms = 4000", "window_ms", "does not use it"),
    ],
)
def test_wrong_word_of_a_rare_kind_is_named(rule, key, words):
    """Noise, disagree, count and drift name the key, the line and the fix like all others."""
    start, end = GOOD.rindex("kind = "), GOOD.rindex("[[fault.cause]]")
    ((found_key, text, line),) = problems_of(GOOD[:start] + rule + "\n" + GOOD[end:])
    assert found_key == ("fault.K2.rule." + key if key else "fault.K2.rule")
    assert words in text
    assert line is not None


def test_seventeenth_sensor_is_refused():
    """A freeze frame holds all sensors of a product, so there are at most sixteen."""
    more = "".join(SENSOR.format(number) for number in range(2, 17))
    ((key, text, line),) = problems_of(GOOD + more)
    assert key == "sensor.extra_16"
    assert "17 sensors" in text
    assert line == line_of(GOOD + more, 'name = "extra_16"') - 1


def test_priors_in_rounded_thirds_are_accepted():
    """0.33 three times is meant as one."""
    cause = '[[fault.cause]]\nid = "{0}"\ntitle = "{0}"\nprior = 0.332\n'
    start = GOOD.rindex("[[fault.cause]]")
    product = parse(GOOD[:start] + "".join(cause.format(c) for c in "abc"), "kettle.toml")
    assert len(product.faults[1].causes) == 3


def test_product_too_large_for_a_board_is_refused():
    """A file whose device half the board's strict decoder would refuse is refused here."""
    fault = GOOD[GOOD.index("[[fault]]") : GOOD.index('[[fault]]\ncode = "K2"')]
    gates = "{ sensor = 'heater', min = 1 }, " * 8
    fault = (
        fault[: fault.index("when")] + f"when = [{gates}]\n" + fault[fault.index("[[fault.c") :]
    )
    faults = "".join(
        fault.replace("K1", f"K{n}").replace("520192", str(520192 + n)) for n in range(64)
    )
    ((key, text, _),) = problems_of(GOOD[: GOOD.index("[[fault]]")] + faults)
    assert key == "fault"
    assert "too large for a board" in text
