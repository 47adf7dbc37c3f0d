"""A technician: who drives where, with which skills, when."""

from collections.abc import Iterable
from dataclasses import dataclass

from .hours import Hours


@dataclass(frozen=True, slots=True)
class Technician:
    """Who drives. `calendar` is the address that takes invitations.

    `area` are starts of "country-postcode" (DE-10 is every German postcode that starts with 10);
    `hours` are on the clock of `zone`; `leave` are (from_at, until_at) in unix ms.
    """

    id: str
    name: str
    mail: str | None
    calendar: str | None
    phone: str | None
    language: str
    zone: str
    skills: frozenset[str]
    area: tuple[str, ...]
    hours: Hours
    leave: tuple[tuple[int, int], ...] = ()


def covers(area: Iterable[str], place: str) -> bool:
    """Whether a technician of this `area` drives to a place as in "DE-10115"."""
    return any(place.startswith(start) for start in area) if place else False
