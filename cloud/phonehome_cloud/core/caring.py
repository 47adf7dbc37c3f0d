r"""Actions on a ticket: which states they go through, and what an action is started with.

    waiting_consent -> agreed -> running -> helped
           |             |          |-----> failed
           \-------------\----------\-----> cancelled

An action is under way in the first three; a ticket has at most one such action at a time. Whoever
agrees, or chooses an action for the system, leaves it in `agreed`: the care loop starts it, with
everything that is known about the ticket. All three may help: a device can heal while its owner
is still asked. The one way out of an outcome is `take_back`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from phonehome_cloud.errors import CloudError, TransitionError

from .deciding.decision import Decision
from .digesting import Ticket

WAITING_CONSENT: Final = "waiting_consent"
AGREED: Final = "agreed"
RUNNING: Final = "running"
HELPED: Final = "helped"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"

STATES: Final = (WAITING_CONSENT, AGREED, RUNNING, HELPED, FAILED, CANCELLED)
UNDER_WAY: Final = frozenset((WAITING_CONSENT, AGREED, RUNNING))
OUTCOMES: Final = frozenset((HELPED, FAILED, CANCELLED))

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        WAITING_CONSENT: frozenset((AGREED, HELPED, CANCELLED)),
        AGREED: frozenset((RUNNING, HELPED, CANCELLED)),
        RUNNING: frozenset((HELPED, FAILED, CANCELLED)),
        HELPED: frozenset(),
        FAILED: frozenset(),
        CANCELLED: frozenset(),
    }
)


class ActionKey(NamedTuple):
    """What names an action in every table, and what belongs to it: a visit, an order, a step."""

    device: str
    ticket: int
    n: int


class StartError(CloudError):
    """An action that cannot be started after all; it is cancelled, and something else decided."""


@dataclass(slots=True)
class ActionRow:
    """One row of `action`: the n-th of a ticket; see store.care_tables for the columns."""

    device: str
    ticket: int
    n: int
    kind: str
    action_id: str | None
    state: str
    who: str
    payer: str
    started_at: int
    due_at: int | None = None
    ended_at: int | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its id in the product file, or its kind when it has none there."""
        return self.action_id or self.kind

    @property
    def key(self) -> ActionKey:
        """What names it."""
        return ActionKey(self.device, self.ticket, self.n)

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in UNDER_WAY

    def move(self, to_state: str, now_at: int) -> None:
        """Change the state as the table allows; TransitionError otherwise."""
        if to_state not in TRANSITIONS[self.state]:
            may = ", ".join(sorted(TRANSITIONS[self.state])) or "nothing"
            raise TransitionError(
                f"an action in state {self.state!r} cannot become {to_state!r}; from here: {may}"
            )
        self.state = to_state
        if to_state in OUTCOMES:
            self.ended_at = now_at
            self.due_at = None

    def take_back(self, now_at: int) -> None:
        """What was believed to have helped has not: so the device says, or a person."""
        self.state, self.ended_at = FAILED, now_at


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket with what is known about it when an action is started, ended or asked again.

    `product`, `fault` and `action` are those of the product file, None when it has none; `facts`
    and `diagnosis` are core.diagnosing's Facts and Diagnosis. `owner` and `appliance`
    are those of store.people, None when nobody claimed the appliance.
    """

    ticket: Ticket
    product: Any = None
    fault: Any = None
    action: Any = None
    facts: Any = None
    diagnosis: Any = None
    decision: Decision | None = None
    owner: Any = None
    appliance: Any = None
