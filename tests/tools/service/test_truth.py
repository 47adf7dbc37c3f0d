"""What makes a world: chance, readings that show evidence, and the figures over the seeds."""

import math
import random
from dataclasses import replace
from statistics import fmean

import pytest

from phonehome_cloud.core.diagnosing.evidence import observe
from phonehome_product import load
from phonehome_tools.fleet.catalog import find_product, product_names
from phonehome_tools.service_world.calibration import (
    Bin,
    calibration_by_chance,
    calibration_error,
    join,
    reliability,
)
from phonehome_tools.service_world.failures import START_AT
from phonehome_tools.service_world.intervals import estimate
from phonehome_tools.service_world.luck import Luck
from phonehome_tools.service_world.settling import Wish, settle
from phonehome_tools.service_world.signs import Signs
from phonehome_tools.service_world.truth import truths
from phonehome_tools.service_world.world import Head, World
from tests.tools.service.worlds import BULB

PRODUCTS = [BULB.stem, *product_names()]


def product_named(name):
    """A product that ships, or that of the tests."""
    return load(BULB) if name == BULB.stem else find_product(name).product


def test_chance_answers_a_question_always_the_same():
    """The same seed and words give the same number, others another one, all of them evenly."""
    luck = Luck(7, "fleet")
    assert luck.chance("age", 3) == Luck(7, "fleet").chance("age", 3)
    assert luck.chance("age", 3) != Luck(8, "fleet").chance("age", 3)
    drawn = [luck.chance(n) for n in range(20_000)]
    assert min(drawn) >= 0 and max(drawn) < 1
    assert fmean(drawn) == pytest.approx(0.5, abs=0.01)
    assert fmean(luck.waits(6, n) for n in range(20_000)) == pytest.approx(6, rel=0.04)
    normal = [luck.normal(n) for n in range(20_000)]
    assert fmean(normal) == pytest.approx(0, abs=0.03)
    assert fmean(x * x for x in normal) == pytest.approx(1, abs=0.05)
    picked = [luck.pick({"a": 3, "b": 1}, n) for n in range(20_000)]
    assert picked.count("a") / len(picked) == pytest.approx(0.75, abs=0.015)


@pytest.mark.parametrize(
    "wishes",
    [
        [Wish(None, 0.05, holds=True)],
        [Wish(None, 0.05, holds=False)],
        [Wish(1.0, 2.0, holds=True), Wish(1.5, None, holds=False)],
        [Wish(None, 10.0, holds=False), Wish(20.0, None, holds=False)],
        [Wish(3.0, 3.0, holds=True)],
    ],
)
def test_a_reading_grants_every_wish_that_can_be_granted(wishes):
    """Between limits, beyond them, between two pairs of them, or on the one point that is left."""
    assert all(wish.is_granted(settle(wishes, 0.01)) for wish in wishes)


def test_of_wishes_that_contradict_each_other_most_are_granted():
    """Two against one: the two win."""
    low, high = Wish(None, 1.0, holds=True), Wish(5.0, None, holds=True)
    assert settle([low, high, Wish(6.0, None, holds=True)], 0.1) >= 6.0


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_receiver_sees_each_evidence_that_shall_be_there(name):
    """`observe` finds, piece by piece, the evidence that the truth has put there or not."""
    product = product_named(name)
    signs = Signs(product, {})
    for fault in product.faults:
        for evidence in fault.evidence:
            for is_there in (True, False):
                shown = {evidence.id: is_there}
                facts = signs.facts(fault, shown, 400, START_AT, Luck(1))
                if evidence.what in ("answer", "age_days"):
                    continue  # asked for, and the appliance's own: one of that age is looked for
                assert observe(product, fault, facts)[evidence.id] is is_there, evidence.id


@pytest.mark.parametrize("name", PRODUCTS)
def test_devices_answer_what_the_truth_says(name):
    """Evidence in an answer is found there once the device was asked."""
    product = product_named(name)
    signs = Signs(product, {})
    for fault in product.faults:
        for evidence in fault.evidence:
            if evidence.what != "answer":
                continue
            for is_there in (True, False):
                shown = {evidence.id: is_there}
                answers = signs.answers(fault, shown, evidence.command)
                facts = signs.facts(fault, shown, 400, START_AT, Luck(1))
                told = replace(facts, answers=answers)
                assert observe(product, fault, told)[evidence.id] is is_there


