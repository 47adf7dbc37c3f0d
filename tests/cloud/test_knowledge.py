"""The shipped product files know their faults: evidence tells causes apart, and actions mend."""

import itertools
import math
from dataclasses import fields
from pathlib import Path

import pytest

from phonehome_cloud.core.deciding.costs import Costs
from phonehome_cloud.core.diagnosing.bayes import MOST_SURPRISE, diagnose
from phonehome_product import compile_device, load, manifest_of
from phonehome_product.service import MENDING
from phonehome_product.vocabulary import COSTS

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"
SERVED = ("washer", "fridge", "freezer")
LOADED = {name: load(PRODUCTS / f"{name}.toml") for name in SERVED}
FAULTS = [
    pytest.param(product, fault, id=f"{name}-{fault.code}")
    for name, product in LOADED.items()
    for fault in product.faults
]


def typical(fault, cause):
    """The evidence as it speaks for a cause: there where the others would show it less often."""
    seen = {}
    for evidence in fault.evidence:
        others = [other for other in fault.causes if other.id != cause.id]
        weight = sum(other.prior for other in others)
        mean = sum(evidence.likelihood(o.id) * o.prior for o in others) / weight
        seen[evidence.id] = evidence.likelihood(cause.id) > mean
    return seen


@pytest.mark.parametrize(("product", "fault"), FAULTS)
def test_the_evidence_of_a_cause_ranks_it_first(product, fault):
    """Against any prior: what is typical for a rare cause still puts it before the usual one."""
    if len(fault.causes) == 1:
        return
    found = {}
    for cause in fault.causes:
        diagnosis = diagnose(fault, typical(fault, cause))
        found[cause.id] = diagnosis.causes[0].cause
    assert found == {cause.id: cause.id for cause in fault.causes}


@pytest.mark.parametrize(("product", "fault"), FAULTS)
def test_every_cause_can_be_mended_or_told(product, fault):
    """Each cause has an action that mends it more often than not, or a person for it."""
    kinds = {action.kind for action in fault.actions}
    for cause in fault.causes:
        best = max(
            (a.success_given(cause.id) for a in fault.actions if a.kind in MENDING), default=0
        )
        assert best > 0.5 or kinds & {"person", "lead"}, cause.id


def all_cases(fault):
    """(P(evidence), P(evidence and cause) by cause, diagnosis) of all combinations."""
    if len(fault.evidence) > 8:
        pytest.fail("too many combinations to weigh: sample them")
    for there in itertools.product((True, False), repeat=len(fault.evidence)):
        seen = {e.id: is_there for e, is_there in zip(fault.evidence, there, strict=True)}
        joint = {cause.id: chance(fault, cause, seen) for cause in fault.causes}
        yield sum(joint.values()), joint, diagnose(fault, seen)


def chance(fault, cause, seen):
    """P(this evidence and this cause), by the likelihoods of the file itself."""
    likely = {e.id: float(e.likelihood(cause.id)) for e in fault.evidence}
    return float(cause.prior) * math.prod(likely[e] if seen[e] else 1 - likely[e] for e in seen)


@pytest.mark.parametrize(("product", "fault"), FAULTS)
def test_right_causes_are_seldom_a_surprise(product, fault):
    """Evidence that a cause makes is called inexplicable in less than 3 % of its cases."""
    alarms = sum(
        p for p, _, found in all_cases(fault) if "standard deviations" in found.why_unsure
    )
    assert alarms < 0.03
    assert MOST_SURPRISE == 3.0


def test_who_is_sure_is_right():
    """Most tickets are sure, and then the first cause is right more often than without any."""
    faults = [fault for _, fault in (case.values for case in FAULTS) if len(fault.causes) > 1]
    sure = right = first_two = 0.0
    for fault in faults:
        for p, joint, found in all_cases(fault):
            if found.is_sure:
                ranked = [cause.cause for cause in found.causes]
                sure, right = sure + p, right + joint[ranked[0]]
                first_two += joint[ranked[0]] + joint[ranked[1]]
    print(
        f"sure {sure / len(faults):.3f}, right {right / sure:.3f}, in two {first_two / sure:.3f}"
    )
    assert sure / len(faults) > 0.8
    assert right / sure > 0.85
    assert first_two / sure > 0.95


@pytest.mark.parametrize("name", SERVED)
def test_articles_speak_both_languages(name):
    """Every article is there in English and in German, and every part and article is used."""
    product = LOADED[name]
    for article in product.articles:
        assert [text.language for text in article.texts] == ["en", "de"], article.id
    actions = [action for fault in product.faults for action in fault.actions]
    assert {a.article for a in actions} - {None} == {article.id for article in product.articles}
    assert {p for a in actions for p in a.parts} == {part.number for part in product.parts}


@pytest.mark.parametrize(
    ("name", "manifest"), [("washer", "f538c19e"), ("fridge", "9c3fb479"), ("freezer", "4d75168f")]
)
def test_the_service_half_reaches_no_board(name, manifest):
    """Service keys change no byte of the device half: its manifest is that of before them."""
    assert manifest_of(compile_device(LOADED[name])).hex() == manifest


def test_a_file_may_override_the_costs_that_there_are():
    """The words of a product file and the lines of the receiver's table are the same."""
    assert {item.name for item in fields(Costs)} == COSTS
