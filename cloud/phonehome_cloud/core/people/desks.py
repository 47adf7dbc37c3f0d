"""A desk: the people who answer, when they do, and which days they do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from .hours import Hours, read_hours

SERVICE: Final = "service"
SALES: Final = "sales"
DESKS: Final = (SERVICE, SALES)
OFFICE_HOURS: Final = "Mon-Fri 09:00-17:00"


@dataclass(frozen=True, slots=True)
class Desk:
    """`hours` and `holidays` are on the clock of `zone`; `mail` and `phone` may be unknown."""

    name: str
    mail: str | None
    phone: str | None
    language: str
    zone: str
    hours: Hours
    holidays: frozenset[date]


def make_desk(name: str, row: Mapping[Any, Any] | None) -> Desk:
    """A desk of a row of the table; of none, one that keeps office hours in UTC."""
    if row is None:
        return Desk(name, None, None, "en", "UTC", read_hours(OFFICE_HOURS), frozenset())
    return Desk(
        name,
        row["mail"],
        row["phone"],
        row["language"],
        row["zone"],
        read_hours(row["hours"]),
        frozenset(date.fromisoformat(day) for day in row["holidays"]),
    )
