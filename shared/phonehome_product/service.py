"""The service half of a product file: what speaks for a cause, and what can be done about it.

A board never sees it: nothing here changes the device half. What the parts mean together is
checked in `service_checks.py`.
"""

import dataclasses
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from annotated_types import Interval, Len, MaxLen

from .values import (
    BUILD_PATTERN,
    Amount,
    Before,
    Code,
    Currency,
    FieldError,
    Gate,
    Language,
    Likelihood,
    Name,
    Number,
    PartNumber,
    Pattern,
    Picture,
    Price,
    Probability,
    Section,
    StrictBool,
    StrictInt,
    StrictStr,
    Text,
)

What = Literal["frame", "fault", "metric", "age_days", "usage", "build", "repairs", "answer"]
Statistic = Literal["mean", "min", "max", "first", "last", "slope", "at_trigger"]
ActionKind = Literal["self_help", "remote_fix", "part", "visit", "lead", "person"]

# Which words a kind of evidence has besides id, title, what, given and otherwise: (those that it
# needs, those that it may have).
WHAT_WORDS: Final = MappingProxyType(
    {
        "frame": (("sensor", "statistic"), ("when", "min", "max")),
        "fault": (("fault",), ()),
        "metric": (("metric",), ("min", "max")),
        "age_days": ((), ("min", "max")),
        "usage": (("usage",), ("min", "max")),
        "build": (("prefix",), ()),
        "repairs": (("cause",), ("min", "max")),
        "answer": (("command",), ("field", "sensor", "min", "max")),
    }
)
MEASURED: Final = frozenset({"frame", "metric", "age_days", "usage", "answer"})  # need a limit

# Which words a kind of action has besides id, kind, after, success, in the same way.
ACTION_WORDS: Final = MappingProxyType(
    {
        "self_help": (("article",), ("minutes",)),
        "remote_fix": (("command",), ("args",)),
        "part": (("parts",), ("article", "minutes")),
        "visit": (("skills", "minutes"), ("parts", "fits")),
        "lead": ((), ()),
        "person": ((), ("skills", "minutes")),
    }
)
MENDING: Final = frozenset({"self_help", "remote_fix", "part", "visit"})  # those that can succeed

Seconds = Annotated[StrictInt, Interval(ge=1, le=30 * 86_400)]
Minutes = Annotated[StrictInt, Interval(ge=1, le=960)]
Sentence = Annotated[StrictStr, Len(1, 400)]


def _code(value: object) -> object:
    """A number of the application's own, or the name of a command of the agent."""
    if isinstance(value, str) or (type(value) is int and 128 <= value <= 255):
        return value
    raise FieldError("command_code")


CommandCode = Annotated[int | str, Before(_code)]


class Idle(Section):
    """How the appliance says that it is idle: a command, whose answer is between min and max.

    `field` is the key in the value that the command answers with, if that is a map.
    """

    command: Name
    field: Annotated[StrictInt, Interval(ge=0, le=255)] | None = None
    min: Number | None = None
    max: Number | None = None


class Tariff(Section):
    """What an owner pays for a visit besides its parts, in `currency`, with all taxes.

    `call_out` is the technician's way, there and back; `quarter_hour` each quarter that is begun.
    """

    call_out: Price
    quarter_hour: Price


class Service(Section):
    """What the arithmetic of actions needs to know about the appliance; money in `currency`.

    `costs` overrides the receiver's table of costs, key by key; `skills` are all skills that a
    visit may ask for. Costs are what decisions weigh, `tariff` is what owners are asked for.
    """

    currency: Currency
    value: Annotated[Number, Interval(gt=0)]
    life_years: Annotated[StrictInt, Interval(ge=1, le=100)]
    skills: tuple[Name, ...] = ()
    idle: Idle | None = None
    tariff: Tariff | None = None
    costs: dict[str, Amount] = dataclasses.field(default_factory=dict)


class Part(Section):
    """A spare part by its number."""

    number: PartNumber
    title: Text
    price: Amount
    owner_can_fit: StrictBool = False
    discontinued: StrictBool = False


class Proof(Section):
    """How the device itself confirms a step: the sensor comes between `min` and `max` in time."""

    sensor: Name
    min: Number | None = None
    max: Number | None = None
    within_s: Seconds


