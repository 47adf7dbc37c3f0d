r"""The configuration that a device should have, and what to do when it says another version.

    pending -> applied            the device says this version
       |          \-> reverted   it said so and went back: it could not prove it
       |-> refused                it will not have it, and says why for each key
       \-> failed                it could not, again and again

Set again with growing pauses, MAX_TRIES times; then somebody has to look at it.
"""

from dataclasses import dataclass
from typing import Final

from .orders import DONE, QUEUED, SENT

PENDING: Final = "pending"
APPLIED: Final = "applied"
REVERTED: Final = "reverted"
REFUSED: Final = "refused"
FAILED: Final = "failed"

MAX_TRIES: Final = 3
FIRST_PAUSE_MS: Final = 300_000  # twice as long as a device waits at least before it goes back
_PAUSE_FACTOR: Final = 4
_PROVEN_MS: Final = 86_400_000  # what was applied for a day has not gone back: it was lost
COMMAND_WITHIN_S: Final = 7 * 86_400
_NEVER_TAKEN = ("refused", "bad_args", "unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a configuration stands; `order` is the state of its newest command, if that counts."""

    version: int
    state: str
    reported: int | None
    tries: int
    changed_at: int
    order: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: the new state, whether to give the command now, or when to look again."""

    state: str
    tries: int
    gives_order: bool = False
    due_at: int | None = None


def decide(standing: Standing, now_at: int) -> Step | None:
    """The next step; None while its command is under way."""
    order, tries = standing.order, standing.tries
    if order in (QUEUED, SENT):
        return None
    if order in _NEVER_TAKEN:
        return Step(REFUSED, tries)
    if standing.reported == standing.version:
        return Step(APPLIED, tries)
    if order == DONE or standing.state == APPLIED:
        is_proven = now_at - standing.changed_at >= _PROVEN_MS
        return _pause(REVERTED, 0 if is_proven else tries, now_at)
    if order is not None:
        return _pause(FAILED, tries, now_at)
    if standing.reported is None:
        return Step(PENDING, tries)  # it has never spoken: its first hello says it is due
    if tries >= MAX_TRIES or standing.state == REFUSED:
        return Step(standing.state, tries)
    return Step(PENDING, tries + 1, gives_order=True)


def _pause(state: str, tries: int, now_at: int) -> Step:
    """Again later, unless it was tried often enough."""
    if tries >= MAX_TRIES:
        return Step(state, tries)
    pause_ms = FIRST_PAUSE_MS * _PAUSE_FACTOR ** max(0, tries - 1)
    return Step(state, tries, due_at=now_at + pause_ms)
