"""The faults of a year: when, of which appliance, for which reason, and what there is to see.

They are drawn before anybody decides anything, so every policy meets the same ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_product import Product

from .fleet import Appliance, Fleet
from .luck import Luck
from .signs import Signs, age_wishes
from .truth import Truth, truths
from .world import Batch, World

HOUR_MS = 3_600_000
DAY_H = 24
_YEAR_H = 365.25 * DAY_H
# Hours count from Monday, 1 January 2024, 00:00 UTC: a year with both changes of the clock.
START_AT = 1_704_067_200_000


@dataclass(frozen=True, slots=True)
class Failure:
    """One fault of one appliance; hours count from the start of the simulation.

    `shown` is all evidence that can be told about it, answers included, `facts` what the receiver
    knows without asking. `heals_h` is when it goes away by itself, if nobody mends it before.
    """

    number: int
    at_h: float
    truth: Truth
    cause: str
    appliance: Appliance
    shown: dict[str, bool]
    facts: Facts
    heals_h: float | None
    luck: Luck
    batch: Batch | None = None


def moment(hours: float) -> int:
    """Unix ms of an hour of the simulation."""
    return START_AT + round(hours * HOUR_MS)


def failures(world: World, product: Product, seed: int) -> list[Failure]:
    """All faults of one seed in the order of time."""
    drawing = _Drawing(world, product, seed)
    found = [*drawing.usual(), *drawing.of_batches()]
    found.sort(key=lambda failure: failure.at_h)
    return [replace(failure, number=number) for number, failure in enumerate(found)]


class _Drawing:
    def __init__(self, world: World, product: Product, seed: int) -> None:
        self._world = world
        self._luck = Luck(seed)
        self._fleet = Fleet(world, Luck(seed, "fleet"))
        noise = {sensor.name: float(sensor.noise) for sensor in world.sensors}
        self._signs = Signs(product, noise)
        self._truths = truths(world, product)
        self._count = 0

    def usual(self) -> Iterator[Failure]:
        """Faults at a constant rate: a Poisson process of the whole fleet."""
        head = self._world.world
        shares = {code: truth.share for code, truth in self._truths.items() if truth.share > 0}
        if not shares:
            return
        mean_h = _YEAR_H / (head.appliances * float(head.faults_per_year))
        at_h = self._luck.waits(mean_h, "gap", 0)
        while at_h < head.days * DAY_H:
            luck = Luck(self._luck.chance("failure", self._count))
            truth = self._truths[luck.pick(shares, "fault")]
            cause = luck.pick(dict(truth.causes), "cause")
            yield self._make(at_h, truth, cause, luck)
            at_h += self._luck.waits(mean_h, "gap", self._count)

    def of_batches(self) -> Iterator[Failure]:
        """Faults of appliances of a bad batch, each at most once."""
        for place, batch in enumerate(self._world.batches):
            for number in range(self._world.world.appliances):
                luck = Luck(self._luck.chance("batch", place, number))
                if not luck.happens(float(batch.share) * float(batch.probability), "is of it"):
                    continue
                day = float(batch.from_day) + float(batch.days) * luck.chance("day")
                if day < self._world.world.days:
                    truth = self._truths[batch.code]
                    appliance = self._fleet.appliance(number)
                    made = self._make(day * DAY_H, truth, batch.cause, luck, appliance)
                    build = batch.build or made.facts.build
                    facts = replace(made.facts, build=build)
                    yield replace(made, batch=batch, facts=facts)

    def _make(
        self, at_h: float, truth: Truth, cause: str, luck: Luck, appliance: Appliance | None = None
    ) -> Failure:
        self._count += 1
        shown = {
            name: luck.happens(truth.signs[name][cause], "sign", name)
            for name, missing in truth.missing.items()
            if not luck.happens(missing, "missing", name)
        }
        whose = appliance or self._whose(truth, shown, luck)
        facts = self._signs.facts(truth.fault, shown, whose.age_days, moment(at_h), luck)
        heals = luck.happens(truth.heals.get(cause, 0.0), "heals")
        heals_h = at_h + luck.waits(truth.heals_days * DAY_H, "heals after") if heals else None
        return Failure(self._count, at_h, truth, cause, whose, shown, facts, heals_h, luck)

    def _whose(self, truth: Truth, shown: dict[str, bool], luck: Luck) -> Appliance:
        """An appliance as old as the evidence says, or nearly so when there is none."""
        wishes = age_wishes(truth.fault, shown)
        best, granted = self._fleet.appliance(0), -1
        for appliance in self._fleet.candidates(luck):
            count = sum(wish.is_granted(appliance.age_days) for wish in wishes)
            if count > granted:
                best, granted = appliance, count
            if granted == len(wishes):
                break
        return best
