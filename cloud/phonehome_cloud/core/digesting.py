"""What a fault transition means for tickets: decided here, stored elsewhere.

confirmed           opens a ticket; on an open one it counts; on a resolved one it reopens
healed, cleared     start the off-rule of an open ticket: it resolves when nothing comes back
pending             is history, and so is what a test at the device provoked

Transitions may come in any order. Only the newest one of a fault moves a ticket's state; an older
one that arrives late is counted where it belongs, or opens a ticket with its own time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from phonehome_wire.names import KIND_NAMES
from phonehome_wire.registry import KIND_CLEARED, KIND_CONFIRMED, KIND_HEALED

from .catalogue import FaultKnowledge
from .tickets import (
    BY_RULE,
    HISTORY_OPENED,
    HISTORY_RECOVERING,
    HISTORY_RELAPSED,
    HISTORY_REPEATED,
    HISTORY_STATE,
    OPEN,
    RESOLVED,
    check_transition,
    is_open,
)
from .transitions import Order, Transition

# A record is late when the receiver could have had it this much earlier, or came out of order.
LATE_AFTER_MS: Final = 600_000

WHO_DEVICE: Final = "device"
WHO_RULE: Final = "rule"
RULE_CONFIRMED: Final = "fault confirmed"
RULE_REPEATED: Final = "confirmed again"
RULE_HEALED: Final = "device healed"
RULE_RELAPSED: Final = "confirmed before off-rule"
RULE_OFF: Final = "healed long enough"
RULE_REOPEN: Final = "back within window"


class Standing(NamedTuple):
    """The newest transition of a fault that was seen: where the fault stands."""

    order: Order
    kind: int
    event_at: int


@dataclass(slots=True)
class HistoryRow:
    """One row of a ticket's history: who did what, by which rule, on what evidence."""

    n: int
    at: int
    who: str
    kind: str
    from_state: str | None = None
    to_state: str | None = None
    rule: str | None = None
    evidence: Mapping[str, Any] | None = None
    text: str | None = None


