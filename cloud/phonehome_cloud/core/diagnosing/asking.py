"""Which question to the device would tell most."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

from phonehome_product import Ask, Evidence, Fault

from .diagnosis import Ranked

# A command costs radio and battery, and its answer a second look at the ticket: less than a tenth
# of the bit that would settle two equal causes is not worth it.
LEAST_BITS: Final = 0.1


def rank_asks(fault: Fault, seen: Mapping[str, bool], ranked: Sequence[Ranked]) -> tuple[Ask, ...]:
    """Asks that are not answered yet and worth it, the one that would tell most first."""
    open_asks = [ask for ask in fault.asks if not any(name in seen for name in ask.evidence)]
    told = [(bits_of(ask, fault, ranked), ask) for ask in open_asks]
    told.sort(key=lambda pair: -pair[0])
    return tuple(ask for bits, ask in told if bits >= LEAST_BITS)


def bits_of(ask: Ask, fault: Fault, ranked: Sequence[Ranked]) -> float:
    """The expected information about the cause, in bits: I(cause; answers), exact.

    All combinations of answers are weighed; a file allows an ask 8 pieces of evidence.
    """
    known = {evidence.id: evidence for evidence in fault.evidence}
    answered = [known[name] for name in ask.evidence]
    information = 0.0
    for answers in itertools.product((True, False), repeat=len(answered)):
        joint = [cause.probability * _chance(cause.cause, answered, answers) for cause in ranked]
        total = math.fsum(joint)
        for cause, weight in zip(ranked, joint, strict=True):
            if weight > 0:
                information += weight * math.log2(weight / (total * cause.probability))
    return max(0.0, information)


def _chance(cause: str, answered: Sequence[Evidence], answers: Sequence[bool]) -> float:
    chances = (float(evidence.likelihood(cause)) for evidence in answered)
    return math.prod(p if yes else 1 - p for p, yes in zip(chances, answers, strict=True))
