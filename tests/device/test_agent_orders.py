# cpython-only
"""The agent under MicroPython is given orders by a receiver over HTTP."""

import pytest

from phonehome_wire import registry as r
from phonehome_wire.pushed import rule_key

HEARTBEAT = 1
LOW = rule_key(520201, 18, "low")


@pytest.fixture
async def home(serve, make_board):
    """A receiver and a board that is known there; heartbeats are frequent, so it asks soon."""
    served = await serve()
    board = make_board(f"http://127.0.0.1:{served.port}")
    board.settings.update(heartbeat_s=1, trial_s=4)
    return served.receiver, board


def results(receiver):
    """(cseq, status, value) of every result that is stored."""
    bodies = [record.body for record in receiver.records(r.RTYPE_RESULT)]
    return [(b[r.RESULT_CSEQ], b[r.RESULT_STATUS], b.get(r.RESULT_VALUE)) for b in bodies]


def done(receiver, cseq):
    """A listener that takes a command off the list once its result is stored, as a desk does."""

    def listen(report):
        for record in report.records:
            if record.rtype == r.RTYPE_RESULT and record.body[r.RESULT_CSEQ] == cseq:
                receiver.orders = [order for order in receiver.orders if order[0] != cseq]

    return listen


async def order(receiver, board, cseq, code, args=None):
    """Give an order; (status, value) of its result once that is acknowledged."""
    receiver.on_report = done(receiver, cseq)
    receiver.orders.append((cseq, code, args))
    while not [found for found in results(receiver) if found[0] == cseq]:
        count = len([e for e in board.events if e["event"] == "acked"])
        await board.event("acked", count=count + 1)
    return next(found[1:] for found in results(receiver) if found[0] == cseq)


async def test_commands_come_by_poll(home):
    """Told that commands wait the device asks, obeys, and its result arrives."""
    receiver, board = home
    await board.start()
    assert await order(receiver, board, 1, 128, {0: 21}) == (r.RESULT_OK, 42)
    assert await order(receiver, board, 2, 128, {}) == (r.RESULT_FAILED, None)
    assert await order(receiver, board, 3, 129, {}) == (r.RESULT_UNKNOWN, None)
    assert (await order(receiver, board, 4, r.COMMAND_PING))[0] == r.RESULT_OK
    assert await order(receiver, board, 5, r.COMMAND_CLEAR_FAULTS) == (r.RESULT_OK, 0)
    assert not any(e["event"] == "crash" for e in board.events)


@pytest.mark.parametrize(
    "script", [["lose"], ["", "lose"], ["", "", "lose"], ["", "garbage", "lose", "busy"]]
)
async def test_done_once_whatever_answer_is_lost(home, script):
    """Whichever answer is lost, of the ack, the command or the result, it is carried out once."""
    receiver, board = home
    await board.start()
    await board.event("acked", depth=0)
    receiver.script = list(script)
    assert await order(receiver, board, 1, 128, {0: 1}) == (r.RESULT_OK, 2)
    while receiver.script:
        await board.event(
            "acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1
        )
    assert len([e for e in board.events if e["event"] == "command"]) == 1
    assert len(results(receiver)) == 1


async def test_only_what_the_settings_allow(home):
    """The list in phonehome.json decides what is obeyed."""
    receiver, board = home
    board.settings["commands"] = [r.COMMAND_PING]
    await board.start()
    assert await order(receiver, board, 1, 128, {0: 1}) == (r.RESULT_REFUSED, None)
    assert (await order(receiver, board, 2, r.COMMAND_PING))[0] == r.RESULT_OK


async def test_a_configuration_is_kept(home):
    """Applied, acknowledged and healthy, it is there after a power cut, and reported."""
    receiver, board = home
    await board.start()
    args = {0: 5, 1: {HEARTBEAT: 2, LOW: 90}}
    assert await order(receiver, board, 1, r.COMMAND_SET_CONFIG, args) == (0, {1: 0, LOW: 0})
    await board.event("transition", kind=r.KIND_CONFIRMED)
    await board.event("config", state="kept")
    await board.kill()
    await board.start()
    await board.event("boot", count=2)
    await board.event("acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1)
    hello = receiver.records(r.RTYPE_HELLO)[-1].body
    assert hello[r.HELLO_CONFIG_VERSION] == 5


async def test_a_silent_receiver_takes_it_back(home):
    """When nobody acknowledges it in time, the device is as before, and says so later."""
    receiver, board = home
    await board.start()
    receiver.orders.append((1, r.COMMAND_SET_CONFIG, {0: 5, 1: {HEARTBEAT: 2}}))
    receiver.on_report = lambda report: report.records or receiver.script.extend(["busy"] * 99)
    await board.event("config", state="trial")
    await board.event("config", state="reverted", version=0)
    receiver.script, receiver.orders, receiver.on_report = [], [], None
    before = len(receiver.records(r.RTYPE_HEARTBEAT))
    while not [
        record
        for record in receiver.records(r.RTYPE_HEARTBEAT)[before:]
        if record.body.get(r.METRIC_CONFIG_VERSION) == 0
    ]:
        await board.event(
            "acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1
        )
    assert results(receiver) == [(1, 0, {HEARTBEAT: 0})]


async def test_a_bad_configuration_changes_nothing(home):
    """One bad key of two: refused with a status for each, and version 0 stays."""
    receiver, board = home
    await board.start()
    args = {0: 5, 1: {HEARTBEAT: 2, LOW: 10**9 + 10**9 + 10**9}}
    status, value = await order(receiver, board, 1, r.COMMAND_SET_CONFIG, args)
    assert (status, value) == (r.RESULT_BAD_ARGS, {HEARTBEAT: 0, LOW: r.PUSHED_OUT_OF_RANGE})
    assert not any(e["event"] == "config" for e in board.events)


async def test_a_command_of_the_developers_starts_service_mode(home):
    """As README has it: no watchdog from then on, behind a reset too; other arguments fail."""
    receiver, board = home
    board.settings.update(dog=True, watchdog_ms=5000)
    await board.start()
    await board.event("dog")
    assert await order(receiver, board, 1, 130, {0: "long"}) == (r.RESULT_FAILED, None)
    assert not any(e["event"] == "asleep" for e in board.events)
    assert await order(receiver, board, 2, 130, {0: 30}) == (r.RESULT_OK, None)
    await board.event("asleep")
    receiver.orders, receiver.on_report = [], None
    await board.kill()
    begun = len(board.events)
    await board.start()
    await board.event("boot", count=2)
    await board.event("acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1)
    assert not any(e["event"] == "dog" for e in board.events[begun:])
