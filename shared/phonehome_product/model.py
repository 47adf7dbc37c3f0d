"""A product as the receiver and the tools see it: frozen, checked, in the units of the file.

What one field may be stands beside its type (`values.py`); what fields mean together is checked in
`checks.py`.
"""

import dataclasses
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Interval, Len, MaxLen, MinLen

from .service import Action, Article, Ask, Command, Evidence, Part, Sentence, Service, Usage
from .values import (
    Code,
    Gate,
    Language,
    Name,
    Number,
    Section,
    StrictBool,
    StrictInt,
    StrictStr,
    Text,
)
from .vocabulary import SEVERITIES

MAX_MS = 86_400_000  # one day; every time still is a small integer on a 32-bit board
MAX_SAMPLES = 128  # per channel of a freeze frame, by the schema of the wire
MAX_CHANNELS = 16  # per freeze frame, by the schema of the wire
MAX_EVENTS = 1_000_000  # of a count within its window; more is no count but a rate
MAX_WINDOW = 30  # of N-of-M: the verdicts are the bits of one small integer


Milliseconds = Annotated[StrictInt, Interval(ge=0, le=MAX_MS)]
Severity = Literal[
    "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"
]
Kind = Literal[
    "range", "rate", "stuck", "missing", "python", "noise", "disagree", "count", "drift"
]


class Head(Section):
    """What the product is called; `version` rises with every change that devices should get."""

    name: Name
    title: Text
    version: Annotated[StrictInt, Interval(ge=1, le=2**30 - 1)]


class Freeze(Section):
    """How a freeze frame is taken: every `period_ms`, `samples` per channel."""

    period_ms: Annotated[StrictInt, Interval(ge=1, le=3_600_000)]
    samples: Annotated[StrictInt, Interval(ge=1, le=MAX_SAMPLES)]


class Sensor(Section):
    """A named quantity; a sample is value = integer * 10**exp in `unit` (SenML or UCUM)."""

    name: Name
    title: Text
    unit: Annotated[StrictStr, MaxLen(12)]
    channel: Annotated[StrictInt, Interval(ge=0, le=255)]
    exp: Annotated[StrictInt, Interval(ge=-9, le=9)]
    period_ms: Annotated[StrictInt, Interval(ge=10, le=MAX_MS)]


class Rule(Section):
    """When the fault is there; limits in the unit of the sensor.

    Those of a rate are in the unit per second, those of a count are numbers of events; an event is
    a rise above `level`, the next one a rise after the sensor was at `rearm` or below. `excess` is
    in the unit times seconds.
    """

    kind: Kind
    sensor: Name | None = None
    other: Name | None = None
    level: Number | None = None
    rearm: Number | None = None
    low: Number | None = None
    high: Number | None = None
    deadband: Annotated[Number, Interval(ge=0)] = Decimal(0)
    excess: Annotated[Number, Interval(gt=0)] | None = None
    window_ms: Annotated[StrictInt, Interval(ge=1, le=MAX_MS)] | None = None
    on_delay_ms: Milliseconds = 0
    off_delay_ms: Milliseconds = 0
    n: Annotated[StrictInt, Interval(ge=1, le=MAX_WINDOW)] = 1
    m: Annotated[StrictInt, Interval(ge=1, le=MAX_WINDOW)] = 1
    settle_ms: Milliseconds = 0
    when: Annotated[tuple[Gate, ...], MaxLen(8)] = ()


class Cause(Section):
    """Why the fault may be there, and how often that is why before anything else is known."""

    id: Name
    title: Text
    prior: Annotated[Number, Interval(gt=0, le=1)]


class Fault(Section, causes="cause", asks="ask", actions="action"):
    """What can go wrong: (id, fmi) on the wire, `code` for people, its rule and its causes.

    `id` is a J1939 SPN, `fmi` a failure mode of SAE J1939-73, `severity` a name of RFC 5424. A
    ticket resolves when the device has said healed and `resolve_after_s` passed without relapse.
    With `safety` it goes to a person at once, whatever the arithmetic of actions says.
    """

    code: Code
    id: Annotated[StrictInt, Interval(ge=0, le=524_287)]
    fmi: Annotated[StrictInt, Interval(ge=0, le=31)]
    severity: Severity
    title: Text
    urgent: StrictBool = False
    safety: StrictBool = False
    resolve_after_s: Annotated[StrictInt, Interval(ge=0, le=30 * 86_400)]
    advice: Annotated[StrictStr, Len(1, 400)] | None = None
    rule: Rule
    causes: Annotated[tuple[Cause, ...], Len(1, 12)]
    evidence: Annotated[tuple[Evidence, ...], MaxLen(32)] = ()
    asks: Annotated[tuple[Ask, ...], MaxLen(8)] = ()
    actions: Annotated[tuple[Action, ...], MaxLen(16)] = ()

    @property
    def severity_code(self) -> int:
        """Return the severity as the number of RFC 5424: 0 emergency to 7 debug."""
        return SEVERITIES.index(self.severity)

    def find_action(self, action_id: str) -> Action | None:
        """Return the action with this id, or None when the fault has none."""
        return next((action for action in self.actions if action.id == action_id), None)


class Product(
    Section,
    sensors="sensor",
    faults="fault",
    parts="part",
    articles="article",
    commands="command",
    usages="usage",
):
    """One product file, whole."""

    product: Head
    freeze: Freeze
    sensors: Annotated[tuple[Sensor, ...], MinLen(1)]
    faults: Annotated[tuple[Fault, ...], Len(1, 64)]
    service: Service | None = None
    parts: Annotated[tuple[Part, ...], MaxLen(200)] = ()
    articles: Annotated[tuple[Article, ...], MaxLen(200)] = ()
    commands: Annotated[tuple[Command, ...], MaxLen(64)] = ()
    usages: Annotated[tuple[Usage, ...], MaxLen(64)] = ()
    words: dict[Language, dict[Sentence, Sentence]] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name by which devices and the receiver know the product."""
        return self.product.name

    @property
    def title(self) -> str:
        """Return the name for people."""
        return self.product.title

    @property
    def version(self) -> int:
        """Return the version of the file; devices say which file they run by its manifest."""
        return self.product.version

    def say(self, text: str, language: str) -> str:
        """Return a title or advice of the file in this language, or as it stands when it has no
        words for it.
        """
        return self.words.get(language, {}).get(text, text)

    def find_fault(self, fault_id: int, fmi: int) -> Fault | None:
        """Return the fault with this identity on the wire, or None when the file has none."""
        return next((f for f in self.faults if (f.id, f.fmi) == (fault_id, fmi)), None)

    def find_article(self, article_id: str) -> Article | None:
        """Return the article with this id, or None when the file has none."""
        return next((article for article in self.articles if article.id == article_id), None)

    def find_part(self, number: str) -> Part | None:
        """Return the part with this number, or None when the file has none."""
        return next((part for part in self.parts if part.number == number), None)

    def find_command(self, name: str) -> Command | None:
        """Return the command of the allow-list with this name, or None when it has none."""
        return next((command for command in self.commands if command.name == name), None)

    def find_sensor(self, channel: int) -> Sensor | None:
        """Return the sensor on this channel, or None when the file has none."""
        return next((sensor for sensor in self.sensors if sensor.channel == channel), None)
