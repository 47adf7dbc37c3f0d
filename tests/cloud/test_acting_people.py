"""Tickets in the hands of people, on both databases: promises, escalation, calls."""

import pytest

from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import care, contacts, operators
from phonehome_cloud.store.acting import callbacks, persons
from phonehome_cloud.store.acting_tables import (
    assignment,
    callback,
    operator,
)
from phonehome_cloud.store.schema import ticket_event
from tests.cloud.kettle import DEVICE, OWNER

KEY = (DEVICE, 1, 0)
HOUR = 3_600_000


def hire(home, name, level=1, capacity=5, skills=("heat",)):
    """An operator."""
    values = {"operator": name, "mail": f"{name}@desk.example", "skills": list(skills)}
    more = {"level": level, "capacity": capacity, "created_at": home.clock()}
    home.do(lambda c: c.execute(operator.insert().values(**values, **more)))


def test_danger_reaches_a_person_and_the_owner_at_once(home):
    """Somebody has it, the desk and the owner are told past every cap, and half an hour runs."""
    hire(home, "ada")
    home.start("ask", lane="safety")
    (row,) = home.rows(assignment)
    assert (row["operator"], row["is_urgent"]) == ("ada", True)
    assert row["respond_by_at"] - home.clock() == HOUR // 2
    assert sorted(to for to, *_ in home.letters()) == ["desk", "operator:ada", f"owner:{OWNER}"]
    assert home.letters("safety")


def test_who_has_a_ticket_is_told_by_their_own_letter(home):
    """The desk as well when nobody has it; a contact reads the desk's language on its clock."""
    home.start("ask")
    assert [to for to, *_ in home.letters("assigned")] == ["desk"]
    hire(home, "ada")
    home.clock.advance(5 * 60_000)
    home.pursue()
    assert [to for to, *_ in home.letters("assigned")] == ["desk", "operator:ada"]
    found = home.do(contacts.maybe_find, "operator:ada")
    assert (found.name, found.mail, found.language) == ("ada", "ada@desk.example", "en")
    home.do(operators.remove, "ada", home.clock())
    assert home.do(contacts.maybe_find, "operator:ada") is None


def test_a_promise_that_is_not_kept_goes_up(home):
    """Nobody responded: the next level gets it and the history says so; a response is seen."""
    hire(home, "ada")
    hire(home, "eve", level=2)
    home.start("ask", lane="safety")
    home.clock.advance(HOUR // 2)
    home.pursue()
    (row,) = home.rows(assignment)
    assert (row["operator"], row["level"]) == ("eve", 2)
    assert "ada did not respond in time" in home.rows(ticket_event)[-1]["text"]
    assert home.letters("escalated")
    from phonehome_cloud.store import tickets

    home.do(tickets.comment, DEVICE, 1, "token:eve", "I call them", home.clock())
    home.clock.now_at = row["due_at"]
    home.pursue()
    (row,) = home.rows(assignment)
    assert row["responded_at"] is not None
    assert row["level"] == 2


def test_who_leaves_leaves_nothing_behind(home):
    """Their tickets go to somebody else at once; one that nobody had goes to who has room."""
    hire(home, "ada")
    home.start("ask")
    hire(home, "ben")
    home.do(operators.remove, "ada", home.clock())
    home.pursue()
    assert home.rows(assignment)[0]["operator"] == "ben"
    home.do(operators.remove, "ben", home.clock())
    home.pursue()
    assert home.rows(assignment)[0]["operator"] is None
    hire(home, "eve")
    home.clock.advance(5 * 60_000)
    home.pursue()
    assert home.rows(assignment)[0]["operator"] == "eve"
    assert home.rows(assignment)[0]["level"] == 1


def test_a_ticket_waits_in_the_open_when_nobody_can(home):
    """No operator is known: it is assigned to nobody, and the promise still runs."""
    home.start("ask")
    (row,) = home.rows(assignment)
    assert row["operator"] is None
    assert home.do(persons.list_open, None, None, 10)[0]["ticket"] == 1
    home.do(care.conclude, KEY, "helped", "token:ada", home.clock())
    assert home.do(persons.list_open, None, None, 10) == []


# ---- calls ----------------------------------------------------------------------------------


def test_a_call_is_made_while_somebody_is_there(home):
    """Out of hours there is a proposal instead; a second wish replaces the first."""
    friday_noon = 1_795_780_800_000  # 2026-11-27 12:00 UTC; the desk keeps office hours in UTC
    home.clock.now_at = friday_noon
    with pytest.raises(callbacks.OutOfHoursError) as refused:
        home.do(callbacks.ask, DEVICE, 1, "+49301", friday_noon + 24 * HOUR, home.clock())
    assert refused.value.next_at == friday_noon + (2 * 24 + 21) * HOUR  # Monday, 9:00
    for hours in (1, 2):
        at = friday_noon + hours * HOUR
        home.do(callbacks.ask, DEVICE, 1, "+49301", at, home.clock())
    assert [row["state"] for row in home.rows(callback)] == ["cancelled", "asked"]
    home.clock.advance(3 * HOUR)
    home.pursue()
    assert home.rows(callback)[1]["state"] == "missed"
    ((_, _, data),) = home.letters("callback_missed")
    assert data["owner"] == "Ada Lovelace"
    home.do(callbacks.finish, DEVICE, 1, 2, "token:ada", home.clock())
    assert home.do(callbacks.list_open, 10) == []


@pytest.mark.parametrize("minutes", [0, 14, 15 * 24 * 60])
def test_a_call_cannot_be_wished_for_any_time(home, minutes):
    """Not now, and not in two weeks."""
    at = home.clock() + minutes * 60_000
    with pytest.raises(ConflictError, match="15 minutes to 14 days"):
        home.do(callbacks.ask, DEVICE, 1, "+49301", at, home.clock())
