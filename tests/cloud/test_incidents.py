"""One problem of many devices: noticed, held, decided upon once, followed by its tickets."""

from collections import Counter

import pytest
from sqlalchemy import update

from phonehome_cloud.core.deciding.incidents import DAY_MS, HOUR_MS
from phonehome_cloud.core.tickets import CLOSED, IN_PROGRESS, OPEN, RESOLVED
from phonehome_cloud.errors import NotFoundError, TransitionError
from phonehome_cloud.store import care, care_tables, incidents, schema, tallies
from tests.cloud.household import CLOGGED, TORN, Household
from tests.fakes.appliance import hello

pytestmark = pytest.mark.usefixtures("each_database")

LEAK = 520194
MANY = 8
BUILD = "3f9ac21b"


@pytest.fixture
def home(tmp_path):
    """A receiver that has looked after pumps for four weeks."""
    made = Household(tmp_path)
    yield made
    made.close()


async def four_weeks(home):
    """Since when the receiver has counted."""
    await home.do(tallies.watch, home.clock())
    home.clock.advance(30 * DAY_MS)


async def many(home, count=MANY, first=1, **what):
    """So many pumps with the same fault, one after the other, all considered together."""
    for number in range(first, first + count):
        await home.says(await home.pump(number), digest=False, **what)
    await home.digest_all()
    await home.care()


async def the_incident(home):
    """The only incident."""
    (row,) = await home.rows(care_tables.incident)
    return row


async def test_many_tickets_make_one_incident(home):
    """Eight the same within an hour, where there was none in four weeks: one, and one letter."""
    await four_weeks(home)
    await many(home, turns=TORN)
    row = await the_incident(home)
    assert (row.trait, row.value, row.state) == ("build", BUILD, "suspected")
    assert (row.seen, row.product) == (MANY, "pumper")
    desk = [each.template for each in await home.letters() if each.recipient == "desk"]
    assert desk == ["incident_opened"]
    assert {cared.incident for cared in await home.cares()} == {row.id}


async def test_vans_and_parts_are_held(home):
    """No part leaves for any ticket of an incident, although each alone is a clear failure."""
    await four_weeks(home)
    await home.stock("SIEVE-1", pieces=100)
    await many(home, turns=TORN)
    assert await home.actions() == []
    lanes = Counter(row.lane for row in await home.rows(care_tables.diagnosis))
    assert lanes == {"incident": MANY}
    states = {ticket.state for ticket in await home.rows(schema.ticket)}
    assert states == {OPEN}


async def test_one_after_the_other_they_are_held_too(home):
    """The first few are acted upon before anybody can know; what waits for consent is held."""
    await four_weeks(home)
    await home.stock("SIEVE-1", pieces=100)
    for number in range(1, 9):
        await home.says(await home.pump(number, consents=()), turns=TORN)
        await home.care()
    row = await the_incident(home)
    assert row.seen == 5
    states = Counter(action.state for action in await home.actions())
    assert states == {"cancelled": 4}
    assert {cared.incident for cared in await home.cares()} == {row.id}


async def test_a_few_are_none(home):
    """Four of the same are four tickets."""
    await four_weeks(home)
    await many(home, 4, turns=CLOGGED)
    assert await home.rows(care_tables.incident) == []
    assert len(await home.actions()) == 4


async def test_what_is_usual_is_none(home):
    """The same is nothing where two dozen an hour are usual."""
    await home.do(tallies.watch, home.clock())
    for _ in range(29):
        counts = {("pumper", 520192, 7, "product", "pumper"): 24 * 24}
        await home.do(tallies.add, counts, home.clock())
        home.clock.advance(DAY_MS)
    home.clock.advance(2 * HOUR_MS)
    await many(home, turns=CLOGGED)
    assert await home.rows(care_tables.incident) == []


async def test_a_person_may_send_a_part_all_the_same(home):
    """What an operator chooses for one ticket of an incident is begun; the others stay held."""
    await four_weeks(home)
    await home.stock("SIEVE-1", pieces=100)
    await many(home, turns=TORN)
    ticket = (await home.rows(schema.ticket))[0]
    wish = ticket.device, ticket.number, "part", "send_sieve", "token:ada", home.clock(), "try"
    await home.do(care.start, *wish)
    await home.care()
    (action,) = await home.actions()
    assert (action.state, action.who) == ("running", "token:ada")
    lanes = {row.lane for row in await home.rows(care_tables.diagnosis)}
    assert lanes == {"incident"}


async def test_another_fault_is_not_held(home):
    """A ticket of another fault of the same build goes its own way."""
    await four_weeks(home)
    await many(home, turns=TORN)
    await home.says(await home.pump(99), spn=520197, turns=None)
    await home.care()
    (action,) = await home.actions()
    assert action.device.endswith("63")


