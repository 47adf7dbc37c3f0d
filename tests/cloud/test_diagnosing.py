"""Causes are ranked by the evidence that is there, by what is not there, and by nothing else."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.diagnosing.asking import bits_of, rank_asks
from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.likelihoods import likelihoods_of
from tests.cloud.causes import make_fault

LIKELY = st.floats(0.001, 0.999).map(lambda p: round(p, 4))


@st.composite
def cases(draw, most_causes=6, most_evidence=8):
    """A fault, and which of its evidence is told to be there or not."""
    causes = draw(st.integers(1, most_causes))
    weights = draw(st.lists(st.integers(1, 100), min_size=causes, max_size=causes))
    priors = [weight / sum(weights) for weight in weights]
    rows = st.lists(LIKELY, min_size=causes, max_size=causes)
    fault = make_fault(priors, draw(st.lists(rows, max_size=most_evidence)))
    names = [evidence.id for evidence in fault.evidence]
    seen = draw(st.dictionaries(st.sampled_from(names), st.booleans())) if names else {}
    return fault, seen


def exact(fault, seen):
    """The posterior by definition, in fractions."""
    weights = {}
    for cause in fault.causes:
        weight = Fraction(cause.prior)
        for evidence in fault.evidence:
            p = Fraction(evidence.likelihood(cause.id))
            if evidence.id in seen:
                weight *= p if seen[evidence.id] else 1 - p
        weights[cause.id] = weight
    total = sum(weights.values())
    return {cause: float(weight / total) for cause, weight in weights.items()}


@given(cases())
def test_posterior_is_what_bayes_says(case):
    """The same numbers as exact fractions give, to 12 digits, and they add up to 1."""
    fault, seen = case
    found = diagnose(fault, seen).probabilities()
    assert found == pytest.approx(exact(fault, seen), rel=1e-11, abs=1e-15)
    assert math.fsum(found.values()) == pytest.approx(1, abs=1e-12)


@given(cases(), st.randoms())
def test_order_of_evidence_changes_nothing(case, random):
    """Facts may come in any order: the diagnosis is the same object, bit for bit."""
    fault, seen = case
    shuffled = list(seen.items())
    random.shuffle(shuffled)
    assert diagnose(fault, dict(shuffled)) == diagnose(fault, seen)


@given(cases())
def test_no_evidence_is_the_prior(case):
    """Nothing seen, nothing moved: causes stand as the file says, and all evidence is missing."""
    fault, _ = case
    diagnosis = diagnose(fault, {})
    total = sum(float(cause.prior) for cause in fault.causes)
    for cause in fault.causes:
        found = diagnosis.probabilities()[cause.id]
        assert found == pytest.approx(float(cause.prior) / total)
    assert all(ranked.moved == () for ranked in diagnosis.causes)
    assert diagnosis.missing == tuple(evidence.id for evidence in fault.evidence)


@given(cases())
def test_what_moved_a_cause_multiplies_to_the_whole_change(case):
    """The factors beside a cause are all there is: prior odds times them are the odds."""
    fault, seen = case
    for ranked in diagnose(fault, seen).causes:
        if len(fault.causes) == 1:
            continue
        moved = math.fsum(log for _, log in ranked.moved)
        before = math.log10(ranked.prior / (1 - ranked.prior))
        odds = 10 ** (before + moved)
        assert odds / (1 + odds) == pytest.approx(ranked.probability, rel=1e-9, abs=1e-12)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=5), LIKELY, LIKELY, LIKELY)
def test_more_likely_evidence_never_makes_a_cause_less_likely(weights, low, high, rest):
    """Monotone: the larger P(e | cause), the larger P(cause | e), all else the same."""
    low, high = sorted((low, high))
    priors = [weight / sum(weights) for weight in weights]

    def first(likelihood):
        fault = make_fault(priors, [[likelihood, *[rest] * (len(priors) - 1)]])
        return diagnose(fault, {"e0": True}).probabilities()["c0"]

    assert first(low) <= first(high) + 1e-12


def test_a_thousand_contradictions_stay_numbers():
    """32 pieces of the strongest evidence against every cause: no zero, no NaN, sums to 1."""
    fault = make_fault([0.5, 0.5], [[0.001, 0.002]] * 32)
    diagnosis = diagnose(fault, {f"e{i}": True for i in range(32)})
    assert diagnosis.causes[0].cause == "c1"
    assert 0 < diagnosis.causes[1].probability < 1e-9
    assert math.fsum(diagnosis.probabilities().values()) == pytest.approx(1)
    assert all(math.isfinite(log) for cause in diagnosis.causes for _, log in cause.moved)


def test_unknown_evidence_is_not_looked_at():
    """Evidence of an older file is neither seen nor missing."""
    fault = make_fault([0.5, 0.5], [[0.9, 0.1]])
    diagnosis = diagnose(fault, {"gone": True})
    assert diagnosis.seen == {}
    assert diagnosis.missing == ("e0",)


@pytest.mark.parametrize(
    ("priors", "rows", "words"),
    [
        ([0.55, 0.45], [], "less than 0.6"),
        ([0.62, 0.38], [], "more than half as likely"),
        ([0.7, 0.3], [[0.02, 0.01], [0.03, 0.02], [0.02, 0.01]], "no cause explains"),
        ([0.7, 0.3], [], ""),
    ],
)
def test_not_sure_says_why(priors, rows, words):
    """Below the threshold, with a close second, or with evidence that fits nothing: not sure."""
    fault = make_fault(priors, rows)
    diagnosis = diagnose(fault, {f"e{i}": True for i in range(len(rows))})
    assert diagnosis.is_sure == (words == "")
    assert words in diagnosis.why_unsure


def test_learnt_counts_stand_instead_of_the_priors():
    """With counts, the file's priors do not matter any more."""
    fault = make_fault([0.9, 0.1], [])
    diagnosis = diagnose(fault, {}, {"c0": 1.0, "c1": 3.0})
    assert [ranked.cause for ranked in diagnosis.causes] == ["c1", "c0"]
    assert diagnosis.causes[0].prior == pytest.approx(0.75)


