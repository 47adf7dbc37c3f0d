"""What outcomes teach about evidence: Beta counts per product, fault, cause and evidence.

P(evidence is there | cause) is that of the product file times LIKELIHOOD_STRENGTH, and on top the
weight of the outcomes of this cause with the evidence and of those without it. Evidence that could
not be told counts neither way. Only what was taught is stored, as with the priors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from phonehome_product import Fault

# As many outcomes of a cause as the file's word about each of its evidence weighs.
LIKELIHOOD_STRENGTH: Final = 10.0
# Those of the product file: what was never seen may be seen tomorrow.
LEAST: Final = 0.001

# Weights by cause and evidence: of outcomes in which it was there, and in which it was not.
Weights = Mapping[str, Mapping[str, Sequence[float]]]
# P(it is there | cause) by evidence, in the order of the fault's causes.
Likelihoods = Mapping[str, Sequence[float]]


_FEW: Final = 1024  # faults that are kept

_files: dict[int, tuple[Fault, dict[str, tuple[float, ...]]]] = {}


def likelihoods_of(fault: Fault, taught: Weights | None = None) -> Likelihoods:
    """The likelihoods of all evidence; what was taught about what the file dropped is lost."""
    file = _likelihoods_of_file(fault)
    if not taught:
        return file
    of_causes = [taught.get(cause.id, {}) for cause in fault.causes]
    return {
        name: tuple(_mean(p, of.get(name)) for p, of in zip(row, of_causes, strict=True))
        for name, row in file.items()
    }


def _likelihoods_of_file(fault: Fault) -> dict[str, tuple[float, ...]]:
    """From memory when the fault was asked for before."""
    known = _files.get(id(fault))
    if known is None or known[0] is not fault:
        if len(_files) >= _FEW:
            _files.clear()
        rows = {
            evidence.id: tuple(float(evidence.likelihood(cause.id)) for cause in fault.causes)
            for evidence in fault.evidence
        }
        known = _files[id(fault)] = fault, rows
    return known[1]


def _mean(file: float, taught: Sequence[float] | None) -> float:
    if taught is None:
        return file
    there, absent = taught
    mean = (LIKELIHOOD_STRENGTH * file + there) / (LIKELIHOOD_STRENGTH + there + absent)
    return min(max(mean, LEAST), 1 - LEAST)


@dataclass(frozen=True, slots=True)
class Taught:
    """What outcomes taught of one fault, on top of its product file: weights, all of them."""

    causes: Mapping[str, float] = field(default_factory=dict)
    evidence: Weights = field(default_factory=dict)

    def without(self, other: "Taught") -> "Taught":
        """What was known before `other` was taught."""
        causes = {c: weight - other.causes.get(c, 0.0) for c, weight in self.causes.items()}
        return Taught(causes, add_weights(self.evidence, other.turned().evidence))

    def turned(self) -> "Taught":
        """What takes all of it back when it is taught."""
        less = {
            cause: {name: (-there, -absent) for name, (there, absent) in of.items()}
            for cause, of in self.evidence.items()
        }
        return Taught({cause: -weight for cause, weight in self.causes.items()}, less)


def tell_moves(fault: Fault, before: Weights, after: Weights) -> dict[str, dict[str, float]]:
    """Old and new P(evidence | cause) where it moved: {"cause/evidence": {"old": p, "new": p}}."""
    old, new = likelihoods_of(fault, before), likelihoods_of(fault, after)
    return {
        f"{cause.id}/{name}": {"old": round(old[name][place], 4), "new": round(now[place], 4)}
        for place, cause in enumerate(fault.causes)
        for name, now in new.items()
        if now[place] != old[name][place]
    }


def weigh_evidence(
    fault: Fault, seen: Mapping[str, bool], shares: Mapping[str, float]
) -> dict[str, dict[str, tuple[float, float]]]:
    """What an outcome adds: its weight for a cause counts for each evidence that could be told."""
    return weigh_told(told_of(fault, seen), shares)


def told_of(fault: Fault, seen: Mapping[str, bool]) -> dict[str, bool]:
    """Of evidence that was there or not that which the fault has."""
    return {evidence.id: seen[evidence.id] for evidence in fault.evidence if evidence.id in seen}


def weigh_told(
    told: Mapping[str, bool], shares: Mapping[str, float]
) -> dict[str, dict[str, tuple[float, float]]]:
    """As weigh_evidence, of evidence that the fault had when it counted."""
    return {
        cause: {name: (share, 0.0) if there else (0.0, share) for name, there in told.items()}
        for cause, share in shares.items()
    }


def add_weights(one: Weights, other: Weights) -> dict[str, dict[str, tuple[float, float]]]:
    """Both together."""
    total = {c: {e: (w[0], w[1]) for e, w in of.items()} for c, of in one.items()}
    for cause, of in other.items():
        into = total.setdefault(cause, {})
        for name, (there, absent) in of.items():
            before = into.get(name, (0.0, 0.0))
            into[name] = (before[0] + there, before[1] + absent)
    return total
