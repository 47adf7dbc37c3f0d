"""Tickets looked after, in the real database: due, considered, acted upon, concluded."""

import pytest
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.tickets import CLOSED, IN_PROGRESS, OPEN, RESOLVED
from phonehome_cloud.errors import ConflictError, NotFoundError, TransitionError
from phonehome_cloud.store import acting, care, care_tables, looking, tickets
from phonehome_wire.registry import KIND_HEALED
from tests.cloud.household import CLOGGED, DAY, TORN, Household

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def home(tmp_path):
    """A receiver with an empty database that looks after pumps."""
    made = Household(tmp_path)
    yield made
    made.close()


async def the_action(home, n=-1):
    """The newest action."""
    return (await home.actions())[n]


async def test_clear_failure_lane(home):
    """A clear failure: a minute after the report the part is on its way, and nobody was asked."""
    await home.stock("SIEVE-1")
    pump = await home.pump()
    await home.says(pump, turns=TORN)
    await home.care()
    row = await the_action(home)
    assert (row.kind, row.action_id, row.state) == ("part", "send_sieve", "running")
    assert (await home.ticket()).state == IN_PROGRESS
    diagnosis = (await home.rows(care_tables.diagnosis))[0]
    assert (diagnosis.lane, diagnosis.causes[0]["cause"]) == ("clear", "torn")
    assert row.costs == diagnosis.options[0]["parts_of_cost"]


async def test_unclear_lane(home):
    """Nothing that tells the causes apart: a person has it, the ticket stays open."""
    await home.says(await home.pump())
    await home.care()
    row = await the_action(home)
    assert (row.kind, row.state) == ("person", "running")
    assert (await home.ticket()).state == OPEN
    diagnosis = (await home.rows(care_tables.diagnosis))[0]
    assert (diagnosis.lane, diagnosis.is_sure) == ("unclear", False)
    assert len(diagnosis.options) == 5


async def test_self_healing_lane(home):
    """Steps by mail; the device's own word that it drains again ends action and ticket."""
    pump = await home.pump()
    await home.says(pump, turns=CLOGGED)
    await home.care()
    assert (await the_action(home)).action_id == "clean_filter"
    home.clock.advance(600_000)
    await home.says(pump, kind=KIND_HEALED)
    await home.care()
    assert (await the_action(home)).state == "running"
    home.clock.advance(120_000)
    await home.digest.resolve()
    await home.care()
    row, ticket = await the_action(home), await home.ticket()
    assert (ticket.state, row.state, row.ended_at) == (RESOLVED, "helped", home.clock())
    (cared,) = await home.cares()
    assert (cared.due_at, cared.running) == (None, None)


async def test_nothing_new_writes_nothing(home):
    """Considered ten times more, every table is as it was; only the look itself is counted."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    tables = (care_tables.diagnosis, care_tables.action, care_tables.tally)
    before = [await home.rows(table) for table in tables], await home.history()
    letters = await home.letters()
    for _ in range(10):
        home.clock.advance(1000)
        ticket = await home.ticket()
        await home.do(looking.look, ticket.device, ticket.number, home.clock())
        await home.care()
    assert ([await home.rows(table) for table in tables], await home.history()) == before
    assert await home.letters() == letters


async def test_consent_is_waited_for(home):
    """A part waits for its owner's word, and starts when they agree."""
    await home.stock("SIEVE-1")
    await home.says(await home.pump(consents=()), turns=TORN)
    await home.care()
    row = await the_action(home)
    assert (row.kind, row.state) == ("part", "waiting_consent")
    assert (await home.ticket()).state == OPEN
    await home.do(care.agree, ActionKey(row.device, row.ticket, row.n), "owner", home.clock())
    await home.care()
    assert (await the_action(home)).state == "running"
    assert (await home.ticket()).state == IN_PROGRESS


async def test_what_is_declined_is_not_proposed_again(home):
    """The owner wants no part: a visit or a person comes next, never the part."""
    await home.technician()
    await home.stock("SIEVE-1")
    await home.says(await home.pump(consents=("visit",)), turns=TORN)
    await home.care()
    row = await the_action(home)
    await home.do(
        care.decline, ActionKey(row.device, row.ticket, row.n), "owner", home.clock(), "no"
    )
    await home.care()
    first, *others = await home.actions()
    assert (first.state, first.detail["declined"]) == ("cancelled", True)
    assert others[-1].state == "running"
    assert "part" not in {other.kind for other in others}


async def test_what_failed_is_followed_by_the_next_best(home):
    """The steps did not help: the posterior moves, and something else is done."""
    await home.technician()
    await home.stock("PUMP-1", "SIEVE-1")
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    await home.do(
        care.conclude, ActionKey(row.device, row.ticket, row.n), "failed", "owner", home.clock()
    )
    await home.care()
    first, second = await home.actions()
    assert (first.state, second.action_id) == ("failed", "swap_pump")
    newest = (await home.rows(care_tables.diagnosis))[-1]
    assert "Tried: clean_filter, failed." in newest.why


async def test_what_helped_resolves_the_ticket(home):
    """The owner says that it helped: the ticket resolves by that rule, and says so."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    await home.do(
        care.conclude, ActionKey(row.device, row.ticket, row.n), "helped", "owner", home.clock()
    )
    await home.care()
    assert (await home.ticket()).state == RESOLVED
    last = (await home.history("state"))[-1]
    assert (last.rule, last.evidence["action"]) == ("action helped", "clean_filter")


async def test_what_a_person_opens_again_stays_open(home):
    """Somebody knows that it has not helped: the action has failed, and the next one is tried."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    key = ActionKey(row.device, row.ticket, row.n)
    await home.do(care.conclude, key, "helped", "owner", home.clock())
    await home.care()
    home.clock.advance(DAY)
    await home.do(
        care.change_state, row.device, row.ticket, OPEN, "token:anna", home.clock(), "still wet"
    )
    await home.care()
    assert (await home.ticket()).state in {OPEN, IN_PROGRESS}
    first, *others = await home.actions()
    assert (first.state, others[-1].state) == ("failed", "running")
    assert "token:anna" in {entry.who for entry in await home.history("action")}


