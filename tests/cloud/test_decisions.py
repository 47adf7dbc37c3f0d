"""What transitions do to tickets: the rules one by one, then any order of anything."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.anchoring import ANCHORED, EventTime
from phonehome_cloud.core.catalogue import FaultKnowledge
from phonehome_cloud.core.digesting import (
    Policy,
    Standing,
    decide,
    is_late,
    resolve_due,
)
from phonehome_cloud.core.tickets import BY_PERSON, CLOSED, OPEN, RESOLVED, is_open
from phonehome_cloud.core.transitions import RecordHead, Transition
from phonehome_wire.registry import KIND_CLEARED, KIND_CONFIRMED, KIND_HEALED, KIND_PENDING

NOW_AT = 1_795_000_000_000
KNOWN = FaultKnowledge("Drain pump blocked", "E21", 2, resolve_after_s=60)
POLICY = Policy(reopen_window_ms=3_600_000)
END = (KIND_HEALED, KIND_CLEARED)


def transition(kind, seq=0, at=NOW_AT - 1_000, received_at=None, late=False, boot=1):
    """One transition of one fault."""
    time = EventTime(at, 30, ANCHORED)
    received_at = at + 500 if received_at is None else received_at
    head = RecordHead("a4cf12fffe05d3b1", "9f3ac41e", 1, boot, seq, time, received_at, late)
    return Transition(head, 520200, 7, 0x2F, 1, 3, kind, None, -2, 5312, 4000, 750, None, None)


class Desk:
    """Decides one transition after the other, as the digest does."""

    def __init__(self, now_at=NOW_AT):
        self.now_at = now_at
        self.standing = None
        self.tickets = []

    def take(self, item, known=KNOWN):
        newest = self.tickets[-1] if self.tickets else None
        number = len(self.tickets) + 1
        found = decide(item, self.standing, newest, known, "washer", number, POLICY, self.now_at)
        if self.standing is None or item.head.order > self.standing.order:
            self.standing = Standing(item.head.order, item.kind, item.head.time.at)
        if found is not None and found.number == number:
            self.tickets.append(found)
        return found

    def sweep(self, now_at):
        """Run the off-rules."""
        self.now_at = now_at
        for ticket in self.tickets:
            if ticket.resolve_at is not None and ticket.resolve_at <= now_at:
                resolve_due(ticket, now_at)


def kinds(ticket):
    """The kinds of a ticket's history."""
    return [row.kind for row in ticket.history]


def test_a_confirmed_fault_opens_a_ticket():
    """Title, code and severity are the product's, the times are those of the event."""
    ticket = Desk().take(transition(KIND_CONFIRMED))
    assert (ticket.state, ticket.number, ticket.ended_at) == (OPEN, 1, None)
    assert (ticket.title, ticket.code, ticket.severity) == ("Drain pump blocked", "E21", 2)
    assert (ticket.event_at, ticket.opened_at) == (NOW_AT - 1_000, NOW_AT)
    assert (ticket.occurrences, ticket.late) == (1, False)
    (row,) = ticket.history
    assert (row.n, row.who, row.kind, row.rule) == (0, "device", "opened", "fault confirmed")
    assert row.evidence["seq"] == 0
    assert (row.evidence["value"], row.evidence["exp"], row.evidence["limit"]) == (5312, -2, 4000)


def test_a_fault_of_no_product_file_has_the_devices_severity():
    """Unknown does not mean ignored."""
    ticket = Desk().take(transition(KIND_CONFIRMED), FaultKnowledge("Fault 520200"))
    assert (ticket.severity, ticket.code, ticket.title) == (3, None, "Fault 520200")


@pytest.mark.parametrize("kind", [KIND_PENDING, *END])
def test_nothing_else_opens_one(kind):
    """Pending is not confirmed, and what is over needs nobody."""
    assert Desk().take(transition(kind)) is None


