"""What an action taught that had not helped after all is taken back: exactly, once, and told."""

import asyncio
import signal
from math import fsum

import pytest
from sqlalchemy import select

from phonehome_cloud.core.caring import HELPED
from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.considering import Knowledge
from phonehome_cloud.core.diagnosing.likelihoods import Taught
from phonehome_cloud.core.diagnosing.outcomes import (
    BY_OWNER,
    CAME_BACK,
    HELD_MS,
    OTHER_CAUSE,
    REFUTED,
    technician_found,
    why_taken_back,
)
from phonehome_cloud.core.replaying import consider, read_record
from phonehome_cloud.core.tickets import OPEN
from phonehome_cloud.store import care, looking, priors, tickets
from phonehome_cloud.store.care_tables import diagnosis
from phonehome_cloud.store.facts import _load_repairs
from phonehome_cloud.store.prior_tables import likelihood, outcome, prior
from phonehome_wire.registry import KIND_HEALED
from tests.cloud.cutting import MOST, cut_at_each
from tests.cloud.household import CLOGGED, DAY, Household
from tests.cloud.remedies import PRODUCT
from tests.cloud.test_care_killed import busy, exhaust, killed_at
from tests.fakes.bases import empty_shared, use_base

FAULT = PRODUCT.faults[0]
KEY = (PRODUCT.name, FAULT.id, FAULT.fmi)
both = pytest.mark.usefixtures("each_database")


@pytest.fixture
def home(tmp_path):
    """A receiver with an empty database that looks after pumps."""
    made = Household(tmp_path)
    yield made
    made.close()


async def taught(home):
    """What was learnt about the fault, without what is nothing."""
    found = (await home.database.read(priors.load_taught, [KEY])).get(KEY, Taught())
    evidence = {c: {e: w for e, w in of.items() if any(w)} for c, of in found.evidence.items()}
    causes = {cause: weight for cause, weight in found.causes.items() if weight}
    return causes, {cause: of for cause, of in evidence.items() if of}


async def hows(home):
    """How each outcome came about, by its key."""
    return {row.key: row.how for row in await home.rows(outcome)}


async def said_to_help(home, number=1):
    """A clogged pump whose owner says that the steps helped; their ticket is resolved."""
    await home.says(await home.pump(number), turns=CLOGGED)
    await home.care()
    (row,) = [one for one in await home.actions() if one.device == (await newest(home)).device]
    await home.do(care.conclude, (row.device, row.ticket, row.n), HELPED, "owner", home.clock())
    await home.care()
    assert (await newest(home)).state == "resolved"
    return row


async def newest(home):
    """The ticket that was opened last."""
    return max(await home.rows(tickets.ticket), key=lambda row: (row.opened_at, row.device))


async def comes_back(home, number=1):
    """The pump is healed for a moment, and then it is not."""
    pump = await home.known(number)
    await home.says(pump, kind=KIND_HEALED)
    home.clock.advance(60_000)
    await home.says(pump, turns=CLOGGED)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, None),
        ({"confirmed_at": 1_000}, None),
        ({"confirmed_at": 1_001}, CAME_BACK),
        ({"confirmed_at": 1_000 + HELD_MS}, CAME_BACK),
        ({"confirmed_at": 1_001 + HELD_MS}, None),
        ({"has_failed": True, "confirmed_at": 1_001}, REFUTED),
        ({"found": ["clogged"]}, OTHER_CAUSE),
        ({"shares": {"clogged": 0.5}, "found": ["clogged"]}, None),
        ({"shares": {"clogged": 0.5}, "found": ["clogged", "dead"]}, OTHER_CAUSE),
    ],
)
def test_when_help_does_not_stand(given, why):
    """The three reasons, and the edges of the window."""
    facts = {"shares": {"clogged": 0.4, "torn": 0.1}, "has_failed": False, "found": []}
    facts |= {"confirmed_at": 0} | given
    assert why_taken_back(1_000, facts.pop("shares"), **facts) == why


