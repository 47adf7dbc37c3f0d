"""What a world file says: the truth that diagnosis and decision must find out by themselves.

Every key has a default but the title; where a world is silent about a fault, the product file is
right about it. SIMULATION.md tells what each key means.
"""

import dataclasses
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Interval, Len, MaxLen

from phonehome_product.values import (
    Amount,
    Code,
    Name,
    Number,
    PartNumber,
    Probability,
    Section,
    StrictInt,
    Text,
)

DAY_HOURS = 24
EVERYWHERE = "XX-00000"  # the one place of a world without areas
ALWAYS_HOME = (Decimal("0.5"),) * DAY_HOURS  # as good as not known

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Place = Annotated[str, Len(1, 24)]
Hour = Annotated[StrictInt, Interval(ge=0, le=24)]
Hours = Annotated[Number, Interval(ge=0, le=8760)]
Days = Annotated[Number, Interval(ge=0, le=3650)]
Count = Annotated[StrictInt, Interval(ge=1, le=100_000)]
Day = tuple[Probability, ...]  # one for each hour; reading.py counts them


class Head(Section):
    """Which product, how many appliances, how long, and how often one of them fails."""

    title: Text
    product: Annotated[str, Len(1, 200)] = "washer"
    appliances: Count = 10_000
    days: Annotated[StrictInt, Interval(ge=1, le=3650)] = 365
    faults_per_year: Annotated[Number, Interval(gt=0, le=100)] = Decimal("0.4")
    zone: Annotated[str, Len(1, 40)] = "UTC"
    max_age_years: Annotated[Number, Interval(ge=0, le=100)] = Decimal(14)
    warranty_years: Annotated[Number, Interval(ge=0, le=100)] = Decimal(2)
    contract: Probability = Decimal("0.1")


class Owners(Section):
    """What owners do when they are asked."""

    answers_hours: Hours = Decimal(6)
    agrees: Probability = Decimal("0.95")
    does_steps: Probability = Decimal("0.85")
    does_reminded: Probability = Decimal("0.35")
    fits_parts: Probability = Decimal("0.9")
    allows_remote: Probability = Decimal("0.7")
    accepts_offer: Probability = Decimal("0.6")
    keeps_visit: Probability = Decimal("0.97")
    shares_presence: Probability = Decimal("0.6")


class Household(Section):
    """A kind of household: how many are of it, and P(somebody is home) by hour of the day."""

    name: Name
    share: Annotated[Number, Interval(gt=0, le=1)] = Decimal(1)
    workday: Day = ALWAYS_HOME
    saturday: Day = ALWAYS_HOME
    sunday: Day = ALWAYS_HOME


class Area(Section):
    """Where appliances stand: a place as addresses name it (country and postcode), its share."""

    place: Place
    share: Annotated[Number, Interval(gt=0, le=1)] = Decimal(1)


class Travel(Section):
    """Minutes of driving: within a place, a region (the same first 5 characters), or farther."""

    same_minutes: Annotated[StrictInt, Interval(ge=0, le=600)] = 15
    near_minutes: Annotated[StrictInt, Interval(ge=0, le=600)] = 30
    far_minutes: Annotated[StrictInt, Interval(ge=0, le=600)] = 60


class Technician(Section):
    """`count` of them; without `skills` they have all, without `areas` they drive everywhere.

    `areas` are starts of places: DE-10 is every place such as DE-10115.
    """

    name: Name
    count: Annotated[StrictInt, Interval(ge=1, le=1000)] = 1
    areas: Annotated[tuple[Place, ...], MaxLen(100)] | None = None
    skills: tuple[Name, ...] | None = None
    from_hour: Hour = 8
    until_hour: Hour = 17
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


class Craft(Section):
    """What technicians find out and carry.

    `prepared` is how often somebody who only heard the symptom had the right idea to bring the
    parts that help most often against it. Nobody counts that; it was chosen so that the first-time
    fix without a diagnosis is the field's average, 0.75 to 0.80 (SIMULATION.md).
    """

    finds_cause: Probability = Decimal("0.9")
    codes_right: Probability = Decimal("0.95")
    in_van: Probability = Decimal("0.5")
    prepared: Probability = Decimal("0.6")


