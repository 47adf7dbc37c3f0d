"""Evidence that excludes other evidence: ranges of one number, of which it lies in one at most.

Naive Bayes takes evidence as independent given the cause. Where a file names "none" and "a little"
of the same current, "not a little" says nothing once it is none; taken as independent, it would
count the same reading twice and make a diagnosis surer than it is. What is expected of evidence is
therefore conditional upon the evidence before it that excludes it:

    P(b | cause, not a) = P(b | cause) / (1 - P(a | cause)),    and b tells nothing when a is there
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from phonehome_product import Evidence, Fault

from .likelihoods import LEAST, Likelihoods

# The words that say which number is looked at.
_PLACE: Final = ("what", "sensor", "statistic", "when", "metric", "usage", "command", "field")
_FEW: Final = 1024  # faults that are kept

_rivals: dict[int, tuple[Fault, dict[str, tuple[str, ...]]]] = {}


def rivals_of(fault: Fault) -> Mapping[str, tuple[str, ...]]:
    """For each evidence, the evidence before it in the file that cannot be there with it."""
    known = _rivals.get(id(fault))
    if known is None or known[0] is not fault:
        if len(_rivals) >= _FEW:
            _rivals.clear()
        known = _rivals[id(fault)] = fault, _find_rivals(fault.evidence)
    return known[1]


def expect(
    given: Likelihoods, rivals: Sequence[str], name: str, seen: Mapping[str, bool]
) -> Sequence[float] | None:
    """P(evidence is there | cause, what its rivals show), by cause; None when it tells nothing."""
    if not rivals:
        return given[name]
    told = [rival for rival in rivals if rival in seen]
    if not told:
        return given[name]
    if any(seen[rival] for rival in told):
        return None
    left = [1.0 - sum(parts) for parts in zip(*(given[rival] for rival in told), strict=True)]
    return tuple(
        min(p / max(rest, LEAST), 1 - LEAST) for p, rest in zip(given[name], left, strict=True)
    )


def _find_rivals(evidence: Sequence[Evidence]) -> dict[str, tuple[str, ...]]:
    return {
        one.id: tuple(other.id for other in evidence[:place] if _exclude(one, other))
        for place, one in enumerate(evidence)
    }


def _exclude(one: Evidence, other: Evidence) -> bool:
    return _place_of(one) == _place_of(other) and (_ends(one, other) or _ends(other, one))


def _place_of(evidence: Evidence) -> tuple[Any, ...]:
    return tuple(getattr(evidence, word) for word in _PLACE)


def _ends(one: Evidence, other: Evidence) -> bool:
    """Whether the range of one lies below that of the other; they may touch."""
    return one.max is not None and other.min is not None and one.max <= other.min
