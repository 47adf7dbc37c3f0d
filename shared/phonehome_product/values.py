"""What sections of a product file are made of: numbers, names, texts, a condition on a sensor.

A section is a frozen dataclass; what its fields may be stands beside their types, where pydantic
finds it when a file is checked (`fields.py`). Whoever only uses a product does not load pydantic:
with the checks that it compiles it is 11 MiB of a receiver.
"""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, dataclass_transform

# annotated-types: bounds that pydantic understands.
from annotated_types import Interval, Len

# Nothing that is seen is certain: a likelihood of 0 could never be taken back by other evidence.
MIN_LIKELIHOOD = Decimal("0.001")
MAX_NUMBER = 10**9  # larger limits cannot be compared on a board anyway
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,23}$"
CODE_PATTERN = r"^[A-Z][A-Z0-9]{0,7}$"
NUMBER_PATTERN = r"^[A-Z0-9][A-Z0-9.-]{0,23}$"
LANGUAGE_PATTERN = r"^[a-z]{2}$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
BUILD_PATTERN = r"^[0-9a-f]{2,16}$"
PICTURE_PATTERN = r"^[a-z0-9_]{1,40}\.(svg|png|jpg)$"

Schema = dict[str, Any]  # of pydantic-core
Handler = Callable[[Any], Schema]


class FieldError(ValueError):
    """A value that no pattern or bound could refuse; `kind` is the name of its message."""

    def __init__(self, kind: str) -> None:
        """Take a key of the messages in `fields.py`."""
        self.kind = kind
        super().__init__(kind)


@dataclasses.dataclass(frozen=True)
class Strict:
    """Nothing but the type itself: no "5" for 5."""

    def __get_pydantic_core_schema__(self, source: object, handler: Handler) -> Schema:
        """Return what pydantic checks."""
        return handler(source) | {"strict": True}


@dataclasses.dataclass(frozen=True)
class Pattern:
    """A text that is like this."""

    text: str

    def __get_pydantic_core_schema__(self, source: object, handler: Handler) -> Schema:
        """Return what pydantic checks."""
        return handler(source) | {"pattern": self.text}


@dataclasses.dataclass(frozen=True)
class Before:
    """What reads the value before its type is checked; FieldError when it is none."""

    read: Callable[[Any], object]

    def __get_pydantic_core_schema__(self, source: object, handler: Handler) -> Schema:
        """Return what pydantic checks."""
        function = {"type": "no-info", "function": self.read}
        return {"type": "function-before", "function": function, "schema": handler(source)}


@dataclasses.dataclass(frozen=True)
class After:
    """What looks at the value that has its type; FieldError when it is wrong."""

    read: Callable[[Any], object]

    def __get_pydantic_core_schema__(self, source: object, handler: Handler) -> Schema:
        """Return what pydantic checks."""
        function = {"type": "no-info", "function": self.read}
        return {"type": "function-after", "function": function, "schema": handler(source)}


def _number(value: object) -> object:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    if not is_number:
        raise FieldError("number_type")
    number = Decimal(value)  # type: ignore[arg-type]  # is_number says that it is one
    if not number.is_finite() or not -MAX_NUMBER <= number <= MAX_NUMBER:
        raise FieldError("number_range")
    return number


def _likelihood(number: Decimal) -> Decimal:
    if not MIN_LIKELIHOOD <= number <= 1 - MIN_LIKELIHOOD:
        raise FieldError("likelihood_range")
    return number


def _price(number: Decimal) -> Decimal:
    if round(number, 2) != number:
        raise FieldError("decimal_max_places")
    return number


StrictInt = Annotated[int, Strict()]
StrictBool = Annotated[bool, Strict()]
StrictStr = Annotated[str, Strict()]
Number = Annotated[Decimal, Before(_number)]
Text = Annotated[StrictStr, Len(1, 120)]
Name = Annotated[StrictStr, Pattern(NAME_PATTERN)]
Code = Annotated[StrictStr, Pattern(CODE_PATTERN)]
PartNumber = Annotated[StrictStr, Pattern(NUMBER_PATTERN)]
Language = Annotated[StrictStr, Pattern(LANGUAGE_PATTERN)]
Currency = Annotated[StrictStr, Pattern(CURRENCY_PATTERN)]
Picture = Annotated[StrictStr, Pattern(PICTURE_PATTERN)]
Amount = Annotated[Number, Interval(ge=0)]
Price = Annotated[Amount, After(_price)]  # what a person pays, to the hundredth
Probability = Annotated[Number, Interval(ge=0, le=1)]
Likelihood = Annotated[Number, After(_likelihood)]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Section:
    """A table of the file: frozen, and without keys that nobody knows.

    `class Fault(Section, causes="cause")`: the file has `cause` where the field is `causes`.
    """

    def __init_subclass__(cls, **keys: str) -> None:
        """Make the class a dataclass, and tell pydantic how to read it."""
        cls.__pydantic_config__ = {  # type: ignore[attr-defined]
            "extra": "forbid",
            "alias_generator": lambda name: keys.get(name, name),
        }
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def keys_of(kind: type[Section]) -> dict[str, str]:
    """The fields of a kind of section, and the keys that they have in a file."""
    alias = kind.__pydantic_config__["alias_generator"]  # type: ignore[attr-defined]
    return {field.name: alias(field.name) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]


def said(section: Section) -> dict[str, Any]:
    """The fields of a section that are not what they are when the file does not say them."""
    found = {}
    for field in dataclasses.fields(section):  # type: ignore[arg-type]
        value, made = getattr(section, field.name), field.default_factory
        if value != (field.default if made is dataclasses.MISSING else made()):
            found[field.name] = value
    return found


class Gate(Section):
    """A condition under which a rule is judged at all: the sensor is between `min` and `max`."""

    sensor: Name
    min: Number | None = None
    max: Number | None = None