class Stock(Section):
    """A spare part in this world: where it lies and what it costs."""

    number: PartNumber
    in_van: Probability | None = None
    lead_days: Days | None = None
    price: Amount | None = None


class Desk(Section):
    """A person at the desk: how long until they have time, how long it takes, what they find.

    `booking_minutes` are those of the call with which an owner books a technician.
    """

    answers_hours: Hours = Decimal(4)
    minutes: Annotated[Number, Interval(ge=0, le=600)] = Decimal(20)
    # The median of 275 companies is 590 s a call, entries included: APQC, "Average call handling
    # time in seconds", measure 100124.
    booking_minutes: Annotated[Number, Interval(ge=0, le=600)] = Decimal(10)
    finds_cause: Probability = Decimal("0.5")


class Devices(Section):
    """What the appliance itself does."""

    reachable: Probability = Decimal("0.97")
    idle_hours: Hours = Decimal(2)
    answers_hours: Hours = Decimal("0.1")


class Costs(Section):
    """What things really cost, by the names of the receiver's table of costs.

    Without a key, what the product file says, and without that the receiver's default.
    """

    truck: Amount | None = None
    technician_minute: Amount | None = None
    wasted_visit: Amount | None = None
    shipping: Amount | None = None
    part_back: Amount | None = None
    desk_minute: Amount | None = None
    mail: Amount | None = None
    owner_minute: Amount | None = None
    day_without: Amount | None = None
    urgent_day: Amount | None = None


class Noise(Section):
    """How much a sensor's value in a freeze frame is wrong: a standard deviation in its unit."""

    name: Name
    noise: Amount = Decimal(0)


class Sign(Section):
    """How likely an evidence really is; `missing` is how often it cannot be told."""

    id: Name
    given: dict[str, Probability] = dataclasses.field(default_factory=dict)
    otherwise: Probability | None = None
    missing: Probability = Decimal(0)


class Remedy(Section):
    """How often an action really mends the fault for good."""

    id: Name
    success: dict[str, Probability] = dataclasses.field(default_factory=dict)
    otherwise: Probability | None = None


class Trouble(Section):
    """The truth about one fault of the product."""

    code: Code
    share: Annotated[Number, Interval(ge=0, le=1000)] = Decimal(1)
    out_of_use: Probability | None = None
    cause: dict[str, Probability] = dataclasses.field(default_factory=dict)
    heals: dict[str, Probability] = dataclasses.field(default_factory=dict)
    elsewhere: tuple[Name, ...] = ()
    heals_days: Annotated[Number, Interval(gt=0, le=365)] = Decimal(1)
    evidence: tuple[Sign, ...] = ()
    action: tuple[Remedy, ...] = ()


class Batch(Section):
    """A bad batch or build: some appliances have one fault for one reason, for some days.

    `mended_days` is how long people need to mend all of them once they know of the incident.
    """

    code: Code
    cause: Name
    share: Probability
    from_day: Annotated[Number, Interval(ge=0, le=3650)] = Decimal(0)
    days: Annotated[Number, Interval(gt=0, le=3650)] = Decimal(14)
    probability: Probability = Decimal(1)
    build: Annotated[str, Len(1, 40)] | None = None
    mended_days: Days = Decimal(2)


class World(
    Section,
    households="household",
    areas="area",
    technicians="technician",
    parts="part",
    sensors="sensor",
    troubles="fault",
    batches="batch",
):
    """One world file, whole."""

    world: Head
    owners: Owners = Owners()
    households: tuple[Household, ...] = ()
    areas: tuple[Area, ...] = ()
    travel: Travel = Travel()
    technicians: tuple[Technician, ...] = ()
    craft: Craft = Craft()
    parts: tuple[Stock, ...] = ()
    desk: Desk = Desk()
    devices: Devices = Devices()
    costs: Costs = Costs()
    sensors: tuple[Noise, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    batches: tuple[Batch, ...] = ()