async def test_safety_is_never_held(home):
    """A leak is a person's at once, also the last of its incident."""
    await four_weeks(home)
    await many(home, spn=LEAK, fmi=31)
    await the_incident(home)
    kinds = Counter((row.kind, row.state) for row in await home.actions())
    assert kinds == {("person", "running"): MANY}


async def decide(home, state, text="seen"):
    """A person decides about the only incident."""
    row = await the_incident(home)
    await home.do(incidents.change, row.id, state, "token:ada", home.clock(), text)
    await home.care()
    return await the_incident(home)


async def test_dismissed_goes_its_own_ways(home):
    """It was none: each ticket is decided upon as if nothing had been, and it stays dismissed."""
    await four_weeks(home)
    await home.stock("SIEVE-1", pieces=100)
    await many(home, turns=TORN)
    row = await decide(home, "dismissed")
    assert (row.state, row.ended_at, row.followed) == ("dismissed", home.clock(), None)
    assert Counter(action.kind for action in await home.actions()) == {"part": MANY}
    assert {cared.incident for cared in await home.cares()} == {None}
    told = [effect for effect in await home.letters() if effect.template == "ticket_opened"]
    assert Counter(effect.state for effect in told) == {"waiting": MANY}
    await many(home, 3, first=50, turns=TORN)
    assert len(await home.rows(care_tables.incident)) == 1
    assert len(await home.actions()) == MANY + 3


async def test_confirmed_is_in_progress(home):
    """It is one: its tickets are in progress, still held, and say by which rule."""
    await four_weeks(home)
    await many(home, turns=TORN)
    row = await decide(home, "confirmed")
    assert (row.state, row.ended_at) == ("confirmed", None)
    assert {ticket.state for ticket in await home.rows(schema.ticket)} == {IN_PROGRESS}
    assert await home.actions() == []
    assert {entry.rule for entry in await home.history("state")} == {"incident"}


async def test_resolved_resolves_its_tickets(home):
    """A new build is out: every ticket resolves with it; one that was closed stays closed."""
    await four_weeks(home)
    await many(home, turns=TORN)
    await decide(home, "confirmed")
    await home.do(
        lambda c: c.execute(
            update(schema.ticket)
            .where(schema.ticket.c.device.like("%01"))
            .values(state=CLOSED, ended_at=1)
        )
    )
    await decide(home, "resolved")
    states = Counter(ticket.state for ticket in await home.rows(schema.ticket))
    assert states == {RESOLVED: MANY - 1, CLOSED: 1}
    rows = await home.rows(care_tables.incident_event)
    assert [row.to_state for row in rows] == ["suspected", "confirmed", "resolved"]


async def test_what_cannot_follow_is_refused(home):
    """A dismissed incident stays dismissed, and one that is none is not found."""
    await four_weeks(home)
    await many(home, turns=TORN)
    row = await decide(home, "dismissed")
    with pytest.raises(TransitionError):
        await home.do(incidents.change, row.id, "confirmed", "token:ada", home.clock(), "no")
    with pytest.raises(NotFoundError):
        await home.do(incidents.change, "0" * 16, "confirmed", "token:ada", home.clock(), "no")


async def test_devices_that_restart_are_an_incident(home):
    """Eight devices that start within an hour; one that starts over and over is still one."""
    await four_weeks(home)
    await says_hello(home, 1, boots=range(1, 60))
    await home.care()
    assert await home.do(incidents.look_at_boots, home.clock()) == []
    for number in range(2, MANY + 2):
        await says_hello(home, number)
    await home.digest_all()
    (name,) = await home.do(incidents.look_at_boots, home.clock())
    row = await the_incident(home)
    assert (row.id, row.spn, row.seen) == (name, -1, MANY + 1)
    assert await home.do(incidents.look_at_boots, home.clock()) == []


async def test_faults_of_devices_that_restart_are_the_same_incident(home):
    """Everything restarts and complains: one incident holds both."""
    await four_weeks(home)
    for number in range(1, MANY + 1):
        await says_hello(home, number)
    await home.do(incidents.look_at_boots, home.clock())
    await many(home, first=101, turns=TORN)
    row = await the_incident(home)
    assert {cared.incident for cared in await home.cares()} == {row.id}
    assert await home.actions() == []


async def test_old_counts_are_forgotten_and_the_watch_is_not(home):
    """What no window and no history needs goes; since when is watched stays."""
    await four_weeks(home)
    await many(home, 3, turns=TORN)
    since = await home.do(tallies.watch, home.clock())
    home.clock.advance(40 * DAY_MS)
    await home.do(tallies.forget_old, home.clock())
    (row,) = await home.rows(care_tables.tally)
    assert (row.trait, row.from_at) == ("watch", since)


async def says_hello(home, number, boots=(1,)):
    """A pump starts and says so."""
    pump = await home.pump(number)
    for boot in boots:
        report = pump.message([hello(0, boot=boot)], now_ms=60_000, boot=boot)
        assert (await home.accept(report)).status == 200
        home.clock.advance(1000)
    await home.digest_all()
