"""Parts: whether one is there, and how long it takes to get one."""

from dataclasses import dataclass
from typing import Final

DEPOT: Final = ""  # where stock lies that is in nobody's van


@dataclass(frozen=True, slots=True)
class Availability:
    """A part as a decision sees it.

    `days` until one can be sent, 0 when one is in the depot; None when none can be had.
    `price_cents` are hundredths of `currency`, None when nobody said. `lead_days` is how long one
    that is ordered takes, whatever lies in the depot; None when nobody said.
    """

    part: str
    days: int | None
    is_discontinued: bool
    free: int = 0
    price_cents: int | None = None
    currency: str = "EUR"
    supplier: str | None = None
    lead_days: int | None = None


def days_until_there(free: int, lead_days: int | None, is_discontinued: bool) -> int | None:
    """Days until one can be sent: none are ordered of what is no longer made."""
    if free > 0:
        return 0
    return None if is_discontinued else lead_days


@dataclass(frozen=True, slots=True)
class Supplier:
    """Where parts come from; `hook` is the id of the webhook that takes orders."""

    id: str
    name: str
    mail: str | None
    hook: str | None
    language: str
    lead_days: int
