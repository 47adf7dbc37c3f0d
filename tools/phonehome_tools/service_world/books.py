"""What one fault came to: how it ended, what it cost, and what was believed of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# How a fault can end; each one ends in exactly one of these ways.
ENDS: Final = (
    "healed",  # by itself
    "self_help",
    "remote_fix",
    "part",
    "by_phone",  # a person at the desk told the owner how
    "visit",
    "advised",  # it was no matter of the appliance: the owner knows now whom to ask
    "replaced",  # by a new appliance
    "mended",  # with all of its incident
    "prevented",  # the incident was mended before it happened
)
# What somebody pays in money; the rest is the owner's time and patience.
MONEY: Final = ("visits", "parts", "desk", "letters", "replacement")


@dataclass(slots=True)
class Entry:
    """One fault under one policy."""

    number: int
    code: str
    cause: str
    at_h: float
    costs: dict[str, float] = field(default_factory=dict)
    visits: int = 0
    wasted: int = 0
    is_fixed_first: bool = False
    first: str = ""
    end: str = ""
    end_h: float = 0.0
    days_without: float = 0.0
    believed: Mapping[str, float] = field(default_factory=dict)

    def pay(self, what: str, amount: float) -> None:
        """Add to the costs; `what` is one of MONEY or "owner"."""
        self.costs[what] = self.costs.get(what, 0.0) + amount

    def close(self, end: str, at_h: float, out_of_use: float, day: float) -> None:
        """The end, once: how, when, and what the days without the appliance were worth."""
        if self.end:
            raise ValueError(f"fault {self.number} ended as {self.end} and again as {end}")
        self.end, self.end_h = end, at_h
        self.days_without = out_of_use * (at_h - self.at_h) / 24
        self.pay("owner", self.days_without * day)

    @property
    def money(self) -> float:
        """What was paid."""
        return sum(self.costs.get(what, 0.0) for what in MONEY)

    @property
    def total(self) -> float:
        """What was paid, and what it cost the owner in days and minutes."""
        return sum(self.costs.values())
