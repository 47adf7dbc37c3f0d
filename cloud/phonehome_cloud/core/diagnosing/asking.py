"""Which question to the device would tell most."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

from phonehome_product import Ask, Fault

from .diagnosis import Ranked
from .likelihoods import Likelihoods

# A command costs radio and battery, and its answer a second look at the ticket: less than a tenth
# of the bit that would settle two equal causes is not worth it.
LEAST_BITS: Final = 0.1


def rank_asks(
    fault: Fault, seen: Mapping[str, bool], ranked: Sequence[Ranked], given: Likelihoods
) -> tuple[Ask, ...]:
    """Asks that are not answered yet and worth it, the one that would tell most first."""
    open_asks = [ask for ask in fault.asks if not any(name in seen for name in ask.evidence)]
    told = [(bits_of(ask, fault, ranked, given), ask) for ask in open_asks]
    told.sort(key=lambda pair: -pair[0])
    return tuple(ask for bits, ask in told if bits >= LEAST_BITS)


def bits_of(ask: Ask, fault: Fault, ranked: Sequence[Ranked], given: Likelihoods) -> float:
    """The expected information about the cause, in bits: I(cause; answers), exact.

    All combinations of answers are weighed; a file allows an ask 8 pieces of evidence.
    """
    place = {cause.id: i for i, cause in enumerate(fault.causes)}
    chances = [[given[name][place[cause.cause]] for name in ask.evidence] for cause in ranked]
    information = 0.0
    for answers in itertools.product((True, False), repeat=len(ask.evidence)):
        joint = [
            cause.probability * _chance(of_it, answers)
            for cause, of_it in zip(ranked, chances, strict=True)
        ]
        total = math.fsum(joint)
        for cause, weight in zip(ranked, joint, strict=True):
            if weight > 0:
                information += weight * math.log2(weight / (total * cause.probability))
    return max(0.0, information)


def _chance(chances: Sequence[float], answers: Sequence[bool]) -> float:
    return math.prod(p if yes else 1 - p for p, yes in zip(chances, answers, strict=True))
