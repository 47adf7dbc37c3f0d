"""Causes ranked by naive Bayes over the evidence that could be told, in log space.

    P(cause | evidence) ~ P(cause) * product over the evidence e of P(e | cause)

where P(e | cause) is the likelihood of the product file for evidence that is there, and one minus
it for evidence that is not. It is naive: evidence counts as independent given the cause, so two
pieces that say the same must not both stand in a file.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from phonehome_product import Ask, Fault

from .asking import rank_asks
from .diagnosis import Diagnosis, Ranked
from .exclusion import expect, rivals_of
from .likelihoods import Likelihoods, likelihoods_of

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
    fault: Fault,
    seen: Mapping[str, bool],
    counts: Mapping[str, float] | None = None,
    likelihoods: Likelihoods | None = None,
) -> Diagnosis:
    """The causes of a fault, given evidence by id (observe) that is there or not.

    `counts` are Dirichlet counts by cause (priors.counts_of), `likelihoods` those that were learnt
    (likelihoods.likelihoods_of); None means what the product file says.
    Evidence that the file does not name is not looked at. The order of `seen` changes nothing.
    """
    told = [evidence.id for evidence in fault.evidence if evidence.id in seen]
    rivals = rivals_of(fault)
    given = likelihoods_of(fault) if likelihoods is None else likelihoods
    priors = prior_of(fault, counts)
    logs = [math.log(prior) for prior in priors]
    odds = _log_odds(logs)
    moved: list[list[tuple[str, float]]] = [[] for _ in priors]
    expected: dict[str, Sequence[float]] = {}
    for name in told:
        chances = expect(given, rivals[name], name, seen)
        if chances is None:
            continue
        expected[name], before = chances, odds
        logs = [log + part for log, part in zip(logs, _logs(chances, seen[name]), strict=True)]
        odds = _log_odds(logs)
        for trail, was, now in zip(moved, before, odds, strict=True):
            trail.append((name, (now - was) * _LOG10_E))
    total = _log_sum(logs)
    ranked = [
        Ranked(cause.id, cause.title, math.exp(log - total), prior, tuple(trail))
        for cause, log, prior, trail in zip(fault.causes, logs, priors, moved, strict=True)
    ]
    ranked.sort(key=lambda cause: -cause.probability)  # stable: equals stay in the file's order
    best = next(i for i, cause in enumerate(fault.causes) if cause.id == ranked[0].cause)
    by_best = {name: chances[best] for name, chances in expected.items()}
    is_surprising = _surprise(by_best, seen) > MOST_SURPRISE
    why = say_unsure([cause.probability for cause in ranked], is_surprising)
    missing = tuple(evidence.id for evidence in fault.evidence if evidence.id not in seen)
    asks: tuple[Ask, ...] = rank_asks(fault, seen, ranked, given) if why else ()
    kept = {name: seen[name] for name in told}
    return Diagnosis(tuple(ranked), why, kept, missing, asks)


def prior_of(fault: Fault, counts: Mapping[str, float] | None = None) -> list[float]:
    """P(cause) before any evidence, in the order of the file, adding up to 1."""
    if counts is None:
        weights = [float(cause.prior) for cause in fault.causes]
    else:
        weights = [counts[cause.id] for cause in fault.causes]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _logs(chances: Sequence[float], is_there: bool) -> list[float]:
    return [math.log(p if is_there else 1 - p) for p in chances]


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


def _surprise(expected: Mapping[str, float], seen: Mapping[str, bool]) -> float:
    """By how many standard deviations the evidence is less likely than it should be.

    `expected` is P(it is there | the likeliest cause). Of -log P(evidence | cause), whose mean and
    variance are sums over independent evidence.
    """
    found, mean, variance = 0.0, 0.0, 0.0
    for name, p in expected.items():
        yes, no = -math.log(p), -math.log(1 - p)
        found += yes if seen[name] else no
        mean += p * yes + (1 - p) * no
        variance += p * (1 - p) * (yes - no) ** 2
    return (found - mean) / math.sqrt(variance) if variance > 0 else 0.0