@dataclass(slots=True)
class Ticket:
    """One row of `ticket`, with the history it gains; see store.schema for the columns."""

    device: str
    number: int
    spn: int
    fmi: int
    state: str
    severity: int
    product: str | None
    code: str | None
    title: str
    opened_at: int
    updated_at: int
    event_at: int
    last_event_at: int
    late: bool
    occurrences: int = 1
    reopened: int = 0
    recovered_at: int | None = None
    resolve_at: int | None = None
    ended_at: int | None = None
    events: int = 0
    history: list[HistoryRow] = field(default_factory=list)

    def note(self, at: int, who: str, kind: str, **more: Any) -> None:
        """Append to the history; every change goes through here."""
        self.updated_at = max(self.updated_at, at)
        self.history.append(HistoryRow(self.events, at, who, kind, **more))
        self.events += 1

    def move(
        self,
        to_state: str,
        at: int,
        who: str,
        by: str,
        rule: str | None = None,
        evidence: Mapping[str, Any] | None = None,
        text: str | None = None,
    ) -> None:
        """Change the state as the table allows; TransitionError otherwise."""
        check_transition(self.state, to_state, by)
        before, self.state = self.state, to_state
        self.ended_at = None if is_open(to_state) else at
        if self.ended_at is not None:
            self.resolve_at = None
        if is_open(to_state) and not is_open(before):
            self.reopened += 1
            self.recovered_at = None
        self.note(
            at,
            who,
            HISTORY_STATE,
            from_state=before,
            to_state=to_state,
            rule=rule,
            evidence=evidence,
            text=text,
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided for all tickets."""

    reopen_window_ms: int


def is_late(transition: Transition) -> bool:
    """Whether a record was out of order, or old when it came."""
    head = transition.head
    return head.late or head.received_at - head.time.at > LATE_AFTER_MS


def decide(
    transition: Transition,
    standing: Standing | None,
    ticket: Ticket | None,
    known: FaultKnowledge,
    product: str | None,
    next_number: int,
    policy: Policy,
    now_at: int,
) -> Ticket | None:
    """The ticket that a transition opens or touches, changed in place; None for plain history.

    `standing` is the fault before this transition, `ticket` its newest ticket in any state,
    `next_number` the number for a new one.
    """
    if transition.is_test:
        return _past(ticket)
    is_newest = standing is None or transition.head.order > standing.order
    if transition.kind in (KIND_HEALED, KIND_CLEARED):
        return _recover(transition, ticket, known, now_at) if is_newest else _past(ticket)
    if transition.kind != KIND_CONFIRMED:
        return _past(ticket)
    if ticket is not None and _belongs(transition, ticket, is_newest):
        return _repeat(transition, ticket, is_newest, now_at)
    if ticket is not None and is_newest and _may_reopen(ticket, policy, now_at):
        return _reopen(transition, ticket, policy, now_at)
    opened = _open(transition, known, product, next_number, now_at)
    if standing is not None and not is_newest and standing.kind in (KIND_HEALED, KIND_CLEARED):
        _start_off_rule(opened, standing.event_at, known, now_at, {"seen_before": True})
    return opened


def resolve_due(ticket: Ticket, now_at: int) -> None:
    """The off-rule held: nothing came back since the device healed."""
    evidence = {"recovered_at": ticket.recovered_at, "resolve_at": ticket.resolve_at}
    ticket.move(RESOLVED, now_at, WHO_RULE, BY_RULE, RULE_OFF, evidence)


def _past(ticket: Ticket | None) -> Ticket | None:
    """History of a fault belongs to its open ticket, without changing it."""
    return ticket if ticket is not None and is_open(ticket.state) else None


def _belongs(transition: Transition, ticket: Ticket, is_newest: bool) -> bool:
    """Whether a confirmation counts on this ticket as one more occurrence."""
    if is_open(ticket.state):
        return True
    ended_at = ticket.ended_at or 0
    return not is_newest and ticket.event_at <= transition.head.time.at <= ended_at


def _may_reopen(ticket: Ticket, policy: Policy, now_at: int) -> bool:
    ended_at = ticket.ended_at or 0
    return ticket.state == RESOLVED and now_at - ended_at <= policy.reopen_window_ms


def _recover(
    transition: Transition, ticket: Ticket | None, known: FaultKnowledge, now_at: int
) -> Ticket | None:
    if ticket is None or not is_open(ticket.state):
        return None
    if ticket.resolve_at is None:
        evidence = _evidence(transition)
        _start_off_rule(ticket, transition.head.time.at, known, now_at, evidence)
    return ticket


def _start_off_rule(
    ticket: Ticket,
    recovered_at: int,
    known: FaultKnowledge,
    now_at: int,
    evidence: Mapping[str, Any],
) -> None:
    ticket.recovered_at = recovered_at
    ticket.resolve_at = recovered_at + known.resolve_after_s * 1000
    ticket.note(
        now_at,
        WHO_DEVICE,
        HISTORY_RECOVERING,
        rule=RULE_HEALED,
        evidence={
            **evidence,
            "recovered_at": recovered_at,
            "resolve_after_s": known.resolve_after_s,
        },
    )


def _repeat(transition: Transition, ticket: Ticket, is_newest: bool, now_at: int) -> Ticket:
    ticket.occurrences += 1
    ticket.last_event_at = max(ticket.last_event_at, transition.head.time.at)
    ticket.event_at = min(ticket.event_at, transition.head.time.at)
    relapsed = is_newest and ticket.resolve_at is not None
    if relapsed:
        ticket.recovered_at = ticket.resolve_at = None
    ticket.note(
        now_at,
        WHO_DEVICE,
        HISTORY_RELAPSED if relapsed else HISTORY_REPEATED,
        rule=RULE_RELAPSED if relapsed else RULE_REPEATED,
        evidence=_evidence(transition),
    )
    return ticket


def _reopen(transition: Transition, ticket: Ticket, policy: Policy, now_at: int) -> Ticket:
    ticket.occurrences += 1
    ticket.last_event_at = max(ticket.last_event_at, transition.head.time.at)
    evidence = {
        **_evidence(transition),
        "resolved_at": ticket.ended_at,
        "window_s": policy.reopen_window_ms // 1000,
    }
    ticket.move(OPEN, now_at, WHO_RULE, BY_RULE, RULE_REOPEN, evidence)
    return ticket


def _open(
    transition: Transition,
    known: FaultKnowledge,
    product: str | None,
    number: int,
    now_at: int,
) -> Ticket:
    head = transition.head
    severity = transition.severity if known.severity is None else known.severity
    ticket = Ticket(
        head.device,
        number,
        transition.spn,
        transition.fmi,
        OPEN,
        severity,
        product,
        known.code,
        known.title,
        opened_at=now_at,
        updated_at=now_at,
        event_at=head.time.at,
        last_event_at=head.time.at,
        late=is_late(transition),
    )
    ticket.note(
        now_at,
        WHO_DEVICE,
        HISTORY_OPENED,
        to_state=OPEN,
        rule=RULE_CONFIRMED,
        evidence=_evidence(transition),
    )
    return ticket


def _evidence(transition: Transition) -> dict[str, Any]:
    """What a rule looked at, for the history."""
    head = transition.head
    found: dict[str, Any] = {
        "transition": KIND_NAMES[transition.kind],
        "inc": head.inc,
        "boot": head.boot,
        "seq": head.seq,
        "event_at": head.time.at,
        "status": transition.status,
        "occurrence": transition.occurrence,
    }
    if transition.value is not None:
        found |= {"value": transition.value, "exp": transition.exp, "limit": transition.limit}
    if is_late(transition):
        found["late"] = True
    return found
