"""A ticket considered: what is known about it weighed, and what is worth writing down of that."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from json import dumps
from typing import Any, Final

from phonehome_product import Fault, Product

from .caring import HELPED, ActionRow
from .catalogue import Catalogue
from .deciding.costs import Costs, costs_of
from .deciding.decision import Decision
from .diagnosing.diagnosis import Diagnosis
from .digesting import Ticket
from .replaying import Record, consider

RULE_DIAGNOSED: Final = "causes by evidence"
RULE_DECIDED: Final = "least expected cost"
RULE_HELPED: Final = "action helped"
RULE_UNDER_WAY: Final = "action under way"
RULE_ENDED: Final = "ticket ended"
RULE_IN_TIME: Final = "nothing came of it in time"
RULE_INCIDENT: Final = "incident"
RULE_INCIDENT_RESOLVED: Final = "incident resolved"

HALF_BYTES: Final = 8
_SHOWN: Final = 3  # causes in the history; all are in the table


class Knowledge:
    """The product files as a decision asks for them, each with its table of costs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._costs = {
            name: costs_of(product.service.costs if product.service else None)
            for name, product in catalogue.products.items()
        }
        self._faults = {
            (name, fault.id, fault.fmi): fault
            for name, product in catalogue.products.items()
            for fault in product.faults
        }
        self._usual = costs_of()

    def product(self, name: str | None) -> Product | None:
        """The product file of this name, or None."""
        return self.catalogue.products.get(name or "")

    def fault(self, name: str | None, spn: int, fmi: int) -> Fault | None:
        """The fault of a product, or None when its file has none like this."""
        return self._faults.get((name or "", spn, fmi))

    def costs(self, name: str | None) -> Costs:
        """The product's table of costs."""
        return self._costs.get(name or "", self._usual)

    def parts(self, name: str | None, spn: int, fmi: int) -> frozenset[str]:
        """Every part that an action of a fault needs."""
        fault = self.fault(name, spn, fmi)
        actions = fault.actions if fault is not None else ()
        return frozenset(part for action in actions for part in action.parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """What considering a ticket came to; `hash` is equal for what need not be written again."""

    product: Product | None
    record: Record
    diagnosis: Diagnosis | None
    decision: Decision
    hash: bytes


def weigh(knowledge: Knowledge, record: Record) -> Finding:
    """Diagnose a ticket and choose what to do about it."""
    name = record.facts.product
    product = knowledge.product(name)
    found, decision = consider(product, record, knowledge.costs(name))
    return Finding(product, record, found, decision, _hash(product, found, decision))


def _hash(product: Product | None, found: Diagnosis | None, decision: Decision) -> bytes:
    """Of everything that an operator would call a change: of the diagnosis, of the decision."""
    causes = [
        product.version if product else None,
        found and [[c.cause, round(c.probability, 2)] for c in found.causes],
        found and sorted(found.seen.items()),
        found and found.why_unsure,
    ]
    chosen = decision.chosen
    done = [
        [decision.lane, chosen.kind, chosen.action_id, decision.needs_consent, decision.payer],
        [[o.kind, o.action_id, o.ruled_out_by] for o in decision.options],
    ]
    return b"".join(
        blake2b(dumps(said).encode(), digest_size=HALF_BYTES).digest() for said in (causes, done)
    )


def is_news(before: bytes | None, now: bytes, *, is_under_way: bool) -> bool:
    """Whether a hash differs; while an action is under way nothing is decided anew."""
    if before is None or not is_under_way:
        return before != now
    return before[:HALF_BYTES] != now[:HALF_BYTES]


def say_diagnosis(found: Diagnosis) -> dict[str, Any]:
    """The likeliest causes, and what moved them, for the history."""
    causes = {c.cause: round(c.probability, 3) for c in found.causes[:_SHOWN]}
    return {"causes": causes, "sure": found.is_sure, "seen": dict(found.seen)}


def say_decision(decision: Decision) -> dict[str, Any]:
    """What was chosen, for the history."""
    chosen = decision.chosen
    return {
        "lane": decision.lane,
        "kind": chosen.kind,
        "action": chosen.action_id,
        "p_success": round(chosen.p_success, 3),
        "expected_cost": round(chosen.expected_cost, 2),
        "payer": decision.payer,
        "needs_consent": decision.needs_consent,
    }


def has_helped(ticket: Ticket, actions: Iterable[ActionRow]) -> ActionRow | None:
    """The action that somebody said has helped, unless the device confirmed the fault again."""
    ended = [one for one in actions if not one.is_under_way and one.ended_at is not None]
    last = max(ended, key=lambda one: (one.ended_at or 0, one.n), default=None)
    if last is None or last.state != HELPED or (last.ended_at or 0) < ticket.last_event_at:
        return None
    return last
