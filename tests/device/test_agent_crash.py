# cpython-only
"""The agent under MicroPython ends badly, in every way there is, and says so at the next boot."""

import pytest

from phonehome_wire import registry


@pytest.fixture
async def home(serve, make_board):
    """A receiver and a board that knows where it is."""
    served = await serve()
    return served.receiver, make_board(f"http://127.0.0.1:{served.port}")


async def crash_of(receiver, board):
    """The body of the first crash record, when it is there, and the hello of its report."""
    count = 1
    while not receiver.records(registry.RTYPE_CRASH):
        await board.event("acked", count=count)
        count += 1
    hello = receiver.records(registry.RTYPE_HELLO)[-1].body
    return receiver.records(registry.RTYPE_CRASH)[0].body, hello


async def start_again(board, *settings):
    """Wait for the end of the program and start it without what ended it."""
    await board.process.wait()
    assert board.process.returncode == 1
    await board.kill()
    for name in settings:
        board.settings.pop(name)
    await board.start()


async def test_exhausted_memory_is_told_at_the_next_boot(home):
    """All memory taken and kept: the black box goes to flash, the next boot tells it first."""
    receiver, board = home
    board.settings["hoard"] = "kept"
    await board.start()
    await start_again(board, "hoard")
    assert (await board.event("past"))["reason"] == registry.RESET_OUT_OF_MEMORY
    crash, hello = await crash_of(receiver, board)
    assert crash[registry.CRASH_KIND] == registry.CRASHKIND_OUT_OF_MEMORY
    assert crash[registry.CRASH_EXCEPTION] == "MemoryError"
    assert "hoard" in [frame[2] for frame in crash[registry.CRASH_FRAMES]]
    assert crash[registry.CRASH_HEAP_FREE] <= 16384
    assert crash[registry.CRASH_HEAP_LARGEST] <= crash[registry.CRASH_HEAP_FREE]
    assert "alive and well" in [crumb[2] for crumb in crash[registry.CRASH_CRUMBS]]
    assert crash[registry.CRASH_RESET_CAUSE] == registry.RESET_OUT_OF_MEMORY
    assert hello[registry.HELLO_RESET_CAUSE] == registry.RESET_OUT_OF_MEMORY
    assert hello[registry.HELLO_RESET_NAME] == "MemoryError"
    assert [r.rtype for r in receiver.reports[0].records][:2] == [
        registry.RTYPE_HELLO,
        registry.RTYPE_CRASH,
    ]


async def test_memory_that_comes_back_costs_no_reset(home):
    """All memory taken by a coroutine that dies of it: told at once, the agent goes on."""
    receiver, board = home
    board.settings["hoard"] = "lost"
    await board.start()
    crash, hello = await crash_of(receiver, board)
    assert crash[registry.CRASH_KIND] == registry.CRASHKIND_OUT_OF_MEMORY
    assert hello[registry.HELLO_RESET_CAUSE] == registry.RESET_UNKNOWN
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)


async def test_a_task_that_nobody_awaits(home):
    """The exception of a task that the developer started and forgot is a crash record."""
    receiver, board = home
    board.settings["task"] = "forgotten"
    await board.start()
    crash, _ = await crash_of(receiver, board)
    assert crash[registry.CRASH_MESSAGE] == "forgotten"
    assert crash[registry.CRASH_FRAMES][-1][2] == "fail_later"


async def test_what_ends_the_loop_is_told_at_the_next_boot(home):
    """An exception that leaves nothing running is caught by `run`, and told by the next boot."""
    receiver, board = home
    board.settings["wreck"] = True
    await board.start()
    await start_again(board, "wreck")
    crash, hello = await crash_of(receiver, board)
    assert crash[registry.CRASH_KIND] == registry.CRASHKIND_EXCEPTION
    assert (crash[registry.CRASH_EXCEPTION], crash[registry.CRASH_MESSAGE]) == (
        "RuntimeError",
        "wrecked",
    )
    assert hello[registry.HELLO_RESET_CAUSE] == registry.RESET_CRASH
    await board.kill()
    told = len(receiver.records(registry.RTYPE_CRASH))
    await board.start()
    await board.event("boot", count=2)
    await board.event("acked", depth=0, count=2)
    assert len(receiver.records(registry.RTYPE_CRASH)) == told == 1
