"""What a policy works with: prices, parts, technicians, and what outcomes have taught it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import simpy

from phonehome_cloud.core.deciding.costs import Costs, costs_of
from phonehome_cloud.core.deciding.situation import Availability
from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis
from phonehome_cloud.core.diagnosing.likelihoods import (
    Taught,
    add_weights,
    likelihoods_of,
    weigh_evidence,
)
from phonehome_cloud.core.diagnosing.outcomes import seen_of_help
from phonehome_cloud.core.diagnosing.priors import SEEN_WEIGHT, counts_of, learn, share_of_help
from phonehome_product import Action, Fault, Product

from .failures import Failure
from .roster import Roster
from .signs import Signs
from .truth import Truth
from .watch import Watch
from .world import World

if TYPE_CHECKING:
    from .life import Life

LEAD_DAYS = 3.0  # of a part, when the world does not say
VALUE, LIFE_YEARS = 500.0, 12  # of an appliance, when the product does not say


@dataclass(frozen=True, slots=True)
class Prices:
    """What things really cost in a world, and what the receiver believes that they cost."""

    real: Costs
    believed: Costs


@dataclass
class Shop:
    """One policy in one world; `taught` is what outcomes taught, by the code of the fault."""

    env: simpy.Environment
    world: World
    product: Product
    prices: Prices
    roster: Roster
    signs: Signs
    watch: Watch
    is_learning: bool
    taught: dict[str, Taught] = field(default_factory=dict)

    def diagnose(self, fault: Fault, seen: Mapping[str, bool]) -> Diagnosis:
        """A diagnosis by what was taught so far; without outcomes, by the product file."""
        taught = self.taught.get(fault.code, Taught())
        counts = counts_of(fault, taught.causes)
        return diagnose(fault, seen, counts, likelihoods_of(fault, taught.evidence))

    def teach(self, fault: Fault, shares: Mapping[str, float], seen: Mapping[str, bool]) -> None:
        """An outcome says what the cause was, and what was seen of it."""
        if not self.is_learning:
            return
        before = self.taught.get(fault.code, Taught())
        causes = dict(before.causes)
        for cause, weight in shares.items():
            causes = learn(fault, causes, cause, weight)
        evidence = add_weights(before.evidence, weigh_evidence(fault, seen, shares))
        self.taught[fault.code] = Taught(causes, evidence)

    def teach_help(
        self, fault: Fault, diagnosis: Diagnosis, action: Action, weight: float
    ) -> None:
        """An action helped, which says something about the cause, too, as the receiver has it."""
        shares = share_of_help(diagnosis, action, weight)
        self.teach(fault, shares, seen_of_help(diagnosis, shares))

    def teach_code(self, life: "Life", turn: int, done: Action | None = None) -> None:
        """A technician closes the visit with a code: the cause, or what `done` is good for.

        Whoever has found the cause writes another one now and then; `done` is what was done by
        order, by somebody who had not.
        """
        fault, failure = life.fault, life.failure
        code = failure.cause if done is None else _purpose(done, life.entry.believed)
        others = [cause.id for cause in fault.causes if cause.id != code]
        if others and not life.happens(float(self.world.craft.codes_right), "code", turn):
            code = others[int(failure.luck.chance("wrong code", turn) * len(others))]
        self.teach(fault, {code: SEEN_WEIGHT}, life.seen)

    def answers(self, failure: Failure, command: str) -> dict[str, Any]:
        """What the device answers to a command."""
        return self.signs.answers(failure.truth.fault, failure.shown, command)

    def price_of(self, parts: Iterable[str]) -> float:
        """What the parts cost here."""
        own = {stock.number: stock.price for stock in self.world.parts}
        total = 0.0
        for number in parts:
            part = self.product.find_part(number)
            price = own.get(number)
            total += float(price if price is not None else part.price if part else 0)
        return total

    def lead_days(self, parts: Iterable[str]) -> float:
        """How long until all of them are here; 0 without parts."""
        own = {stock.number: stock.lead_days for stock in self.world.parts}
        days = (own.get(number) for number in parts)
        return max((LEAD_DAYS if day is None else float(day) for day in days), default=0.0)

    def in_van(self, number: str) -> float:
        """P(the technician has this part with them, without having been told to take it)."""
        own = {stock.number: stock.in_van for stock in self.world.parts}
        chance = own.get(number)
        return float(self.world.craft.in_van if chance is None else chance)

    def stock(self) -> Mapping[str, Availability]:
        """What a decision knows about every part of the product."""
        return {
            part.number: Availability(self.lead_days((part.number,)), part.discontinued)
            for part in self.product.parts
        }

    def worth(self, age_days: int) -> float:
        """What is lost when an appliance of this age is replaced: linear over its life."""
        service = self.product.service
        value = float(service.value) if service else VALUE
        life_days = 365.25 * (service.life_years if service else LIFE_YEARS)
        return value * max(0.0, 1 - age_days / life_days)

    def day_of(self, truth: Truth) -> float:
        """What a day without the appliance costs its owner, when it has this fault."""
        real = self.prices.real
        return real.urgent_day if truth.fault.urgent else real.day_without


def _purpose(done: Action, believed: Mapping[str, float]) -> str:
    """The cause that an action most probably was for."""
    return max(
        done.success, key=lambda cause: float(done.success[cause]) * believed.get(cause, 1.0)
    )


def prices_of(world: World, product: Product) -> Prices:
    """Both tables: the product file's over the receiver's defaults, and the world's over those."""
    service = product.service
    believed = costs_of(service.costs if service else None)
    own = {key: float(v) for key, v in vars(world.costs).items() if v is not None}
    return Prices(replace(believed, **own), believed)
