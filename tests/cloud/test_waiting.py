"""How loops wait for news."""

import asyncio

from phonehome_cloud.workers.waiting import wait_within


async def test_a_cancellation_together_with_work_is_not_lost():
    """The receiver stops also when the last commit wakes a loop in the same moment."""
    work = asyncio.Event()
    sleeping = asyncio.create_task(wait_within(work, 10))
    for _ in range(5):
        await asyncio.sleep(0)
    work.set()
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()


async def test_it_says_whether_there_was_something():
    """At once when there is, and after the time when there is not."""
    work = asyncio.Event()
    assert not await wait_within(work, 0.01)
    work.set()
    assert await wait_within(work, 10)
