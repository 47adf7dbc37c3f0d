"""What a decision knows besides the diagnosis: who pays, what was tried, what can be had."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["wait", "self_help", "remote_fix", "part", "visit", "lead", "person"]
Payer = Literal["warranty", "contract", "owner"]

WAIT: Final = "wait"
SELF_HELP: Final = "self_help"
REMOTE_FIX: Final = "remote_fix"
PART: Final = "part"
VISIT: Final = "visit"
LEAD: Final = "lead"
PERSON: Final = "person"
KINDS: Final = (WAIT, SELF_HELP, REMOTE_FIX, PART, VISIT, LEAD, PERSON)

OWNER: Final = "owner"


# Steps that were sent, and of which nobody ever said or showed that they were done.
UNANSWERED: Final = "unanswered"


@dataclass(frozen=True, slots=True)
class Tried:
    """An action that has ended: helped, failed, cancelled, declined, or UNANSWERED."""

    action_id: str
    kind: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Availability:
    """When a part can be there: 0 days is from stock; None when nobody can say."""

    days: float | None
    is_discontinued: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything about a ticket, its appliance and its owner that a decision may look at.

    `consents` are the kinds of action that the owner or the contract agreed to beforehand.
    `running` is the id of an action that has not ended, `incident` the incident that the ticket
    belongs to while it is held; `is_recovering` means that the device reports the fault as healed
    and the off-rule runs. `is_online` is None when nobody can say.
    """

    now_at: int
    payer: Payer = OWNER
    consents: frozenset[str] = frozenset()
    age_days: int | None = None
    tried: tuple[Tried, ...] = ()
    running: str | None = None
    incident: str | None = None
    stock: Mapping[str, Availability] = field(default_factory=dict)
    owner_known: bool = False
    is_online: bool | None = None
    is_recovering: bool = False
    language: str = "en"
