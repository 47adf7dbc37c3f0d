"""Visits in the database: held, chosen, moved, declined, closed, and never two at one time."""

import base64

import pytest
import vobject
from sqlalchemy import delete, func, select, update

from phonehome_cloud.core.caring import CANCELLED, FAILED, HELPED, StartError
from phonehome_cloud.core.visiting.closing import Closing
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_cloud.store import acting, care, contacts, tickets, visit_answers, visits
from phonehome_cloud.store.care_tables import action
from phonehome_cloud.store.people_tables import owner, stock, technician
from phonehome_cloud.store.prior_tables import prior
from phonehome_cloud.store.visit_tables import booking
from tests.cloud.visited import (
    DEVICE,
    KEY,
    NOW,
    OWNER,
    at,
    begin,
    case_of,
    find_fault,
    go_away,
    letters,
    opened,
)

pytestmark = pytest.mark.usefixtures("each_database")
HOUR_MS = 3_600_000


@pytest.fixture
def database(tmp_path):
    """A database with a home and its service."""
    with opened(tmp_path) as made:
        yield made


def entries(told):
    """The calendar entries among letters: (method, uid, sequence, start, status)."""
    found = []
    for *_, attachments in told:
        for one in attachments:
            if one["method"]:
                calendar = vobject.readOne(base64.b64decode(one["content"]).decode())
                assert calendar.method.value == one["method"]
                event = calendar.vevent
                start = int(event.dtstart.value.timestamp() * 1000)
                sequence, status = int(event.sequence.value), event.status.value
                found.append((one["method"], event.uid.value, sequence, start, status))
    return found


def state_of(connection, dev=DEVICE):
    """(state of the ticket, of the action)."""
    return (
        tickets.expect(connection, dev, 1).state,
        care.expect_action(connection, (dev, 1, 0)).state,
    )


def taken(connection):
    """How many quarters are booked."""
    return connection.execute(select(func.count()).select_from(booking)).scalar()


def test_three_times_are_proposed_and_the_first_is_held(database):
    """The part is kept, the owner is told with an invitation that is not yet certain."""
    of = database.write_now(begin)
    slots = database.read_now(visits.list_proposals, of)
    assert len(slots) == 3
    assert slots[0].start_at == of.start_at >= at("2026-03-25 08:00")  # the 24th is a holiday
    told = database.read_now(letters)
    ((to, template, data, _),) = told
    assert (to, template) == (f"owner:{OWNER}", "visit_proposed")
    assert [slot["start_at"] for slot in data["slots"]] == [slot.start_at for slot in slots]
    assert data["page"].startswith("/v/")
    assert entries(told) == [("REQUEST", of.uid, 0, of.start_at, "TENTATIVE")]
    assert of.parts[0]["reservation"]
    assert database.read_now(lambda c: c.execute(select(stock.c.reserved)).scalar()) == 1
    assert database.read_now(taken) == 4  # 40 minutes and the shortest drive


def test_the_owner_chooses_another_time(database):
    """SEQUENCE rises, the uid stays, the technician gets the job with its sheet."""
    of = database.write_now(begin)
    third = database.read_now(visits.list_proposals, of)[2]
    booked = database.write_now(visit_answers.choose, KEY, third.start_at, "owner", NOW + 5)
    assert (booked.state, booked.start_at, booked.sequence) == ("booked", third.start_at, 1)
    told = database.read_now(letters)[1:]
    mine = [one for one in told if one[0].startswith("owner")]
    jobs = [one for one in told if one[0] == f"technician:{third.technician}"]
    assert entries(mine) == [("REQUEST", of.uid, 1, third.start_at, "CONFIRMED")]
    assert [one[1] for one in jobs] == ["visit_job"]
    (job,) = entries(jobs)
    assert (job[0], job[3]) == ("REQUEST", third.start_at)
    assert job[1] != of.uid
    sheet = base64.b64decode(jobs[0][3][0]["content"]).decode()
    for word in ("Ada Lovelace", "10115 Berlin", "No flow", "PUMP-1", "van 0, depot 1", "pump"):
        assert word in sheet
    assert database.read_now(taken) == 4
    again = database.write_now(visit_answers.choose, KEY, third.start_at, "owner", NOW + 9)
    assert again.sequence == 1  # the same once more changes nothing
    with pytest.raises(ConflictError, match="not among"):
        database.write_now(visit_answers.choose, KEY, third.start_at + 1, "owner", NOW)


