# cpython-only
"""The agent under MicroPython with a watchdog that ends it, and boots that die young."""

import pytest

from phonehome_wire import registry

KILLED = -9


@pytest.fixture
async def home(serve, make_board):
    """A receiver, and a board with a watchdog that knows where it is."""
    served = await serve()
    board = make_board(f"http://127.0.0.1:{served.port}")
    board.settings |= {"dog": True, "watchdog_ms": 1000}
    return served.receiver, board


async def until_crash(receiver, board, kind):
    """The body of the first crash record of a kind, when it is there."""
    count = 1
    while True:
        for record in receiver.records(registry.RTYPE_CRASH):
            if record.body[registry.CRASH_KIND] == kind:
                return record.body
        await board.event("acked", count=count)
        count += 1


async def die(board):
    """Start a boot and see it end by itself."""
    await board.start()
    await board.process.wait()
    await board.kill()


async def test_a_stuck_task_is_named_by_the_next_boot(home):
    """A task hangs while the loop runs: the watchdog bites, hello and crash record name it."""
    receiver, board = home
    board.settings["stick"] = "pump"
    await board.start()
    await board.event("fed")
    await board.process.wait()
    assert board.process.returncode == KILLED
    await board.kill()
    del board.settings["stick"]
    board.settings["reset"] = registry.RESET_WATCHDOG
    await board.start()
    crash = await until_crash(receiver, board, registry.CRASHKIND_WATCHDOG)
    assert crash[registry.CRASH_EXCEPTION] == "pump"
    hello = receiver.records(registry.RTYPE_HELLO)[-1].body
    assert hello[registry.HELLO_RESET_CAUSE] == registry.RESET_WATCHDOG
    assert hello[registry.HELLO_RESET_NAME] == "pump"
    assert hello[registry.HELLO_RESET_CERTAINTY] == registry.CERTAINTY_LIKELY


async def test_a_healthy_agent_is_never_bitten(home):
    """With nothing to do, nobody to talk to, and a fault: the dog is fed ten times its time."""
    _, board = home
    await board.start()
    await board.event("fed", count=20)
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await board.event("fed", count=40)
    assert board.process.returncode is None


async def test_a_clean_end_lets_the_dog_sleep(home):
    """An agent that is stopped leaves no watchdog behind, and its boot did not die."""
    _, board = home
    board.settings["stop_after_ms"] = 300
    for _ in range(4):
        await die(board)
        assert board.process.returncode == 0
        assert board.events[-1]["event"] == "asleep"
    assert not any(event["event"] == "safe" for event in board.events)


async def test_three_boots_that_die_leave_the_application_off(home):
    """The fourth phones home with a boot-loop record and hears commands; nothing is sampled."""
    receiver, board = home
    board.settings["quit"] = 50
    for _ in range(3):
        await die(board)
    await board.start()
    assert (await board.event("safe"))["died"] == 3
    crash = await until_crash(receiver, board, registry.CRASHKIND_BOOT_LOOP)
    assert crash[registry.CRASH_MESSAGE] == "3 boots died young; tried again in 5 min"
    hello = receiver.records(registry.RTYPE_HELLO)[-1].body
    assert hello[registry.HELLO_DEAD_BOOTS] == 3
    board.break_flow()
    await board.event("fed", count=10)
    assert not any(event["event"] == "transition" for event in board.events)
    await board.kill()
    await board.start()
    assert (await board.event("safe", count=2))["died"] == 3


async def test_boots_that_end_as_they_should_do_not_count(home):
    """A minute is long: four boots that are stopped early start the application each time."""
    _, board = home
    board.settings["quit"] = 50
    await die(board)
    await die(board)
    del board.settings["quit"]
    board.settings["stop_after_ms"] = 50
    for _ in range(3):
        await die(board)
    assert not any(event["event"] == "safe" for event in board.events)
    del board.settings["stop_after_ms"]
    board.settings["quit"] = 50
    await die(board)
    await board.start()
    assert (await board.event("safe"))["died"] == 3
