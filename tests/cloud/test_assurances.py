"""The owner says that it helped, and the appliance holds the fault: neither is taken at its word.

From signed reports through digest and care to letters, on both databases.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.acting import assurances as core
from phonehome_cloud.core.acting.assurances import Sight
from phonehome_cloud.core.tickets import IN_PROGRESS, OPEN, RESOLVED
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import owner_page, pursuing
from phonehome_cloud.store.acting_tables import assurance
from phonehome_wire.registry import KIND_HEALED, RTYPE_HEARTBEAT
from tests.cloud.household import CLOGGED, DAY, Household
from tests.fakes.appliance import record
from tests.fakes.store import START_AT

HOUR = 3_600_000
both = pytest.mark.usefixtures("each_database")


@pytest.fixture
def home(tmp_path):
    """A receiver with pumps in households."""
    made = Household(tmp_path)
    yield made
    made.close()


async def clog(home):
    """A pump whose owner has steps against a clogged filter, and says that they helped."""
    pump = await home.pump()
    await home.says(pump, turns=CLOGGED)
    await home.care()
    home.clock.advance(HOUR)
    await assure(home)
    return pump


async def assure(home, *, helped=True):
    """A button of the owner's page."""
    said = [one.data["page"] for one in await home.letters() if "page" in one.data]
    token, n = said[0].removeprefix("/o/"), (await home.actions())[-1].n
    given_ = {"helped": helped, "text": None}
    await home.do(owner_page.conclude, token, n, home.clock(), **given_)
    await home.care()


async def wait(home, ms):
    """Time passes in the receiver, too."""
    home.clock.advance(ms)
    for due in await home.do(pursuing.find_due, home.clock()):
        await home.do(pursuing.pursue, due, home.clock())
    await home.care()


async def breathe(home, pump):
    """A heartbeat: the appliance is there, and says nothing about the fault."""
    now_ms = 60_000 + home.clock() - START_AT
    seq = home._seq[pump.device]
    home._seq[pump.device] = seq + 1
    beat = record(RTYPE_HEARTBEAT, {128: CLOGGED}, seq=seq, boot=1, ms=now_ms - 1000)
    assert (await home.accept(pump.message([beat], now_ms=now_ms, boot=1))).status == 200
    await home.digest_all()


async def standing(home):
    """(state of the ticket, states of the actions, templates to the owner)."""
    letters = [one.template for one in await home.letters() if one.recipient.startswith("owner")]
    actions = [one.state for one in await home.actions()]
    if "cancelled" in actions:  # a van that nobody drives
        actions.remove("cancelled")
    return (await home.ticket()).state, actions, letters.count("still_there")


async def state_of(home):
    """What became of the owner's word."""
    return [row.state for row in await home.rows(assurance)]


@both
async def test_the_word_alone_resolves_nothing_while_the_device_disagrees(home):
    """It is in the history, the action goes on, and saying it twice at once is once."""
    await clog(home)
    assert await standing(home) == (IN_PROGRESS, ["running"], 0)
    assert (await home.history("action"))[-1].text.startswith("the owner says that it helped")
    await assure(home)
    (row,) = await home.rows(assurance)
    assert (row.state, row.times) == ("watched", 1)
    await wait(home, HOUR)
    assert await standing(home) == (IN_PROGRESS, ["running"], 0)


@both
async def test_the_device_confirms_the_word(home):
    """It heals within the day: that is help, and the ticket resolves."""
    pump = await clog(home)
    home.clock.advance(2 * HOUR)
    await home.says(pump, kind=KIND_HEALED)
    await wait(home, 60_000)
    assert await standing(home) == (RESOLVED, ["helped"], 0)
    assert await state_of(home) == ["confirmed"]


@both
async def test_the_device_refutes_the_word(home):
    """It occurs again: the action has failed at once, the owner reads why, another begins."""
    pump = await clog(home)
    home.clock.advance(HOUR)
    await home.says(pump)
    await wait(home, 60_000)
    state, actions, letters = await standing(home)
    assert (state in {OPEN, IN_PROGRESS}, actions[0], len(actions), letters) == (
        True,
        "failed",
        2,
        1,
    )
    assert await state_of(home) == ["refuted"]
    (letter,) = [one for one in await home.letters() if one.template == "still_there"]
    assert letter.data["is_asked"] is False


@both
async def test_a_device_that_says_nothing_leaves_the_word(home):
    """Nobody hears it for the second half of a day: the owner was there, and is believed."""
    pump = await clog(home)
    home.clock.advance(HOUR)
    await breathe(home, pump)  # just after the word, before anybody used it
    await wait(home, 23 * HOUR)
    assert await standing(home) == (RESOLVED, ["helped"], 0)
    assert await state_of(home) == ["believed"]
    last = (await home.history("action"))[-1]
    assert "was not heard since" in last.text