def test_other_times_are_others(database):
    """They replace those of before; what is booked stays until one of them is chosen."""
    of = database.write_now(begin)
    first = database.read_now(visits.list_proposals, of)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    second = database.write_now(visit_answers.ask_others, KEY, "owner", NOW)
    assert {s.start_at for s in first}.isdisjoint(s.start_at for s in second)
    kept = database.write_now(visits.expect, KEY)
    assert (kept.state, kept.start_at) == ("booked", first[0].start_at)
    with pytest.raises(ConflictError):
        database.write_now(visit_answers.choose, KEY, first[1].start_at, "owner", NOW)
    moved = database.write_now(visit_answers.choose, KEY, second[0].start_at, "owner", NOW)
    assert (moved.state, moved.start_at, moved.sequence) == ("booked", second[0].start_at, 2)
    assert "visit_moved" in {told[1] for told in database.read_now(letters)}
    assert database.read_now(taken) == 4


def test_a_time_of_the_owners_own(database):
    """What they ask for is booked when somebody has it, and nothing changes when nobody has."""
    database.write_now(begin)
    ask = visit_answers.ask_for, KEY
    for text in ("2026-03-28 09:00", "2026-03-24 11:00", "2026-03-23 16:00", "2026-03-26 16:30"):
        assert not database.write_now(*ask, at(text), "owner", NOW)
    assert database.write_now(*ask, at("2026-03-26 10:15"), "owner", NOW)
    assert database.write_now(visits.expect, KEY).start_at == at("2026-03-26 10:15")


def test_the_owner_declines(database):
    """Nobody comes, the part goes back, the action is over; nothing can be chosen any more."""
    of = database.write_now(begin)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    database.write_now(visit_answers.decline, KEY, "owner", NOW + 5)
    assert database.write_now(visits.expect, KEY).state == "declined"
    assert database.write_now(state_of) == ("open", CANCELLED)
    row = database.write_now(care.expect_action, KEY)
    assert row.detail["declined"] is True
    told = database.read_now(letters)
    owners = entries([one for one in told if one[0].startswith("owner")])
    assert owners[-1] == ("CANCEL", of.uid, 2, of.start_at, "CANCELLED")
    assert [e[0] for e in entries([o for o in told if o[0].startswith("tech")])] == [
        "REQUEST",
        "CANCEL",
    ]
    assert database.read_now(taken) == 0
    assert database.read_now(lambda c: c.execute(select(stock.c.reserved)).scalar()) == 0
    for call in (visit_answers.confirm, visit_answers.decline, visit_answers.ask_others):
        with pytest.raises(ConflictError, match="declined"):
            database.write_now(call, KEY, "owner", NOW + 9)


def test_a_calendar_of_their_own_gets_the_invitation(database):
    """It goes to the `calendar` address of the books and nothing else does; the sheet goes to the
    technician; so it is with the end of a visit.
    """
    database.write_now(
        lambda c: c.execute(update(technician).values(calendar="plan@calendar.example"))
    )
    database.write_now(begin)
    of = database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    database.write_now(visit_answers.decline, KEY, "owner", NOW + 5)
    told = database.read_now(letters)
    files = {
        (to, template): [(one["name"], one["method"]) for one in attachments]
        for to, template, _, attachments in told
        if not to.startswith("owner")
    }
    calendar, own = f"calendar:{of.technician}", f"technician:{of.technician}"
    assert files == {
        (calendar, "visit_job"): [("visit.ics", "REQUEST")],
        (own, "visit_job"): [("job.txt", None)],
        (calendar, "visit_job_cancelled"): [("cancelled.ics", "CANCEL")],
        (own, "visit_job_cancelled"): [],
    }
    found = database.read_now(contacts.maybe_find, calendar)
    assert found.mail == "plan@calendar.example"


