r"""Visits go through these states; one table says what may follow what.

    proposed -> booked -> closed
       |  ^______/ |
       \-----------\----> declined (by the owner), cancelled (by the service)

A visit that is moved is booked again, or proposed again when its time is not to be had any more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from phonehome_cloud.errors import TransitionError

PROPOSED: Final = "proposed"
BOOKED: Final = "booked"
CLOSED: Final = "closed"
DECLINED: Final = "declined"
CANCELLED: Final = "cancelled"

STATES: Final = (PROPOSED, BOOKED, CLOSED, DECLINED, CANCELLED)
UNDER_WAY: Final = frozenset((PROPOSED, BOOKED))

_NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        PROPOSED: frozenset((PROPOSED, BOOKED, DECLINED, CANCELLED)),
        BOOKED: frozenset((PROPOSED, BOOKED, CLOSED, DECLINED, CANCELLED)),
        CLOSED: frozenset(),
        DECLINED: frozenset(),
        CANCELLED: frozenset(),
    }
)


def check_move(from_state: str, to_state: str) -> None:
    """Raise TransitionError unless a visit may go from one state to the other."""
    if to_state not in _NEXT[from_state]:
        raise TransitionError(f"the visit is {from_state}: it cannot become {to_state}")