def test_noise_turns_evidence_as_often_as_it_must():
    """A reading one step below its limit, with noise: as often turned as the normal law says."""
    product = load(BULB)
    fault = product.faults[0]
    noise = 0.05  # of one sample; the mean of 8 has 0.0177
    signs = Signs(product, {"current": noise})
    turned = 0
    for seed in range(2000):
        facts = signs.facts(fault, {"no_current": True}, 400, START_AT, Luck(seed))
        turned += not observe(product, fault, facts)["no_current"]
    chance = 0.5 * math.erfc(0.01 / (noise / math.sqrt(8)) / math.sqrt(2))
    assert turned / 2000 == pytest.approx(chance, abs=0.05)


def test_a_world_that_is_silent_believes_the_product():
    """Without a word about faults, causes, likelihoods and help are those of the product file."""
    product = load(BULB)
    found = truths(World(world=Head(title="Silent")), product)["L1"]
    assert found.causes == {"bulb_dead": 0.5, "cord_broken": 0.3, "bulb_loose": 0.2}
    assert found.signs["no_current"]["cord_broken"] == 0.95
    assert found.success["new_bulb"] == {"bulb_dead": 0.95, "cord_broken": 0, "bulb_loose": 0.9}
    assert found.best_action("bulb_loose", ("visit",)).id == "new_bulb"
    assert found.best_action("cord_broken", ("self_help",)) is None
    assert found.believed_action(("visit",)).id == "new_bulb"
    assert found.out_of_use == 1.0


def test_calibration_by_hand():
    """Four faults in two bins: |0.9 - 1/2| and |0.4 - 1|, half of the weight each."""
    beliefs = [
        ({"a": 0.9, "b": 0.1}, "a"),
        ({"a": 0.9, "b": 0.1}, "b"),
        ({"a": 0.4, "b": 0.3, "c": 0.3}, "a"),
        ({"a": 0.3, "b": 0.4, "c": 0.3}, "b"),
        ({}, "a"),
    ]
    bins = reliability(beliefs)
    assert bins == [
        Bin(2, 0.4, 1.0, pytest.approx(0.48)),
        Bin(2, 0.9, 0.5, pytest.approx(0.18)),
    ]
    assert calibration_error(bins) == pytest.approx(0.5)
    assert join([bins, [Bin(2, 0.92, 1.0, 0.02)]]) == [
        Bin(2, 0.4, 1.0, pytest.approx(0.48)),
        Bin(4, pytest.approx(0.91), 0.75, pytest.approx(0.2)),
    ]
    assert math.isnan(calibration_error([]))
    assert math.isnan(calibration_by_chance([]))


def test_a_right_diagnosis_is_found_off_by_chance():
    """Over many years of 200 faults whose probabilities are right, the mean error is what chance
    says that it is; of probabilities that say too much it is more.
    """
    rng = random.Random(6)
    found, chance, wrong = [], [], []
    for _ in range(300):
        believed = [rng.uniform(0.5, 1) for _ in range(200)]
        said = [({"a": p, "b": 1 - p}, "a" if rng.random() < p else "b") for p in believed]
        bins = reliability(said)
        found.append(calibration_error(bins))
        chance.append(calibration_by_chance(bins))
        surer = [({"a": min(1, b["a"] + 0.1), "b": 0}, cause) for b, cause in said]
        wrong.append(calibration_error(reliability(surer)))
    assert fmean(found) == pytest.approx(fmean(chance), rel=0.05)
    assert fmean(wrong) > 1.3 * fmean(chance)


def test_intervals_are_students():
    """1, 2, 3: mean 2, deviation 1, half 4.303 / sqrt(3); one value has none."""
    found = estimate([1, 2, 3])
    assert (found.mean, found.half) == (2, pytest.approx(4.303 / math.sqrt(3)))
    assert (found.low, found.high) == (found.mean - found.half, found.mean + found.half)
    assert estimate([5]).half is None
    assert estimate([5, math.nan]).mean == 5
    assert math.isnan(estimate([math.nan]).mean)
