"""What outcomes teach about how often each cause is why: Dirichlet counts per product and fault.

The counts of a fault are the product file's priors times PRIOR_STRENGTH, and what was taught on
top. Only what was taught is stored, so a file with better priors takes effect at once.
"""

from collections.abc import Mapping
from typing import Final

from phonehome_product import Action, Fault

from .diagnosis import Diagnosis

# As many outcomes as the file's word weighs. For a share p that was guessed e off, the strength
# p(1-p)/e**2 - 1 makes the least squared error; for p = 0.5 and a guess that is 0.15 off, 10.
PRIOR_STRENGTH: Final = 10.0

# How much an outcome counts. A technician has seen the cause. Whoever says "it helped", and a
# device that healed, have seen that the fault went: half counts at once, and half when it has not
# come back in HELD_DAYS.
SEEN_WEIGHT: Final = 1.0
HELPED_WEIGHT: Final = 0.5
HELD_WEIGHT: Final = 0.5
HELD_DAYS: Final = 90

# Shares are whole numbers of this: sums of them are exact up to a million outcomes, and what is
# taken back leaves exactly what would be there without it.
_GRAIN: Final = 2.0**-32


def counts_of(fault: Fault, taught: Mapping[str, float] | None = None) -> dict[str, float]:
    """Dirichlet counts by cause; what was taught about a cause that the file dropped is lost."""
    taught = taught or {}
    return {
        cause.id: PRIOR_STRENGTH * float(cause.prior) + taught.get(cause.id, 0.0)
        for cause in fault.causes
    }


def learn(
    fault: Fault, counts: Mapping[str, float], cause: str, weight: float = SEEN_WEIGHT
) -> dict[str, float]:
    """The counts after an outcome of this cause; ValueError when the fault has no such cause."""
    if all(known.id != cause for known in fault.causes):
        known_ids = ", ".join(known.id for known in fault.causes)
        raise ValueError(f"cause = {cause!r}: no cause of {fault.code}; use one of {known_ids}")
    return {**counts, cause: counts.get(cause, 0.0) + weight}


def share_of_help(diagnosis: Diagnosis, action: Action, weight: float) -> dict[str, float]:
    """Who gets how much of the weight when an action helped: P(cause | it helped), times weight.

    Empty when the action can help against none of the causes.
    """
    shares = {
        ranked.cause: ranked.probability * float(action.success_given(ranked.cause))
        for ranked in diagnosis.causes
    }
    total = sum(shares.values())
    if total <= 0:
        return {}
    counted = {cause: round(weight * share / total / _GRAIN) for cause, share in shares.items()}
    return {cause: grains * _GRAIN for cause, grains in counted.items() if grains}


def tell_change(
    fault: Fault, before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Old and new prior of every cause, for the history: {cause: {"old": p, "new": p}}."""
    old_total, new_total = sum(before.values()), sum(after.values())
    return {
        cause.id: {
            "old": round(before[cause.id] / old_total, 4),
            "new": round(after[cause.id] / new_total, 4),
        }
        for cause in fault.causes
    }
