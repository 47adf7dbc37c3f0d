"""Who gets a ticket: an operator with the skills and room for it, and by when they must act.

The first level is asked first; a promise that was broken goes one level up. Among those who can,
the one with the smallest share of their capacity in hand is chosen, and by name between equals, so
that two receivers choose alike.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from .clocks import Opening, add_open

_HOUR_MS: Final = 3_600_000
TOP_LEVEL: Final = 3


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the desk, with how many tickets are in their hands."""

    name: str
    skills: frozenset[str]
    level: int
    capacity: int
    load: int
    away_until_at: int | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more ticket can be theirs."""
        return self.load < self.capacity


@dataclass(frozen=True, slots=True)
class Promise:
    """Hours until somebody has looked, and until it is done; round the clock when `is_always`."""

    respond_ms: int
    resolve_ms: int
    is_always: bool


# Danger does not wait for Monday; everything else is promised in hours of an open desk.
URGENT: Final = Promise(_HOUR_MS // 2, 4 * _HOUR_MS, is_always=True)
NORMAL: Final = Promise(4 * _HOUR_MS, 24 * _HOUR_MS, is_always=False)


def choose(
    operators: Sequence[Operator],
    skills: Collection[str],
    level: int,
    now_at: int,
    *,
    is_urgent: bool = False,
) -> Operator | None:
    """Who gets it; None when nobody of this level or above can.

    What is urgent fits in always, and goes to anybody who is there when nobody has the skills.
    """
    wanted = set(skills)
    here = [one for one in operators if one.level >= level and not _is_away(one, now_at)]
    able = [one for one in here if one.skills >= wanted and (is_urgent or one.has_room)]
    if is_urgent and not able:
        able = here
    return min(able, key=_rank, default=None)


def promise_for(*, is_urgent: bool) -> Promise:
    """What is promised for a ticket."""
    return URGENT if is_urgent else NORMAL


def deadlines(promise: Promise, now_at: int, opening: Opening) -> tuple[int, int]:
    """(respond by, resolve by) of a promise made now."""
    if promise.is_always:
        return now_at + promise.respond_ms, now_at + promise.resolve_ms
    return (
        add_open(now_at, promise.respond_ms, opening),
        add_open(now_at, promise.resolve_ms, opening),
    )


def _is_away(operator: Operator, now_at: int) -> bool:
    return operator.away_until_at is not None and operator.away_until_at > now_at


def _rank(operator: Operator) -> tuple[int, float, str]:
    return operator.level, operator.load / max(operator.capacity, 1), operator.name