def test_asks_what_tells_most_first():
    """A question that splits the causes comes before one that hardly does; a useless one never."""
    rows = [[0.6, 0.4], [0.99, 0.01], [0.51, 0.5]]
    fault = make_fault([0.5, 0.5], rows, [["e0"], ["e1"], ["e2"]])
    diagnosis = diagnose(fault, {})
    assert [ask.id for ask in diagnosis.asks] == ["a1"]
    ranked = diagnosis.causes
    given = likelihoods_of(fault)
    bits = [bits_of(ask, fault, ranked, given) for ask in fault.asks]
    assert bits[1] == pytest.approx(1 + 0.99 * math.log2(0.99) + 0.01 * math.log2(0.01))
    assert bits[1] > bits[0] > bits[2] > 0
    assert rank_asks(fault, {"e1": True}, ranked, given) == ()


def test_a_sure_diagnosis_asks_nothing():
    """A command is not sent to learn what is known."""
    fault = make_fault([0.9, 0.1], [[0.99, 0.01]], [["e0"]])
    assert diagnose(fault, {}).asks == ()


@given(cases(most_evidence=4))
def test_an_answer_never_tells_less_than_nothing(case):
    """Expected information lies between 0 and the entropy of the causes."""
    fault, _ = case
    if not fault.evidence:
        return
    names = [evidence.id for evidence in fault.evidence]
    asking = make_fault([float(c.prior) for c in fault.causes], [], [])
    asked = replace(fault, asks=make_fault([1.0], [[0.5]] * len(names), [names]).asks)
    ranked = diagnose(asking, {}).causes
    entropy = -sum(c.probability * math.log2(c.probability) for c in ranked)
    assert -1e-9 <= bits_of(asked.asks[0], asked, ranked, likelihoods_of(asked)) <= entropy + 1e-9