@both
async def test_a_fault_that_comes_back_takes_back(home):
    """At the next word of the device, not after 90 days: the priors are those of before, in the
    history with old and new, and what is looked at again changes nothing.
    """
    await said_to_help(home)
    assert (await taught(home))[0] == {"clogged": 0.5}
    home.clock.advance(3 * DAY)
    await comes_back(home)
    await home.care()
    assert await taught(home) == ({}, {})
    learnt, back = await home.history("learnt")
    assert back.rule == "back within 90 days"
    assert back.evidence["clogged"] == {
        "old": learnt.evidence["clogged"]["new"],
        "new": learnt.evidence["clogged"]["old"],
    }
    ticket = await newest(home)
    for _ in range(3):
        await home.do(looking.look, ticket.device, ticket.number, home.clock())
        await home.care()
    assert await hows(home) == {"action/0": "owner", "action/0/taken_back": "came_back"}
    home.clock.advance(HELD_MS)
    home.caring._settled_s = float("-inf")
    await home.care()
    assert await taught(home) == ({}, {})


@both
async def test_a_new_ticket_takes_back_what_an_old_one_taught(home):
    """Closed by a person, and back under another number within the window: the history of the old
    ticket tells it.
    """
    row = await said_to_help(home)
    await home.do(care.change_state, row.device, row.ticket, "closed", "desk", home.clock())
    home.clock.advance(40 * DAY)
    await comes_back(home)
    await home.care()
    assert (await newest(home)).number != row.ticket
    assert await taught(home) == ({}, {})
    assert [(e.ticket, e.rule) for e in await home.history("learnt")] == [
        (row.ticket, "action helped"),
        (row.ticket, "back within 90 days"),
    ]
    assert (await home.database.read(_load_repairs, {row.device}))[row.device]  # it had been gone


@both
async def test_after_the_window_it_stands(home):
    """What held for 90 days was learnt in full, and a fault that comes then is another matter."""
    row = await said_to_help(home)
    await home.do(care.change_state, row.device, row.ticket, "closed", "desk", home.clock())
    home.clock.advance(HELD_MS + DAY)
    home.caring._settled_s = float("-inf")
    await home.care()
    await comes_back(home)
    await home.care()
    assert (await taught(home))[0] == {"clogged": 1.0}


@both
async def test_a_person_opens_it_again(home):
    """Who says that it had not helped takes back both halves, and the repair that was none."""
    row = await said_to_help(home)
    assert await home.database.read(_load_repairs, {row.device})
    home.clock.advance(HELD_MS)
    home.caring._settled_s = float("-inf")
    await home.care()
    assert (await taught(home))[0] == {"clogged": 1.0}
    await home.do(care.change_state, row.device, row.ticket, OPEN, "desk", home.clock())
    await home.care()
    assert await taught(home) == ({}, {})
    assert await hows(home) == {
        "action/0": "owner",
        "action/0/held": "held",
        "action/0/taken_back": "refuted",
        "action/0/held/taken_back": "refuted",
    }
    assert await home.database.read(_load_repairs, {row.device}) == {}


@both
async def test_a_technician_finds_another_cause(home):
    """What help had guessed gives way to what was seen; the same cause leaves it."""
    row = await said_to_help(home)

    def close(connection, cause, key):
        place = row.device, row.ticket, key
        said = technician_found(place, PRODUCT.name, FAULT, cause, "t1", home.clock(), {})
        priors.teach(connection, said)
        looking.look(connection, row.device, row.ticket, home.clock())

    await home.do(close, "clogged", "visit/1")
    await home.care()
    assert (await taught(home))[0] == {"clogged": 1.5}
    await home.do(close, "dead", "visit/2")
    await home.care()
    assert (await taught(home))[0] == {"clogged": 1.0, "dead": 1.0}
    assert (await home.history("learnt"))[-1].rule == "another cause was found"


