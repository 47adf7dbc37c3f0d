"""Outcomes move what is expected of evidence, and evidence that excludes other counts once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.deciding.costs import costs_of
from phonehome_cloud.core.deciding.situation import Situation
from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis, Ranked
from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_cloud.core.diagnosing.likelihoods import (
    LIKELIHOOD_STRENGTH,
    Taught,
    add_weights,
    likelihoods_of,
    tell_moves,
    weigh_evidence,
)
from phonehome_cloud.core.diagnosing.outcomes import BY_OWNER, action_helped
from phonehome_cloud.core.replaying import Record, consider, read_record, write_record
from phonehome_product import Action
from phonehome_product.fields import read_section
from tests.cloud.causes import kettle, make_fault, number

FAULT = make_fault([0.5, 0.5], [[0.9, 0.2], [0.3, 0.6]])
RANGES = """
[[fault.evidence]]
id = "cold"
title = "The water is cold"
what = "frame"
sensor = "water_temp"
statistic = "mean"
max = 20
given = { lid_open = 0.8, switch_stuck = 0.1 }
otherwise = 0.3
[[fault.evidence]]
id = "warm"
title = "The water is warm"
what = "frame"
sensor = "water_temp"
statistic = "mean"
min = 20
max = 60
given = { lid_open = 0.1, switch_stuck = 0.7 }
otherwise = 0.4
[[fault.evidence]]
id = "rising"
title = "The water gets warmer"
what = "frame"
sensor = "water_temp"
statistic = "slope"
min = 0.1
given = { lid_open = 0.4 }
otherwise = 0.6
"""


def test_without_outcomes_the_file_is_right():
    """What nobody taught anything about stays as the file has it, to the last digit."""
    assert likelihoods_of(FAULT) == {"e0": (0.9, 0.2), "e1": (0.3, 0.6)}
    dropped = {"gone": {"e0": (9.0, 0.0)}, "c0": {"gone": (9.0, 0.0)}}
    assert likelihoods_of(FAULT, dropped) == likelihoods_of(FAULT)


def test_outcomes_move_one_likelihood_each():
    """An outcome of a cause counts for the evidence that could be told, and for no other cause."""
    told = weigh_evidence(FAULT, {"e0": False, "gone": True}, {"c0": 1.0})
    assert told == {"c0": {"e0": (0.0, 1.0)}}
    now = likelihoods_of(FAULT, told)
    strength = LIKELIHOOD_STRENGTH
    assert now == {"e0": (pytest.approx(0.9 * strength / (strength + 1)), 0.2), "e1": (0.3, 0.6)}
    assert set(tell_moves(FAULT, {}, told)) == {"c0/e0"}


def test_many_outcomes_drown_the_file_and_never_make_certain():
    """A thousand technicians are believed; what was never seen may be seen tomorrow."""
    told = weigh_evidence(FAULT, {"e0": False}, {"c0": 1e6})
    assert likelihoods_of(FAULT, told)["e0"][0] == 0.001
    both = add_weights(told, weigh_evidence(FAULT, {"e0": True}, {"c0": 1e6}))
    assert likelihoods_of(FAULT, both)["e0"][0] == pytest.approx(0.5, abs=1e-4)


@given(st.lists(st.tuples(st.sampled_from(["c0", "c1"]), st.booleans(), st.booleans())))
def test_what_was_taught_can_be_taken_back(outcomes):
    """Before and after differ by what was taught, in whatever order outcomes came."""
    parts = [weigh_evidence(FAULT, {"e0": a, "e1": b}, {cause: 0.5}) for cause, a, b in outcomes]
    all_of_them, backwards = {}, {}
    for part, other in zip(parts, reversed(parts), strict=True):
        all_of_them = add_weights(all_of_them, part)
        backwards = add_weights(backwards, other)
    assert likelihoods_of(FAULT, all_of_them) == likelihoods_of(FAULT, backwards)
    nothing = Taught({}, all_of_them).without(Taught({}, backwards))
    assert likelihoods_of(FAULT, nothing.evidence) == likelihoods_of(FAULT)


def test_only_who_knows_the_cause_teaches_about_evidence():
    """Steps that help one cause say what was seen of it; those that help two would only repeat
    the diagnosis' own guess, and teach nothing but how often.
    """
    ranked = tuple(Ranked(c, c, 0.5, 0.5, ()) for c in ("c0", "c1"))
    diagnosis = Diagnosis(ranked, "", {"e0": True}, (), ())
    place = ("a4cf12fffe05d3b1", 1, "action/0")

    def helped(**success):
        mends = {cause: number(p) for cause, p in success.items()}
        action = read_section(
            Action, {"id": "do", "kind": "self_help", "article": "a", "success": mends}
        )
        return action_helped(place, "p", FAULT, diagnosis, action, "owner", BY_OWNER, 0)

    assert helped(c1=0.8).seen == {"e0": True}
    assert helped(c0=0.8, c1=0.8).seen == {}


def test_ranges_of_one_number_count_once():
    """Cold water is not warm: that it is not warm says nothing more; and when it is not cold,
    warm is weighed against what is left.
    """
    (fault, _) = kettle(RANGES).faults
    cold = diagnose(fault, {"cold": True}).probabilities()
    assert diagnose(fault, {"cold": True, "warm": False}).probabilities() == cold
    rest = diagnose(fault, {"cold": False, "warm": True}).probabilities()
    joint = {"lid_open": 0.6 * 0.1, "switch_stuck": 0.3 * 0.7, "sensor_off": 0.1 * 0.4}
    total = sum(joint.values())
    assert rest == pytest.approx({cause: p / total for cause, p in joint.items()})
    both = diagnose(fault, {"cold": False, "rising": True})
    assert [name for name, _ in both.causes[0].moved] == ["cold", "rising"]


def test_a_record_keeps_what_was_taught_by_then():
    """Written and read again, a record makes the same diagnosis, whatever is taught later."""
    product = kettle(RANGES)
    fault = product.faults[0]
    taught = Taught({"lid_open": 1.5}, weigh_evidence(fault, {"cold": False}, {"lid_open": 1.5}))
    frame = {
        "period_ms": 500,
        "trigger": 0,
        "channels": [{"channel": 3, "exp": -1, "samples": [100, 100]}],
    }
    facts = Facts("d", 1, "kettle", fault.id, fault.fmi, 0, frame=frame)
    record = Record(facts, Situation(0), taught)
    again = read_record(json.loads(json.dumps(write_record(record))))
    costs = costs_of()
    assert consider(product, again, costs) == consider(product, record, costs)
    plain = consider(product, Record(facts, Situation(0)), costs)[0]
    assert plain != consider(product, record, costs)[0]
    old = write_record(record)
    del old["evidence"]
    assert read_record(old).taught == Taught({"lid_open": 1.5})