def test_confirmed_again_counts_on_the_open_ticket():
    """One ticket per fault, however often it is confirmed."""
    desk = Desk()
    first = desk.take(transition(KIND_CONFIRMED, 0))
    again = desk.take(transition(KIND_CONFIRMED, 1, at=NOW_AT - 500))
    assert again is first
    assert (first.occurrences, first.last_event_at) == (2, NOW_AT - 500)
    assert kinds(first) == ["opened", "repeated"]


@pytest.mark.parametrize("kind", END)
def test_recovery_resolves_when_the_off_rule_held(kind):
    """The device's word starts it, the product's time ends it, the history says which rule."""
    desk = Desk()
    ticket = desk.take(transition(KIND_CONFIRMED, 0))
    desk.take(transition(kind, 1, at=NOW_AT))
    assert (ticket.state, ticket.resolve_at) == (OPEN, NOW_AT + 60_000)
    desk.sweep(NOW_AT + 59_999)
    assert ticket.state == OPEN
    desk.sweep(NOW_AT + 60_000)
    assert (ticket.state, ticket.ended_at) == (RESOLVED, NOW_AT + 60_000)
    assert ticket.resolve_at is None
    last = ticket.history[-1]
    assert (last.who, last.rule) == ("rule", "healed long enough")
    assert last.evidence == {"recovered_at": NOW_AT, "resolve_at": NOW_AT + 60_000}
    assert (last.from_state, last.to_state) == (OPEN, RESOLVED)


def test_cleared_after_healed_does_not_start_it_again():
    """The time runs from the first proof."""
    desk = Desk()
    ticket = desk.take(transition(KIND_CONFIRMED, 0))
    desk.take(transition(KIND_HEALED, 1, at=NOW_AT))
    desk.take(transition(KIND_CLEARED, 2, at=NOW_AT + 30_000))
    assert ticket.resolve_at == NOW_AT + 60_000
    assert kinds(ticket) == ["opened", "recovering"]


def test_a_relapse_stops_the_off_rule():
    """Back before its time was over: the ticket stays open."""
    desk = Desk()
    ticket = desk.take(transition(KIND_CONFIRMED, 0))
    desk.take(transition(KIND_HEALED, 1))
    desk.take(transition(KIND_CONFIRMED, 2))
    desk.sweep(NOW_AT + 10**9)
    assert (ticket.state, ticket.resolve_at, ticket.recovered_at) == (OPEN, None, None)
    assert kinds(ticket) == ["opened", "recovering", "relapsed"]


def test_a_late_confirmation_does_not_stop_the_off_rule():
    """It happened before the device healed, it only came afterwards."""
    desk = Desk()
    ticket = desk.take(transition(KIND_CONFIRMED, 0))
    desk.take(transition(KIND_HEALED, 5))
    desk.take(transition(KIND_CONFIRMED, 3, late=True))
    assert ticket.resolve_at is not None
    assert kinds(ticket) == ["opened", "recovering", "repeated"]
    assert ticket.history[-1].evidence["late"] is True


def resolved(desk):
    """A ticket that was opened and resolved by its rule at NOW_AT + 60 s."""
    ticket = desk.take(transition(KIND_CONFIRMED, 0))
    desk.take(transition(KIND_HEALED, 1, at=NOW_AT))
    desk.sweep(NOW_AT + 60_000)
    return ticket


def test_a_fault_that_is_back_reopens_its_resolved_ticket():
    """Within the window it is the same problem."""
    desk = Desk()
    ticket = resolved(desk)
    desk.now_at = NOW_AT + 60_000 + POLICY.reopen_window_ms
    back = desk.take(transition(KIND_CONFIRMED, 2, at=desk.now_at - 10))
    assert back is ticket
    assert (ticket.state, ticket.ended_at, ticket.reopened) == (OPEN, None, 1)
    assert (ticket.occurrences, ticket.recovered_at) == (2, None)
    last = ticket.history[-1]
    assert (last.kind, last.who, last.rule) == ("state", "rule", "back within window")
    assert (last.from_state, last.to_state) == (RESOLVED, OPEN)
    assert last.evidence["resolved_at"] == NOW_AT + 60_000


