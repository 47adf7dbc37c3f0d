"""One visit: what it needs, when it is, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phonehome_cloud.core.caring import ActionKey

from .calendar import Booking
from .slots import Need, Slot
from .states import BOOKED, UNDER_WAY, check_move

Key = ActionKey


@dataclass(slots=True)
class Visit:
    """A row of store.visit_tables.visit; see there. While `proposed` its time is held."""

    device: str
    ticket: int
    action: int
    uid: str
    state: str
    minutes: int
    zone: str
    area: str
    created_at: int
    updated_at: int
    about: Mapping[str, Any] = field(default_factory=dict)
    skills: list[str] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    parts_at: int = 0
    sequence: int = 0
    round: int = 0
    technician: str | None = None
    start_at: int | None = None
    end_at: int | None = None
    p_home: float | None = None
    was_home: bool | None = None
    closing: Mapping[str, Any] | None = None
    reply_sequence: int | None = None
    reply_at: int | None = None

    @property
    def key(self) -> Key:
        """What names it in every table."""
        return Key(self.device, self.ticket, self.action)

    @property
    def need(self) -> Need:
        """What a slot must offer."""
        return Need(frozenset(self.skills), self.minutes, self.parts_at, self.zone, self.area)

    @property
    def vans(self) -> frozenset[str]:
        """In whose van parts are kept for it; at most one technician's."""
        return frozenset(row["van"] for row in self.parts if row.get("van"))

    @property
    def is_under_way(self) -> bool:
        """Whether somebody may still come."""
        return self.state in UNDER_WAY

    @property
    def is_booked(self) -> bool:
        """Whether the owner knows the time and has agreed to it."""
        return self.state == BOOKED

    @property
    def booking(self) -> Booking | None:
        """Whose time it takes; None while it has none."""
        if self.technician is None or self.start_at is None or self.end_at is None:
            return None
        return Booking(self.technician, self.start_at, self.end_at, self.area)

    def take(self, slot: Slot) -> None:
        """It is to be at this time."""
        self.technician, self.start_at, self.end_at = slot.technician, slot.start_at, slot.end_at
        self.p_home = slot.p_home

    def move(self, to_state: str, now_at: int) -> None:
        """Change the state as the table allows; TransitionError otherwise."""
        check_move(self.state, to_state)
        self.state, self.updated_at = to_state, now_at
