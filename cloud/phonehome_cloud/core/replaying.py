"""Considering a ticket, now or once more: the same record gives the same diagnosis and decision.

A record is all that was looked at. It is stored with every diagnosis, so that the past can be
considered again under a changed product file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phonehome_product import Product

from .deciding.choice import choose
from .deciding.costs import Costs
from .deciding.decision import Decision
from .deciding.situation import Availability, Situation, Tried
from .diagnosing.bayes import diagnose
from .diagnosing.diagnosis import Diagnosis
from .diagnosing.evidence import observe
from .diagnosing.facts import Facts, read_facts, write_facts
from .diagnosing.likelihoods import Taught, likelihoods_of
from .diagnosing.priors import counts_of


@dataclass(frozen=True, slots=True)
class Record:
    """Facts, situation, and what outcomes had taught by then."""

    facts: Facts
    situation: Situation
    taught: Taught = field(default_factory=Taught)


def consider(
    product: Product | None, record: Record, costs: Costs
) -> tuple[Diagnosis | None, Decision]:
    """The diagnosis, None for a fault that no file describes, and what to do.

    Use one object of `costs` for all tickets of a product: choose keeps what it made of it.
    """
    facts = record.facts
    fault = product.find_fault(facts.spn, facts.fmi) if product else None
    diagnosis = None
    if product is not None and fault is not None:
        seen = observe(product, fault, facts)
        taught = record.taught
        likelihoods = likelihoods_of(fault, taught.evidence)
        diagnosis = diagnose(fault, seen, counts_of(fault, taught.causes), likelihoods)
    return diagnosis, choose(product, fault, diagnosis, record.situation, costs)


def write_record(record: Record) -> dict[str, Any]:
    """The record as JSON knows it."""
    situation = asdict(record.situation)
    situation["consents"] = sorted(record.situation.consents)
    return {
        "facts": write_facts(record.facts),
        "situation": situation,
        "taught": dict(sorted(record.taught.causes.items())),
        "evidence": dict(sorted(record.taught.evidence.items())),
    }


def read_record(written: Mapping[str, Any]) -> Record:
    """The record that `write_record` wrote."""
    given = dict(written["situation"])
    given["consents"] = frozenset(given["consents"])
    given["tried"] = tuple(Tried(**tried) for tried in given["tried"])
    given["stock"] = {part: Availability(**has) for part, has in given["stock"].items()}
    # Older records are of a time when nothing was taught about evidence.
    taught = Taught(written["taught"], written.get("evidence", {}))
    return Record(read_facts(written["facts"]), Situation(**given), taught)