def test_a_fault_that_is_back_after_the_window_is_another_ticket():
    """Old problems rest."""
    desk = Desk()
    ticket = resolved(desk)
    desk.now_at = NOW_AT + 60_001 + POLICY.reopen_window_ms
    other = desk.take(transition(KIND_CONFIRMED, 2, at=desk.now_at - 10))
    assert (other.number, other.state, ticket.state) == (2, OPEN, RESOLVED)


def test_a_fault_that_is_back_after_closing_is_another_ticket():
    """Closed is the end, also within the window."""
    desk = Desk()
    ticket = resolved(desk)
    ticket.move(CLOSED, desk.now_at, "token:desk", BY_PERSON)
    other = desk.take(transition(KIND_CONFIRMED, 2, at=desk.now_at))
    assert (other.number, other.state, ticket.state) == (2, OPEN, CLOSED)


def test_a_suppressed_report_opens_a_late_ticket_that_resolves_itself():
    """The healing is known already: the ticket has its own time and the off-rule runs."""
    desk = Desk()
    assert desk.take(transition(KIND_HEALED, 5, at=NOW_AT - 3_000_000)) is None
    ticket = desk.take(
        transition(KIND_CONFIRMED, 3, at=NOW_AT - 4_000_000, received_at=NOW_AT, late=True)
    )
    assert (ticket.late, ticket.event_at) == (True, NOW_AT - 4_000_000)
    assert ticket.resolve_at == NOW_AT - 3_000_000 + 60_000
    desk.sweep(NOW_AT)
    assert ticket.state == RESOLVED


def test_a_late_confirmation_counts_on_the_ticket_of_its_time():
    """A resolved ticket that covers its moment takes it, and stays resolved."""
    desk = Desk()
    ticket = resolved(desk)
    found = desk.take(
        transition(KIND_CONFIRMED, 0, at=NOW_AT - 500, received_at=NOW_AT + 70_000, boot=1)
    )
    assert found is ticket
    assert (ticket.state, ticket.occurrences, ticket.reopened) == (RESOLVED, 2, 0)


@pytest.mark.parametrize(
    ("late", "delay_ms", "expected"),
    [(True, 0, True), (False, 0, False), (False, 600_000, False), (False, 600_001, True)],
)
def test_late_is_out_of_order_or_old_on_arrival(late, delay_ms, expected):
    """Ten minutes in an outbox is late."""
    item = transition(KIND_CONFIRMED, at=NOW_AT, received_at=NOW_AT + delay_ms, late=late)
    assert is_late(item) is expected


STEPS = st.lists(
    st.tuples(
        st.sampled_from([KIND_PENDING, KIND_CONFIRMED, KIND_HEALED, KIND_CLEARED]),
        st.booleans(),
    ),
    max_size=14,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_any_order_keeps_the_promises(steps, shuffle):
    """One open ticket at most, a gapless history, and an end exactly when it is not open."""
    items = [
        (transition(kind, seq, at=NOW_AT + seq * 20_000), sweep)
        for seq, (kind, sweep) in enumerate(steps)
    ]
    newest = items[-1][0] if items else None
    shuffle.shuffle(items)
    desk = Desk()
    for item, sweep in items:
        desk.now_at += 20_000
        desk.take(item)
        if sweep:
            desk.sweep(desk.now_at)
        assert sum(is_open(ticket.state) for ticket in desk.tickets) <= 1
    for ticket in desk.tickets:
        assert [row.n for row in ticket.history] == list(range(ticket.events))
        assert (ticket.ended_at is None) == is_open(ticket.state)
        states = [(r.from_state, r.to_state) for r in ticket.history if r.kind == "state"]
        assert all(a[1] == b[0] for a, b in itertools.pairwise(states))
        assert ticket.event_at <= ticket.last_event_at
    if newest is not None:
        assert desk.standing.kind == newest.kind
        if newest.kind == KIND_CONFIRMED:
            assert any(is_open(ticket.state) for ticket in desk.tickets)
    confirmed = sum(kind == KIND_CONFIRMED for kind, _ in steps)
    assert sum(ticket.occurrences for ticket in desk.tickets) == confirmed
