"""P(somebody is home) by hour of week, on the clock of the home.

Coarse on purpose: three kinds of day by eight parts of three hours, so a histogram says that
people here are home in the evening, and not when they went to bed on Tuesday.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

PART_H: Final = 3
PARTS: Final = 24 // PART_H
DAY_CLASSES: Final = ("workday", "saturday", "sunday")
CELLS: Final = len(DAY_CLASSES) * PARTS
HOURS_OF_WEEK: Final = 168

_SATURDAY = 5
# Before anything is known of a home. Shape after time use surveys (active occupancy of dwellings:
# low on workdays between nine and three, high in the evening); an assumption until it is learnt.
_PRIOR: Mapping[str, tuple[float, ...]] = {
    "workday": (0.95, 0.95, 0.80, 0.50, 0.45, 0.60, 0.85, 0.90),
    "saturday": (0.90, 0.90, 0.85, 0.70, 0.65, 0.65, 0.70, 0.80),
    "sunday": (0.90, 0.90, 0.90, 0.80, 0.75, 0.75, 0.80, 0.90),
}


@dataclass(frozen=True, slots=True)
class Presence:
    """P(home) for each cell: workday, Saturday, Sunday times eight parts of three hours."""

    home: tuple[float, ...]

    def __post_init__(self) -> None:
        """ValueError unless there is one probability for each cell."""
        if len(self.home) != CELLS or not all(0 <= p <= 1 for p in self.home):
            raise ValueError(f"want {CELLS} probabilities, one a cell: {self.home!r}")

    def at_hour(self, hour_of_week: int) -> float:
        """P(home) in an hour of the week: 0 is Monday 00:00 to 01:00 on the clock there."""
        return self.home[cell_of_hour(hour_of_week)]

    def at(self, moment_at: int, zone: str) -> float:
        """P(home) at a moment (unix ms), by the clock of `zone`."""
        return self.home[cell_of(moment_at, zone)]


def cell_of_hour(hour_of_week: int) -> int:
    """The cell of an hour of the week, 0 to 167."""
    weekday, hour = divmod(hour_of_week, 24)
    return max(0, weekday - _SATURDAY + 1) * PARTS + hour // PART_H


@lru_cache(65_536)
def cell_of(moment_at: int, zone: str) -> int:
    """The cell of a moment (unix ms) on the clock of `zone`."""
    there = datetime.fromtimestamp(moment_at / 1000, ZoneInfo(zone))
    return cell_of_hour(there.weekday() * 24 + there.hour)


# What is believed of a home that nobody measured, or that did not agree to it.
UNKNOWN: Final = Presence(tuple(p for name in DAY_CLASSES for p in _PRIOR[name]))
