"""Who fails: appliances with their age, their place, their household and what they agreed to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .luck import Luck
from .world import ALWAYS_HOME, EVERYWHERE, Area, Household, World

YEAR_DAYS = 365.25
_TRIES = 200  # appliances looked at until one has the age that the evidence asks for


@dataclass(frozen=True, slots=True)
class Appliance:
    """One appliance of the fleet and its household."""

    number: int
    age_days: int
    place: str
    household: Household
    payer: str
    shares_presence: bool


class Fleet:
    """All appliances of a world, the same for each policy; made when they are asked for."""

    def __init__(self, world: World, luck: Luck) -> None:
        self._world = world
        self._luck = luck
        self._made: dict[int, Appliance] = {}
        self.households: Sequence[Household] = world.households or (
            Household(name="any", workday=ALWAYS_HOME, saturday=ALWAYS_HOME, sunday=ALWAYS_HOME),
        )
        self._areas = world.areas or (Area(place=EVERYWHERE),)

    def appliance(self, number: int) -> Appliance:
        """The appliance of this number, 0 to `world.appliances` - 1."""
        if number not in self._made:
            self._made[number] = self._make(number)
        return self._made[number]

    def candidates(self, luck: Luck) -> Iterator[Appliance]:
        """Appliances in an order of chance, to find one that is as the evidence says."""
        count = self._world.world.appliances
        for turn in range(_TRIES):
            yield self.appliance(int(luck.chance("appliance", turn) * count))

    def _make(self, number: int) -> Appliance:
        head, luck = self._world.world, self._luck
        age_years = float(head.max_age_years) * luck.chance("age", number)
        households = {str(n): float(h.share) for n, h in enumerate(self.households)}
        areas = {str(n): float(area.share) for n, area in enumerate(self._areas)}
        return Appliance(
            number=number,
            age_days=int(age_years * YEAR_DAYS),
            place=self._areas[int(luck.pick(areas, "area", number))].place,
            household=self.households[int(luck.pick(households, "household", number))],
            payer=self._payer(number, age_years),
            shares_presence=luck.happens(
                float(self._world.owners.shares_presence), "shares", number
            ),
        )

    def _payer(self, number: int, age_years: float) -> str:
        head = self._world.world
        if age_years < head.warranty_years:
            return "warranty"
        return "contract" if self._luck.happens(float(head.contract), "pays", number) else "owner"
