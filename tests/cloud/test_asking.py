"""A ticket that is not clear asks its device, once, and what it answers ranks the causes again."""

import pytest

from phonehome_cloud.store import care_tables, commands, schema
from phonehome_cloud.store.asking import HOLD_MS
from phonehome_wire.registry import RESULT_OK, RESULT_REFUSED
from tests.cloud.household import Household
from tests.cloud.remedies import TEXT, load
from tests.fakes.appliance import INC

pytestmark = pytest.mark.usefixtures("each_database")

COMMAND = """[[command]]
name = "selftest"
title = "Test itself"
code = 132
{idle}

[[command]]
name = "restart"
"""
ASK = """[[fault.evidence]]
id = "coil_open"
title = "The coil of the pump is open"
what = "answer"
command = "selftest"
max = 0
given = { dead = 0.97 }
otherwise = 0.02
[[fault.ask]]
id = "test_coil"
title = "Does the pump draw current?"
command = "selftest"
evidence = ["coil_open"]
[[fault.action]]
id = "clean_filter"
"""


def asking_product(idle="idle = false"):
    """The pump, which can test itself."""
    text = TEXT.replace('[[command]]\nname = "restart"\n', COMMAND.format(idle=idle), 1)
    return load(text.replace('[[fault.action]]\nid = "clean_filter"\n', ASK, 1))


@pytest.fixture(params=["idle = false"])
def home(tmp_path, request):
    """A receiver that looks after pumps that can test themselves."""
    made = Household(tmp_path, asking_product(request.param))
    yield made
    made.close()


async def answers(home, value, status=RESULT_OK):
    """The device carries its next command out, and says what came of it."""

    def obey(connection):
        dev = row.device
        given = commands.take_next(connection, dev, INC.hex(), 1, home.clock())
        result = commands.Result(dev, INC.hex(), 1, given.cseq, status, value)
        commands.settle(connection, [result], home.clock())
        return given.code

    (row,) = await home.rows(schema.device)
    return await home.do(obey)


async def newest(home):
    """The newest diagnosis."""
    table = care_tables.diagnosis
    return (await home.rows(table, table.c.n))[-1]


async def test_an_unclear_ticket_asks_before_it_decides(home):
    """The question is in the history and on its way; no action begins while it is waited for."""
    await home.says(await home.pump())
    await home.care()
    assert await home.actions() == []
    (given,) = await home.rows(schema.command)
    assert (given.code, given.who) == (132, "ask:1")
    (entry,) = await home.history("asked")
    assert entry.evidence["question"] == "Does the pump draw current?"
    assert not (await newest(home)).is_sure


async def test_the_answer_ranks_the_causes_again(home):
    """The device says that the coil is open: the pump is dead, and a visit follows."""
    await home.stock("PUMP-1")
    await home.technician()
    await home.says(await home.pump())
    await home.care()
    home.clock.advance(3_000)
    assert await answers(home, 0) == 132
    await home.care()
    found = await newest(home)
    assert (found.causes[0]["cause"], found.is_sure) == ("dead", True)
    assert found.seen["coil_open"] is True
    assert (await home.actions())[-1].action_id == "swap_pump"
    assert len(await home.rows(schema.command)) == 1


async def test_silence_is_waited_for_only_so_long(home):
    """A device that does not answer leaves the ticket to whom it would have gone anyway."""
    await home.says(await home.pump())
    await home.care()
    home.clock.advance(HOLD_MS)
    await home.care()
    (action,) = await home.actions()
    assert action.kind == "person"
    assert len(await home.rows(schema.command)) == 1


async def test_a_refusal_is_an_answer(home):
    """A device that does not allow the command is not asked twice, nor waited for."""
    await home.says(await home.pump())
    await home.care()
    await answers(home, None, RESULT_REFUSED)
    await home.care()
    assert (await home.actions())[-1].kind == "person"
    assert len(await home.rows(schema.command)) == 1


@pytest.mark.parametrize("home", ["idle = true"], indirect=True)
async def test_a_busy_appliance_is_not_tested(home):
    """What only an idle appliance may get waits for its word; busy, it is asked a minute later."""
    await home.says(await home.pump())
    await home.care()
    assert await answers(home, 0) == 129
    await home.care()
    assert [row.code for row in await home.rows(schema.command)] == [129]
    home.clock.advance(61_000)
    await home.care()
    assert await answers(home, 1) == 129
    await home.care()
    assert [row.code for row in await home.rows(schema.command)] == [129, 129, 132]
    assert await answers(home, 0) == 132
    await home.care()
    assert (await newest(home)).causes[0]["cause"] == "dead"