@both
async def test_the_past_can_be_replayed(home):
    """The sums of the outcomes are the counts, to the last bit; and every diagnosis, those before
    and after included, comes out again from its own record, under what was taught by then.
    """
    for number in range(1, 4):
        await said_to_help(home, number)
        home.clock.advance(DAY)
    for number in (1, 3):
        await comes_back(home, number)
        await home.care()
    rows = await home.rows(outcome)
    assert len([row for row in rows if row.how == CAME_BACK]) == 2
    summed = {}
    for row in rows:
        for cause, share in row.shares.items():
            summed.setdefault(cause, []).append(share)
    counts = {row.cause: row.weight for row in await home.rows(prior)}
    assert counts == {cause: fsum(shares) for cause, shares in summed.items()}
    knowledge = Knowledge(Catalogue([PRODUCT]))
    made = await home.rows(diagnosis, diagnosis.c.at)
    for row in made:
        found, _ = consider(PRODUCT, read_record(row.facts), knowledge.costs(PRODUCT.name))
        assert [c.probability for c in found.causes] == [c["probability"] for c in row.causes]
    assert {row.facts["taught"].get("clogged", 0.0) for row in made} >= {0.0, 0.5, 1.0}


async def test_cut_at_every_statement(tmp_path):
    """Cut at each statement in turn, the transaction leaves nothing; the last takes back, once."""
    home = Household(tmp_path)
    await said_to_help(home)
    home.clock.advance(DAY)
    await comes_back(home)
    before = await taught(home)

    async def nothing_or_all():
        assert await taught(home) in (before, ({}, {}))

    tries = await cut_at_each(home.database.engine, lambda: exhaust(home), nothing_or_all)
    assert 20 < tries < MOST
    assert await taught(home) == ({}, {})
    assert await hows(home) == {"action/0": "owner", "action/0/taken_back": "came_back"}
    home.close()


@both
async def test_kill_minus_nine(tmp_path):
    """Killed before the commit in which it is taken back: the next receiver does it, once."""
    home = Household(tmp_path)
    await said_to_help(home)
    home.clock.advance(DAY)
    await comes_back(home)
    home.close()
    assert killed_at(tmp_path, "commit", DAY + 60_000)[0] == -signal.SIGKILL
    home = Household(tmp_path)
    home.clock.advance(DAY + 60_000)
    assert (await taught(home))[0] == {"clogged": 0.5}
    await home.care()
    assert await taught(home) == ({}, {})
    assert len(await hows(home)) == 2
    home.close()


async def test_receivers_take_back_once(tmp_path, postgresql):
    """Two receivers look, while a third settles what is due: each outcome is taken back once, and
    nobody has to begin again.
    """
    use_base(tmp_path, empty_shared(postgresql))
    home = Household(tmp_path)
    pumps = range(1, 9)
    for number in pumps:
        await said_to_help(home, number)
    home.clock.advance(DAY)
    for number in pumps:
        await comes_back(home, number)
    other, third = Household(tmp_path), Household(tmp_path)
    late = home.clock() + HELD_MS
    other.clock.advance(home.clock() - other.clock())
    home.caring._batch = other.caring._batch = 2
    knowledge = Knowledge(Catalogue([PRODUCT]))

    async def settle():
        for _ in range(8):
            await third.do(priors.settle, knowledge.fault, late, 1)
            await asyncio.sleep(0.01)

    await asyncio.gather(busy(home), busy(other), settle())
    await home.care()
    assert await taught(home) == ({}, {})
    rows = await home.rows(outcome)
    assert len(rows) == 2 * len(pumps)
    assert {row.how for row in rows} == {BY_OWNER, CAME_BACK}
    back = [e for e in await home.history("learnt") if e.rule == "back within 90 days"]
    assert len(back) == len(pumps)
    assert (
        await home.database.read(
            lambda c: c.execute(select(likelihood).where(likelihood.c.there != 0)).all()
        )
        == []
    )
    for each in (other, third, home):
        each.close()