def test_an_action_that_ends_calls_the_visit_off(database):
    """The device healed, or an operator cancelled: calendars are told, once."""
    database.write_now(begin)
    database.write_now(care.conclude, KEY, CANCELLED, "token:ops", NOW + 5)
    assert database.write_now(visits.expect, KEY).state == "cancelled"
    assert [e[0] for e in entries(database.read_now(letters))] == ["REQUEST", "CANCEL"]
    assert database.read_now(taken) == 0


def test_a_late_part_moves_the_visit(database):
    """The calendar entry moves with it, and the owner reads why; an earlier part moves nothing."""
    of = database.write_now(begin)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    same = database.write_now(visit_answers.delay, KEY, of.start_at, "token:ops", NOW)
    assert (same.state, same.start_at) == ("booked", of.start_at)
    late = at("2026-04-01 12:00")
    moved = database.write_now(visit_answers.delay, KEY, late, "token:ops", NOW + 5)
    assert moved.state == "proposed"
    assert moved.start_at >= late
    told = database.read_now(letters)
    last = [one for one in told if one[1] == "visit_moved"][-1]
    assert last[2]["why"] == "part_late"
    ((method, uid, sequence, start, status),) = entries([last])
    assert (method, uid, start) == ("REQUEST", of.uid, moved.start_at)
    assert (sequence, status) == (2, "TENTATIVE")
    assert ("visit_job_cancelled", 2) in [
        (one[1], entries([one])[0][2]) for one in told if one[0].startswith("tech")
    ]


def test_a_part_that_must_be_ordered_is_waited_for(tmp_path, database):
    """Nothing is proposed before it can be there, and the desk is told to order it."""
    database.write_now(lambda c: c.execute(update(stock).values(pieces=0)))
    of = database.write_now(begin)
    assert of.start_at >= of.parts_at > NOW + 6 * 24 * HOUR_MS
    told = [one for one in database.read_now(letters) if one[0] == "desk"]
    assert [(one[1], one[2]["parts"][0]["part"]) for one in told] == [("visit_parts", "PUMP-1")]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda c: c.execute(update(owner).values(postcode="")), "postcode"),
        (lambda c: c.execute(update(technician).values(skills=["drum"])), "these skills: pump"),
        (lambda c: c.execute(update(technician).values(area=["AT-1"])), "no technician drives"),
        (lambda c: c.execute(update(stock).values(pieces=0)), ""),
    ],
)
def test_a_visit_that_cannot_be_says_why(database, spoil, why):
    """And nothing of it stays: no time, no part, no letter."""
    database.write_now(spoil)
    if not why:
        assert database.write_now(begin).parts[0]["reservation"] is None
        return
    with pytest.raises(StartError, match=why):
        database.write_now(begin)
    assert (database.read_now(taken), database.read_now(letters)) == (0, [])


def test_a_technician_who_is_away_leaves_nobody_waiting(database):
    """Ill from tomorrow on: the visits go to others or to later times, and owners are told."""
    of = database.write_now(begin)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    who = database.write_now(visits.expect, KEY).technician
    span = "2026-03-24 00:00", "2026-04-24 00:00"
    database.write_now(go_away, who, *span)
    count = database.write_now(
        visit_answers.clear_technician, who, at(span[0]), at(span[1]), "token:ops", NOW + 5
    )
    assert count == 1
    moved = database.write_now(visits.expect, KEY)
    assert moved.technician != who
    assert moved.state == "proposed"
    last = [one for one in database.read_now(letters) if one[1] == "visit_moved"][-1]
    assert last[2]["why"] == "technician_away"
    assert entries([last])[0][1:3] == (of.uid, moved.sequence)


def test_when_nobody_is_left_the_visit_is_off(database):
    """The last technician is deleted: the action has failed, and the owner is told."""
    database.write_now(begin)
    who = database.write_now(visits.expect, KEY).technician
    database.write_now(lambda c: c.execute(delete(technician)))
    clear = visit_answers.clear_technician, who, NOW, NOW + 90 * 24 * HOUR_MS
    database.write_now(*clear, "rule", NOW + 5)
    assert database.write_now(visits.expect, KEY).state == "cancelled"
    assert database.write_now(state_of)[1] == FAILED
    assert entries(database.read_now(letters))[-1][0] == "CANCEL"