class Step(Section):
    """One numbered step; `picture` is a file in the folder `pictures` beside the product file."""

    text: Sentence
    picture: Picture | None = None
    proof: Proof | None = None


class Wording(Section, steps="step"):
    """An article in one language."""

    language: Language
    title: Text
    steps: Annotated[tuple[Step, ...], Len(1, 20)]


class Article(Section, texts="text"):
    """Numbered steps for an owner, in every language there is."""

    id: Name
    texts: Annotated[tuple[Wording, ...], Len(1, 20)]

    def in_language(self, language: str) -> Wording:
        """Return the wording in this language, or the first one when there is none."""
        return next((text for text in self.texts if text.language == language), self.texts[0])


class Command(Section):
    """A command that may be sent to the device without a person: the product's allow-list.

    `code` is a command of the agent by name, or a number of the application's own (128 to 255).
    Only an appliance that says that it is idle gets it, unless `idle` is false.
    """

    name: Name
    title: Text
    code: CommandCode
    idle: StrictBool = True


class Usage(Section):
    """A counter of the application: a heartbeat metric of its own range (128 to 255).

    `by_person`: it rises when somebody at the appliance does something, as a program's start.
    """

    name: Name
    title: Text
    metric: Annotated[StrictInt, Interval(ge=128, le=255)]
    by_person: StrictBool = False


class Evidence(Section):
    """Something that is there or not, and how likely it is there given each cause.

    Which words belong to which `what` says WHAT_WORDS. It holds when min <= x <= max; of a frame,
    only samples count at which every condition of `when` holds; of repairs, x is the days since
    that cause was mended. `prefix` is how the build id of the firmware begins, in hex digits.
    `field` is the key in the value that a command answered with, `sensor` says that this key is
    the sensor's channel and the value one of its samples; without either the value is the number.
    """

    id: Name
    title: Text
    what: What
    sensor: Name | None = None
    statistic: Statistic | None = None
    when: Annotated[tuple[Gate, ...], MaxLen(4)] = ()
    fault: Code | None = None
    metric: StrictStr | None = None
    usage: Name | None = None
    prefix: Annotated[StrictStr, Pattern(BUILD_PATTERN)] | None = None
    cause: Name | None = None
    command: Name | None = None
    field: Annotated[StrictInt, Interval(ge=0, le=255)] | None = None
    min: Number | None = None
    max: Number | None = None
    given: dict[str, Likelihood]
    otherwise: Likelihood

    def likelihood(self, cause: str) -> Decimal:
        """Return P(it is there | cause)."""
        return self.given.get(cause, self.otherwise)


class Ask(Section):
    """What more to ask the device: a command of the allow-list, and the evidence it answers."""

    id: Name
    title: Text
    command: Name
    evidence: Annotated[tuple[Name, ...], Len(1, 8)]


class Action(Section):
    """Something to do about a fault; which words belong to which `kind` says ACTION_WORDS.

    `minutes` are the technician's for a visit or a person, the owner's otherwise. `fits` are those
    of a visit's `parts` that a cause takes; without a word about a cause it may take them all.
    `after` names actions that must have been tried; `success` is P(it mends the fault | cause),
    absent is 0.
    """

    id: Name
    kind: ActionKind
    article: Name | None = None
    command: Name | None = None
    args: dict[str, Any] = dataclasses.field(default_factory=dict)
    parts: Annotated[tuple[PartNumber, ...], MaxLen(8)] = ()
    fits: dict[str, Annotated[tuple[PartNumber, ...], MaxLen(8)]] = dataclasses.field(
        default_factory=dict
    )
    skills: Annotated[tuple[Name, ...], MaxLen(8)] = ()
    minutes: Minutes | None = None
    after: Annotated[tuple[Name, ...], MaxLen(8)] = ()
    success: dict[str, Probability] = dataclasses.field(default_factory=dict)

    def success_given(self, cause: str) -> Decimal:
        """Return P(it mends the fault | cause)."""
        return self.success.get(cause, Decimal(0))

    def fitted_given(self, cause: str) -> tuple[str, ...]:
        """Return the parts that it fits when this is the cause."""
        return self.fits.get(cause, self.parts)