async def test_a_relapse_is_decided_anew(home):
    """It helped and comes back: the ticket reopens and is looked after again."""
    pump = await home.pump()
    await home.says(pump, turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    await home.do(
        care.conclude, ActionKey(row.device, row.ticket, row.n), "helped", "owner", home.clock()
    )
    await home.care()
    home.clock.advance(DAY)
    await home.says(pump, kind=KIND_HEALED)
    home.clock.advance(DAY)
    await home.says(pump)
    await home.care()
    assert (await home.ticket()).reopened == 1
    assert [action.state for action in await home.actions()] == ["helped", "running"]


async def test_time_ends_an_action(home):
    """Steps that nobody answers have failed when their time is over, and a person is next."""
    await home.says(await home.pump(consents=()), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    assert row.due_at is not None
    for _ in range(30):
        home.clock.advance(DAY)
        await home.care()
    states = {action.n: action.state for action in await home.actions()}
    assert states[row.n] == "failed"


async def test_an_operator_chooses(home):
    """A person's choice starts like the system's own, with everything that is known."""
    await home.stock("SIEVE-1")
    await home.says(await home.pump())
    await home.care()
    row = await the_action(home)
    args = row.device, row.ticket
    with pytest.raises(ConflictError, match="under way"):
        await home.do(care.start, *args, "part", "send_sieve", "token:ada", home.clock(), "sure")
    await home.do(care.cancel, ActionKey(*args, row.n), "token:ada", home.clock(), "mine")
    await home.do(care.start, *args, "part", "send_sieve", "token:ada", home.clock(), "sure")
    await home.care()
    chosen = await the_action(home)
    assert (chosen.action_id, chosen.state, chosen.who) == ("send_sieve", "running", "token:ada")


async def test_a_ticket_that_ends_ends_its_action(home):
    """Closed by a person: what was waited for is cancelled, and nothing is begun any more."""
    await home.stock("SIEVE-1")
    await home.says(await home.pump(consents=()), turns=TORN)
    await home.care()
    ticket = await home.ticket()
    key = ticket.device, ticket.number
    await home.do(tickets.change_state, *key, CLOSED, "token:ada", home.clock(), "sold")
    await home.do(looking.look, *key, home.clock())
    await home.care()
    assert [row.state for row in await home.actions()] == ["cancelled"]


async def test_one_bad_ticket_is_set_aside_with_its_reason(home, monkeypatch):
    """A ticket that cannot be considered says why, waits for the next look, and stops nobody."""
    for number in (1, 2, 3):
        await home.says(await home.pump(number), turns=CLOGGED)
    bad = f"{0xA4CF12FFFE000002:016x}"
    start = acting.STARTS["self_help"]

    def spoilt(connection, row, case, now_at):
        if row.device == bad:
            raise ValueError("the article is empty")
        start(connection, row, case, now_at)

    monkeypatch.setattr(acting, "STARTS", {**acting.STARTS, "self_help": spoilt})
    await home.care()
    cares = {row.device: row for row in await home.cares()}
    assert len(await home.actions()) == 2
    assert cares[bad].failure == "ValueError: the article is empty"
    assert cares[bad].due_at is None
    assert sum(done.failed for done in home.cared.batches) == 1
    monkeypatch.undo()
    await home.do(looking.look, bad, 1, home.clock())
    await home.care()
    assert len(await home.actions()) == 3


async def test_what_cannot_be_started_is_followed_by_something_else(home):
    """The only sieve is gone between decision and start: another way is found at once."""
    await home.stock("SIEVE-1", pieces=0)
    await home.says(await home.pump(), turns=TORN)
    await home.care()
    assert (await the_action(home)).state in ("running", "waiting_consent")
    assert (await home.cares())[0].failure is None


async def test_never_two_actions_under_way(home):
    """Not a check but a constraint: the database refuses the second one."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    columns = {**row._mapping, "n": 7}
    with pytest.raises(IntegrityError):
        await home.do(lambda c: c.execute(care_tables.action.insert().values(**columns)))


async def test_an_action_that_ended_stays_ended(home):
    """A second answer, or one about an action that is none, is refused and changes nothing."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    row = await the_action(home)
    args = row.device, row.ticket
    await home.do(care.conclude, ActionKey(*args, row.n), "failed", "owner", home.clock())
    with pytest.raises(TransitionError):
        await home.do(care.conclude, ActionKey(*args, row.n), "helped", "owner", home.clock())
    with pytest.raises(NotFoundError):
        await home.do(care.conclude, ActionKey(*args, 99), "helped", "owner", home.clock())
    with pytest.raises(ConflictError):
        await home.do(care.decline, ActionKey(*args, row.n), "owner", home.clock())


async def test_who_looks_meanwhile_is_not_forgotten(home):
    """A look during a consideration leaves the ticket due, whichever time it named."""
    await home.says(await home.pump(), turns=CLOGGED)
    ticket = await home.ticket()
    at = home.clock()
    await home.do(looking.look, ticket.device, ticket.number, at + 5 * DAY)
    (cared,) = await home.cares()
    assert (cared.due_at, cared.asked) == (at, 2)
    await home.care()
    await home.do(looking.look, ticket.device, ticket.number, at + DAY)
    (cared,) = await home.cares()
    assert cared.due_at <= at + DAY
