"""The table of ticket states, pair by pair."""

import itertools

import pytest

from phonehome_cloud.core.tickets import (
    ACKNOWLEDGED,
    BY_PERSON,
    BY_RULE,
    CLOSED,
    IN_PROGRESS,
    OPEN,
    OPEN_STATES,
    RESOLVED,
    STATES,
    TRANSITIONS,
    check_transition,
    is_open,
    parse_ticket_id,
    ticket_id,
)
from phonehome_cloud.errors import NotFoundError, TransitionError

BY_RULES = {
    (OPEN, IN_PROGRESS),
    (OPEN, RESOLVED),
    (ACKNOWLEDGED, IN_PROGRESS),
    (ACKNOWLEDGED, RESOLVED),
    (IN_PROGRESS, OPEN),
    (IN_PROGRESS, RESOLVED),
    (RESOLVED, OPEN),
}
NEVER = {(CLOSED, state) for state in STATES} | {(state, state) for state in STATES}
NEVER |= {(RESOLVED, ACKNOWLEDGED), (RESOLVED, IN_PROGRESS)}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
@pytest.mark.parametrize("by", [BY_RULE, BY_PERSON])
def test_each_pair_of_states(before, after, by):
    """Rules begin, resolve and reopen; people do what is not nonsense; closed is the end."""
    may = (before, after) in BY_RULES if by == BY_RULE else (before, after) not in NEVER
    if may:
        check_transition(before, after, by)
    else:
        with pytest.raises(TransitionError, match=before):
            check_transition(before, after, by)


def test_the_refusal_names_what_is_possible():
    """Whoever is refused can read what to do instead."""
    with pytest.raises(TransitionError, match="from here: open, closed"):
        check_transition(RESOLVED, IN_PROGRESS, BY_PERSON)
    with pytest.raises(TransitionError, match="from here: nothing"):
        check_transition(CLOSED, OPEN, BY_PERSON)


def test_every_state_can_be_reached_and_only_closed_is_final():
    """No state is a trap and none is decoration."""
    reached = {OPEN} | {after for _, after in TRANSITIONS}
    left = {before for before, _ in TRANSITIONS}
    assert reached == set(STATES)
    assert set(STATES) - left == {CLOSED}


def test_open_states_are_those_with_work_left():
    """Exactly these have no end."""
    assert {state for state in STATES if is_open(state)} == OPEN_STATES
    assert {OPEN, ACKNOWLEDGED, IN_PROGRESS} == OPEN_STATES


def test_ticket_ids_come_back():
    """An id carries the device and the number."""
    assert parse_ticket_id(ticket_id("a4cf12fffe05d3b1", 12)) == ("a4cf12fffe05d3b1", 12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "a4cf12fffe05d3b1",
        "a4cf12fffe05d3b1-",
        "a4cf12fffe05d3b1-0",
        "a4cf12fffe05d3b1-01",
        "A4CF12FFFE05D3B1-1",
        "a4cf12fffe05d3b1-1\n",
        "a4cf12fffe05d3b1-1234567890",
        "a4cf12fffe05d3b1-\u0661",
    ],
)
def test_other_texts_are_no_ticket_ids(text):
    """Nothing that is no id ever reaches the database."""
    with pytest.raises(NotFoundError):
        parse_ticket_id(text)
