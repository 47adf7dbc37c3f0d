"""Causes ranked by naive Bayes over the evidence that could be told, in log space.

    P(cause | evidence) ~ P(cause) * product over the evidence e of P(e | cause)

where P(e | cause) is the likelihood of the product file for evidence that is there, and one minus
it for evidence that is not. It is naive: evidence counts as independent given the cause, so two
pieces that say the same must not both stand in a file.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from phonehome_product import Ask, Evidence, Fault

from .asking import rank_asks
from .diagnosis import Diagnosis, Ranked

# With evidence as the shipped files have it, 83 of 100 tickets are sure by these two, and of those
# the first cause is right in 86 and one of the first two in 97: more than the 75 to 80 faults that
# technicians fix at the first visit without a diagnosis. 0.8 would be right in 92, and leave 43 of
# 100 tickets to a person. tests/cloud/test_knowledge.py weighs every combination of evidence.
SURE_PROBABILITY: Final = 0.6
SURE_RATIO: Final = 2.0
# Evidence that is this many standard deviations less likely than the best cause lets expect fits
# no cause of the file. With a right cause of the shipped files that is said in 3 of 100 cases at
# the worst fault, in 3 of 1000 on average (tests/cloud/test_knowledge.py weighs them all).
MOST_SURPRISE: Final = 3.0

_LOG10_E: Final = math.log10(math.e)


def diagnose(
    fault: Fault, seen: Mapping[str, bool], counts: Mapping[str, float] | None = None
) -> Diagnosis:
    """The causes of a fault, given evidence by id (observe) that is there or not.

    `counts` are Dirichlet counts by cause (priors.counts_of); None means the product's priors.
    Evidence that the file does not name is not looked at. The order of `seen` changes nothing.
    """
    told = [evidence for evidence in fault.evidence if evidence.id in seen]
    priors = prior_of(fault, counts)
    logs = [math.log(prior) for prior in priors]
    odds = _log_odds(logs)
    moved: list[list[tuple[str, float]]] = [[] for _ in priors]
    for evidence in told:
        before = odds
        logs = [log + part for log, part in zip(logs, _logs(fault, evidence, seen), strict=True)]
        odds = _log_odds(logs)
        for trail, was, now in zip(moved, before, odds, strict=True):
            trail.append((evidence.id, (now - was) * _LOG10_E))
    total = _log_sum(logs)
    ranked = [
        Ranked(cause.id, cause.title, math.exp(log - total), prior, tuple(trail))
        for cause, log, prior, trail in zip(fault.causes, logs, priors, moved, strict=True)
    ]
    ranked.sort(key=lambda cause: -cause.probability)  # stable: equals stay in the file's order
    is_surprising = _surprise(told, seen, ranked[0].cause) > MOST_SURPRISE
    why = say_unsure([cause.probability for cause in ranked], is_surprising)
    missing = tuple(evidence.id for evidence in fault.evidence if evidence.id not in seen)
    asks: tuple[Ask, ...] = rank_asks(fault, seen, ranked) if why else ()
    kept = {evidence.id: seen[evidence.id] for evidence in told}
    return Diagnosis(tuple(ranked), why, kept, missing, asks)


def prior_of(fault: Fault, counts: Mapping[str, float] | None = None) -> list[float]:
    """P(cause) before any evidence, in the order of the file, adding up to 1."""
    if counts is None:
        weights = [float(cause.prior) for cause in fault.causes]
    else:
        weights = [counts[cause.id] for cause in fault.causes]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _logs(fault: Fault, evidence: Evidence, seen: Mapping[str, bool]) -> list[float]:
    is_there = seen[evidence.id]
    likelihoods = [float(evidence.likelihood(cause.id)) for cause in fault.causes]
    return [math.log(p if is_there else 1 - p) for p in likelihoods]


def _log_odds(logs: Sequence[float]) -> list[float]:
    """The natural logarithm of the odds of each against all others."""
    if len(logs) == 1:
        return [0.0]  # nothing to bet against
    return [log - _log_sum([*logs[:i], *logs[i + 1 :]]) for i, log in enumerate(logs)]


def _log_sum(logs: Sequence[float]) -> float:
    """log(sum(exp(x))), without leaving the range of a float."""
    most = max(logs)
    return most + math.log(math.fsum([math.exp(log - most) for log in logs]))


def say_unsure(probabilities: Sequence[float], is_surprising: bool) -> str:
    """Why causes of these probabilities, the likeliest first, are not sure; empty if they are."""
    best = probabilities[0]
    second = probabilities[1] if len(probabilities) > 1 else 0.0
    if best < SURE_PROBABILITY:
        return f"the likeliest cause has {best:.2f}, less than {SURE_PROBABILITY}"
    if best < SURE_RATIO * second:
        return f"the second cause ({second:.2f}) is more than half as likely as the first"
    if is_surprising:
        return (
            f"no cause explains the evidence: it is more than {MOST_SURPRISE:.0f} standard "
            "deviations from what the likeliest one lets expect"
        )
    return ""


def _surprise(told: Sequence[Evidence], seen: Mapping[str, bool], cause: str) -> float:
    """By how many standard deviations the evidence is less likely than it should be, if `cause`.

    Of -log P(evidence | cause), whose mean and variance are sums over independent evidence.
    """
    found, mean, variance = 0.0, 0.0, 0.0
    for evidence in told:
        p = float(evidence.likelihood(cause))
        yes, no = -math.log(p), -math.log(1 - p)
        found += yes if seen[evidence.id] else no
        mean += p * yes + (1 - p) * no
        variance += p * (1 - p) * (yes - no) ** 2
    return (found - mean) / math.sqrt(variance) if variance > 0 else 0.0
