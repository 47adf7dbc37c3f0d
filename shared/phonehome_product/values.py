"""What sections of a product file are made of: numbers, names, texts, a condition on a sensor."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr
from pydantic_core import PydanticCustomError

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


def _number(value: object) -> object:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    if not is_number:
        raise PydanticCustomError("number_type", "not a number")
    number = Decimal(value)  # type: ignore[arg-type]  # is_number says that it is one
    if not number.is_finite() or not -MAX_NUMBER <= number <= MAX_NUMBER:
        raise PydanticCustomError("number_range", "not a number of use")
    return number


Number = Annotated[Decimal, BeforeValidator(_number)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=120)]
Name = Annotated[StrictStr, Field(pattern=NAME_PATTERN)]
Code = Annotated[StrictStr, Field(pattern=CODE_PATTERN)]
PartNumber = Annotated[StrictStr, Field(pattern=NUMBER_PATTERN)]
Language = Annotated[StrictStr, Field(pattern=LANGUAGE_PATTERN)]
Currency = Annotated[StrictStr, Field(pattern=CURRENCY_PATTERN)]
Picture = Annotated[StrictStr, Field(pattern=PICTURE_PATTERN)]
Amount = Annotated[Number, Field(ge=0)]
Price = Annotated[Amount, Field(decimal_places=2)]  # what a person pays, to the hundredth
Probability = Annotated[Number, Field(ge=0, le=1)]


def _likelihood(number: Decimal) -> Decimal:
    if not MIN_LIKELIHOOD <= number <= 1 - MIN_LIKELIHOOD:
        raise PydanticCustomError("likelihood_range", "not a likelihood")
    return number


Likelihood = Annotated[Number, AfterValidator(_likelihood)]


class Section(BaseModel):
    """A table of the file: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(Section):
    """A condition under which a rule is judged at all: the sensor is between `min` and `max`."""

    sensor: Name
    min: Number | None = None
    max: Number | None = None