@both
async def test_a_fault_that_stays_is_asked_about_once_more(home):
    """After a day the owner is asked to use it, and has their answer taken down for three days;
    still there then, the action has failed, and the owner is told what comes next.
    """
    pump = await clog(home)
    for _ in range(3):
        home.clock.advance(8 * HOUR)
        await breathe(home, pump)
    await wait(home, 0)
    assert await standing(home) == (IN_PROGRESS, ["running"], 1)
    assert await state_of(home) == ["asked"]
    await assure(home)
    assert await state_of(home) == ["watched"]
    for _ in range(3):
        await wait(home, DAY - 60_000)
        await breathe(home, pump)
        assert (await standing(home))[1] == ["running"]
    await wait(home, HOUR)
    state, actions, letters = await standing(home)
    assert (state != RESOLVED, actions[0], len(actions), letters) == (True, "failed", 2, 2)
    said = [one.data["is_asked"] for one in await home.letters() if one.template == "still_there"]
    assert sorted(said) == [False, True]


@both
async def test_who_is_asked_and_says_nothing_is_not_waited_for(home):
    """No answer within three days: the action has failed, as one without a word."""
    pump = await clog(home)
    for _ in range(3):
        home.clock.advance(8 * HOUR)
        await breathe(home, pump)
    await wait(home, 0)
    await wait(home, 3 * DAY + 60_000)
    assert (await standing(home))[1][0] in {"failed", "running"}
    await wait(home, 3 * DAY + 60_000)  # self-help reminds once, as ever
    assert (await standing(home))[1][0] == "failed"


@both
async def test_a_change_of_mind_counts_at_once(home):
    """It did not help after all: nothing is watched any more."""
    await clog(home)
    await assure(home, helped=False)
    state, actions, _ = await standing(home)
    assert (actions[0], state != RESOLVED) == ("failed", True)
    await wait(home, 2 * DAY)
    assert (await home.rows(assurance))[0].due_at is None
    assert (await home.actions())[0].state == "failed"


@both
async def test_a_device_that_comes_back_with_the_fault_reopens_the_ticket(home):
    """It was out of reach while its owner was believed; a day after it is back the fault is still
    active, though nothing was confirmed anew: the ticket is open again, and the owner hears it.
    """
    pump = await clog(home)
    await wait(home, DAY)
    assert await standing(home) == (RESOLVED, ["helped"], 0)
    home.clock.advance(DAY)
    await breathe(home, pump)
    await wait(home, HOUR)
    assert (await standing(home))[0] == RESOLVED  # it has a day to see that it works
    await wait(home, DAY)
    state, actions, letters = await standing(home)
    assert (state != RESOLVED, len(actions), letters) == (True, 2, 1)
    moved = [row for row in await home.history("state") if row.to_state == OPEN]
    assert [row.rule for row in moved] == ["still active at the device"]


@both
async def test_a_device_that_comes_back_mended_changes_nothing(home):
    """It heals when it is used again: the word was right."""
    pump = await clog(home)
    await wait(home, DAY)
    home.clock.advance(DAY)
    await home.says(pump, kind=KIND_HEALED)
    await wait(home, 2 * DAY)
    assert await standing(home) == (RESOLVED, ["helped"], 0)
    assert (await home.rows(assurance))[0].due_at is None


@both
async def test_a_device_that_does_not_hold_the_fault_needs_no_watching(home):
    """It healed before its owner pressed the button: the word counts at once."""
    pump = await home.pump()
    await home.says(pump, turns=CLOGGED)
    await home.care()
    home.clock.advance(HOUR)
    await home.says(pump, kind=KIND_HEALED)
    await assure(home)
    assert await standing(home) == (RESOLVED, ["helped"], 0)
    assert await state_of(home) == []
    with pytest.raises(ConflictError):
        await assure(home)


TIMES = st.integers(1, 2)
MOMENTS = st.none() | st.integers(0, 4 * DAY)


@given(TIMES, st.booleans(), MOMENTS, MOMENTS, st.integers(0, 5 * DAY))
def test_every_word_comes_to_an_end(times, is_active, confirmed_at, heard_at, now_at):
    """Whatever an appliance shows, the watch is over when its time is; a fault that is there by
    the newest word of an appliance that speaks is never taken for mended.
    """
    until_at = core.WATCH_MS[times]
    sight = Sight(is_active, confirmed_at, heard_at)
    state = core.judge(times, 0, until_at, sight, now_at)
    assert (state != core.WATCHED) or now_at < until_at
    if not is_active:
        assert state == core.CONFIRMED
    elif confirmed_at is not None or (heard_at is not None and heard_at >= until_at // 2):
        assert state in {core.REFUTED, core.ASKED, core.WATCHED}