def test_the_technician_closes_the_visit(database):
    """The cause is learnt, old and new prior are in the history, the part has left the stock, and
    the ticket is closed.
    """
    database.write_now(begin)
    of = database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    closing = Closing(True, "dead", {"PUMP-1": 1}, 35, "swapped")
    who = f"technician:{of.technician}"
    done_at = of.end_at
    database.write_now(visit_answers.close, KEY, closing, who, find_fault, done_at)
    assert database.write_now(state_of) == ("closed", HELPED)
    row = database.read_now(lambda c: c.execute(select(stock.c.pieces, stock.c.reserved)).one())
    assert tuple(row) == (0, 0)
    weights = database.read_now(lambda c: c.execute(select(prior.c.cause, prior.c.weight)).all())
    assert [(row.cause, row.weight > 0) for row in weights] == [("dead", True)]
    kept = database.write_now(visits.expect, KEY)
    assert (kept.was_home, kept.closing["minutes"]) == (True, 35)
    assert database.read_now(taken) == 0
    with pytest.raises(ConflictError, match="closed"):
        database.write_now(visit_answers.close, KEY, closing, who, find_fault, done_at)


def test_nobody_home_is_no_failed_repair(database):
    """The action is cancelled, so that a visit can be decided again; P(home) was wrong."""
    database.write_now(begin)
    of = database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    closing = Closing(False, nobody_home=True)
    database.write_now(visit_answers.close, KEY, closing, "technician:mia", find_fault, of.end_at)
    assert database.write_now(state_of) == ("open", CANCELLED)
    assert database.write_now(visits.expect, KEY).was_home is False
    assert database.read_now(lambda c: c.execute(select(prior)).all()) == []


@pytest.mark.parametrize(
    ("closing", "why"),
    [
        (Closing(True), "say what was wrong"),
        (Closing(True, "moths"), "want one of"),
        (Closing(False, parts={"X": 1}), "no part of this product"),
        (Closing(False, parts={"PUMP-1": 0}), "0 pieces"),
        (Closing(False, minutes=-1), "minutes = -1"),
        (Closing(False, text="x" * 2001), "2001 characters"),
        (Closing(False, "dead", nobody_home=True), "nobody was home"),
    ],
)
def test_a_closing_that_cannot_be_is_refused(database, closing, why):
    """With the field, the value and what is wanted; the visit stays open."""
    database.write_now(begin)
    database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    with pytest.raises(ValueError, match=why):
        database.write_now(visit_answers.close, KEY, closing, "technician:mia", find_fault, NOW)
    assert database.write_now(visits.expect, KEY).state == "booked"


def test_nobody_answers(database):
    """A reminder with times that are still free, then the action has failed."""

    def look(connection, now_at):
        row = care.expect_action(connection, KEY)
        due = acting.DUES["visit"](connection, row, case_of(connection), now_at)
        care.save_actions(connection, (), [row])
        return due

    of = database.write_now(begin)
    later = of.start_at - 12 * HOUR_MS
    assert database.write_now(care.expect_action, KEY).due_at == later
    last = NOW + 6 * 24 * HOUR_MS
    assert later < database.write_now(look, later) <= last
    reminded = database.write_now(visits.expect, KEY)
    assert reminded.start_at > later
    assert (reminded.round, reminded.sequence) == (1, 1)
    assert [e[1:3] for e in entries(database.read_now(letters))] == [(of.uid, 0), (of.uid, 1)]
    assert database.write_now(look, last) is None
    database.write_now(visit_answers.confirm, KEY, "owner", later)
    end_at = reminded.end_at
    assert database.write_now(look, end_at) == end_at + 24 * HOUR_MS
    database.write_now(look, end_at + 25 * HOUR_MS)
    assert database.read_now(letters)[-1][:2] == ("desk", "visit_unsaid")


def test_there_is_no_visit_where_there_is_none(database):
    """A key that names nothing."""
    with pytest.raises(NotFoundError, match="no ticket"):
        database.write_now(visit_answers.confirm, ("f" * 16, 1, 0), "owner", NOW)
    with pytest.raises(NotFoundError, match="no visit"):
        database.write_now(visit_answers.confirm, KEY, "owner", NOW)
    assert database.read_now(visits.find_key, "unknown") is None
    assert database.read_now(lambda c: c.execute(select(action)).all()) == []
