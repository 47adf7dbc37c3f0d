# cpython-only
"""The agent under MicroPython phones home over HTTP to a receiver that also misbehaves."""

import pytest

from phonehome_wire import registry


@pytest.fixture
async def home(serve, make_board):
    """A receiver and a board that knows where it is."""
    served = await serve()
    return served.receiver, make_board(f"http://127.0.0.1:{served.port}")


async def test_a_fault_reaches_the_receiver(home):
    """A sensor that goes wrong becomes a signed, acknowledged report with its freeze frame."""
    receiver, board = home
    await board.start()
    await board.event("acked")
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    while not any(
        r.body[registry.FAULT_KIND] == 0 for r in receiver.records(registry.RTYPE_FAULT)
    ):
        await board.event(
            "acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1
        )
    confirmed = receiver.records(registry.RTYPE_FAULT)[-1].body
    assert confirmed[registry.FAULT_SPN] == 520201
    assert confirmed[registry.FAULT_VALUE] == [-1, 20]
    assert confirmed[registry.FAULT_FREEZE][registry.FREEZE_CHANNELS][0][0] == -1


async def test_hello_comes_first(home):
    """The first report of a boot begins with its hello and brings the first heartbeat."""
    receiver, board = home
    await board.start()
    await board.event("acked")
    records = receiver.reports[0].records
    assert [r.rtype for r in records] == [registry.RTYPE_HELLO, registry.RTYPE_HEARTBEAT]
    metrics = records[1].body
    assert metrics[registry.METRIC_HEAP_FREE] > 50000
    assert registry.METRIC_OUTBOX_DEPTH in metrics


@pytest.mark.parametrize("mood", ["lose", "busy", "unread", "garbage", "forged", "huge"])
async def test_a_bad_answer_costs_nothing(home, mood):
    """Whatever a receiver answers instead of its word, everything is stored in the end, once."""
    receiver, board = home
    receiver.script = [mood, mood]
    await board.start()
    await board.event("backoff", count=2)
    await board.event("acked")
    assert len(receiver.records(registry.RTYPE_HELLO)) == 1
    assert receiver.collisions == []
    assert not any(e["event"] == "dropped" for e in board.events)


async def test_an_answer_that_comes_twice_is_told_apart(home):
    """The second answer is not the ack of the next report: one new connection, and all is well."""
    receiver, board = home
    receiver.script = ["twice"]
    board.settings["heartbeat_s"] = 1
    await board.start()
    await board.event("acked", count=6)
    assert [e["phase"] for e in board.events if e["event"] == "backoff"] == ["ack"]
    assert len([e for e in board.events if e["event"] == "link"]) == 2


async def test_a_silent_receiver_is_left(home):
    """A receiver that says nothing is left after a deadline, and tried again."""
    receiver, board = home
    receiver.script = ["silent"]
    await board.start()
    assert (await board.event("backoff"))["phase"] == "receive"
    await board.event("acked", depth=0)


async def test_retry_after_is_obeyed(home):
    """A receiver that asks for a pause gets it."""
    receiver, board = home
    receiver.script = ["busy"]
    await board.start()
    assert (await board.event("backoff"))["wait_ms"] >= 1000
    await board.event("acked")


async def test_who_refuses_for_long_is_left(home):
    """After three refusals in a row somebody else may answer: the connection is made anew."""
    receiver, board = home
    receiver.script = ["busy"] * 3
    await board.start()
    await board.event("acked", depth=0)
    assert len([e for e in board.events if e["event"] == "link"]) == 2


async def test_a_receiver_that_comes_back(serve, make_board):
    """What happened while the receiver was away arrives when it is there."""
    served = await serve()
    board = make_board("http://127.0.0.1:1")
    await board.start()
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await board.event("backoff", phase="connect")
    await board.kill()
    board.settings["server"] = f"http://127.0.0.1:{served.port}"
    await board.start()
    await board.event("acked", depth=0)
    kinds = [r.body[registry.FAULT_KIND] for r in served.receiver.records(registry.RTYPE_FAULT)]
    assert registry.KIND_CONFIRMED in kinds
    assert len({(r.boot, r.seq) for r in served.receiver.records(registry.RTYPE_HELLO)}) == 2


async def test_one_connection_is_kept(home):
    """Reports of a boot travel over one connection."""
    _, board = home
    await board.start()
    for count in range(1, 4):
        (board.break_flow if count % 2 else board.mend_flow)()
        await board.event("transition", kind=0 if count % 2 else 2, count=(count + 1) // 2)
        await board.event("acked", depth=0, count=count)
    assert len([e for e in board.events if e["event"] == "link"]) == 1


async def test_a_developers_mistake_is_reported(home):
    """An exception in the developer's coroutine becomes a crash record; the agent goes on."""
    receiver, board = home
    board.settings["fail"] = "valve stuck"
    await board.start()
    await board.event("crash")
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    while not receiver.records(registry.RTYPE_FAULT):
        await board.event(
            "acked", count=len([e for e in board.events if e["event"] == "acked"]) + 1
        )
    crash = receiver.records(registry.RTYPE_CRASH)[0].body
    assert crash[registry.CRASH_EXCEPTION] == "RuntimeError"
    assert crash[registry.CRASH_MESSAGE] == "valve stuck"
    assert crash[registry.CRASH_FRAMES][-1][2] == "live"


async def test_a_clean_end_is_told(home):
    """After a clean stop the next hello names the boot that ended well."""
    receiver, board = home
    board.settings["stop_after_ms"] = 300
    await board.start()
    await board.process.wait()
    await board.kill()
    board.settings.pop("stop_after_ms")
    count = [event["event"] for event in board.events].count("acked")  # it may not have had time
    await board.start()
    clean_boots = []
    while not clean_boots:
        count += 1
        await board.event("acked", count=count)
        hellos = [record.body for record in receiver.records(registry.RTYPE_HELLO)]
        clean_boots = [boot for body in hellos if (boot := body.get(registry.HELLO_CLEAN_BOOT))]
    assert clean_boots == [1]


async def test_heap_stays_where_it_is(home):
    """Hundreds of samples and a dozen reports later the heap has room as before."""
    receiver, board = home
    board.settings["heartbeat_s"] = 1
    board.settings["chatter_ms"] = 150
    await board.start()
    await board.event("acked", count=16)
    free = [r.body[registry.METRIC_HEAP_FREE] for r in receiver.records(registry.RTYPE_HEARTBEAT)]
    assert min(free) > 40000
