"""What doing something costs: one table, with reasons; a product may override any line.

Amounts are in the currency of the product file's service half (`[service] currency`), times in the
unit that ends the name. They are what the whole matter costs, whoever pays: the maker under
warranty, the owner afterwards. Probabilities are not in here; they come from the diagnosis and the
product's actions. cloud/CARE.md shows this table, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Costs:
    """The table. Each default is an order of magnitude for a large appliance in Central Europe;
    the reason stands in REASONS, and a product file overrides lines in `[service.costs]`.
    """

    truck: float = 85.0
    technician_minute: float = 1.1
    wasted_visit: float = 40.0
    shipping: float = 9.0
    wasted_part: float = 12.0
    part_back: float = 2.0
    desk_minute: float = 0.8
    person_minutes: float = 20.0
    look_minutes: float = 20.0
    lead_minutes: float = 10.0
    owner_minute: float = 0.25
    failed_steps: float = 4.0
    failed_command: float = 1.0
    mail: float = 0.1
    day_without: float = 8.0
    urgent_day: float = 60.0
    nuisance_share: float = 0.15
    self_help_days: float = 0.5
    remote_days: float = 0.05
    part_days: float = 2.0
    visit_days: float = 2.0
    person_days: float = 1.0
    lead_days: float = 4.0
    wait_days: float = 1.0
    unknown_part_days: float = 10.0
    person_knows: float = 0.5


REASONS: Final[Mapping[str, str]] = {
    "truck": "a van and its driver's way: 40 km and 45 minutes both ways",
    "technician_minute": "66 an hour with everything that an employer pays",
    "wasted_visit": "a visit that did not help: booked again, and trust lost",
    "shipping": "a parcel of up to 5 kg with tracking, packed",
    "wasted_part": "a part that did not help: sent back, checked, put on the shelf",
    "part_back": "a part that a van took along for nothing: two minutes to book it back",
    "desk_minute": "48 an hour with everything that an employer pays",
    "person_minutes": "reading, a call and the entry of what was agreed",
    "look_minutes": "of a technician who finds the cause on the spot",
    "lead_minutes": "sales looks at the reasons and calls back",
    "owner_minute": "15 an hour: people mend their own machines, but not gladly",
    "failed_steps": "steps that did not help: patience lost",
    "failed_command": "a command that did not help: nobody noticed, nearly",
    "mail": "a mail that somebody reads",
    "day_without": "a day without the appliance: a launderette, a takeaway",
    "urgent_day": "the same of an urgent fault: water, heat or food at risk",
    "nuisance_share": "of a day, while the fault is a warning or less: the appliance works",
    "self_help_days": "mails are read on the same day, steps done in the evening",
    "remote_days": "about an hour until the appliance is idle",
    "part_days": "a parcel, and the evening on which it is fitted",
    "visit_days": "the next free slot with somebody at home",
    "person_days": "the desk calls on the next working day",
    "lead_days": "choosing, delivery and connection of a new one",
    "wait_days": "what is waited until the matter is looked at again",
    "unknown_part_days": "a part of which nobody can say when it comes",
    "person_knows": "the share of calls that find the cause; a van goes to look in the others",
}


class CostsError(ValueError):
    """Overrides that are none: which key, what it held, what it should hold."""


def costs_of(overrides: Mapping[str, Any] | None = None) -> Costs:
    """The table with a product's overrides; CostsError for a key or an amount that is none."""
    known = {item.name for item in fields(Costs)}
    given = {key: _amount(key, value, known) for key, value in (overrides or {}).items()}
    return Costs(**given)


def _amount(key: str, value: Any, known: set[str]) -> float:
    if key not in known:
        raise CostsError(f"service.costs.{key}: no such cost; want one of {sorted(known)}")
    amount = float(value)
    if not 0 <= amount < 1e9:
        raise CostsError(f"service.costs.{key} = {value}: want an amount from 0 to 10^9")
    return amount
