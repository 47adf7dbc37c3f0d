"""Group commit: what waits goes together, and nobody is told before it is on the disk."""

import asyncio
import threading

import pytest
from sqlalchemy.exc import IntegrityError

from phonehome_cloud.core.arrivals import Misfit
from phonehome_cloud.errors import OverloadedError
from phonehome_cloud.store import schema
from tests.fakes.appliance import Appliance, fault, heartbeat
from tests.fakes.store import START_AT, StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def receiver(tmp_path):
    """A receiver whose queue holds 20 messages and whose commits hold 8."""
    made = StoreReceiver(tmp_path, max_waiting=20, max_batch=8)
    yield made
    made.close()


@pytest.fixture
async def washer(receiver):
    """A registered appliance that the cache knows."""
    appliance = Appliance()
    await receiver.register(appliance)
    await receiver.keys.find(appliance.kid)
    return appliance


class Gate:
    """Holds the lane of intake until it is opened."""

    def __init__(self, database):
        self._open = threading.Event()
        waits = database.write_intake(lambda _c: self._open.wait(10))
        self.held = asyncio.ensure_future(waits)

    async def open(self):
        self._open.set()
        await self.held


async def send(receiver, washer, numbers):
    """Start one report each, and let them come as far as they can."""
    messages = [washer.message([fault(n)], now_ms=60_000 + n) for n in numbers]
    tasks = [asyncio.create_task(receiver.accept(message)) for message in messages]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_what_arrives_during_a_commit_goes_into_the_next(receiver, washer):
    """One commit for all that waited, at most the batch."""
    gate = Gate(receiver.database)
    first = await send(receiver, washer, [0])
    rest = await send(receiver, washer, range(1, 13))
    assert receiver.committer.depth == 12
    assert not any(task.done() for task in first + rest)
    await gate.open()
    replies = await asyncio.gather(*first, *rest)
    assert {reply.status for reply in replies} == {200}
    assert receiver.commits == [1, 8, 4]


async def test_nobody_is_answered_before_the_commit(receiver, washer):
    """While the writer is held there is no ack."""
    gate = Gate(receiver.database)
    (task,) = await send(receiver, washer, [0])
    assert await receiver.count(schema.record) == 0
    assert not task.done()
    await gate.open()
    assert (await task).status == 200
    assert await receiver.count(schema.record) == 1


async def test_a_full_queue_is_503_with_a_signed_back_off(receiver, washer):
    """Memory is bounded; who is told to wait is stored later."""
    gate = Gate(receiver.database)
    tasks = await send(receiver, washer, range(30))
    refused = [task.result() for task in tasks if task.done()]
    assert {(reply.status, reply.retry_after_s) for reply in refused} == {(503, 5)}
    assert {washer.hears(reply.body).backoff_s for reply in refused} == {5}
    await gate.open()
    replies = await asyncio.gather(*tasks)
    stored = sum(reply.status == 200 for reply in replies)
    assert stored + len(refused) == 30
    assert len(refused) in (9, 10)
    assert await receiver.count(schema.record) == stored
    assert (await receiver.accept(washer.message([fault(99)], now_ms=70_000))).status == 200


async def test_quarantine_is_bounded_like_everything(receiver, washer):
    """A flood of unreadable messages does not pass the queue."""
    gate = Gate(receiver.database)
    await send(receiver, washer, range(30))  # the first of them are taken to the writer
    await send(receiver, washer, range(30, 60))
    misfit = Misfit(washer.device, b"raw", bytes(16), "type", "", "http", START_AT)
    with pytest.raises(OverloadedError):
        await receiver.committer.quarantine(misfit)
    await gate.open()
    await receiver.committer.drain()


async def test_one_bad_entry_does_not_spoil_its_neighbours(receiver, washer):
    """A device that vanished from the registry fails alone; the others are acknowledged."""
    ghost = Appliance(9)
    await receiver.register(ghost)
    await receiver.keys.find(ghost.kid)
    await receiver.database.write(lambda c: c.execute(schema.device_key.delete()))
    await receiver.database.write(
        lambda c: c.execute(schema.device.delete().where(schema.device.c.device == ghost.device))
    )
    gate = Gate(receiver.database)
    good = await send(receiver, washer, [0])  # alone in the first commit
    good += await send(receiver, washer, [1, 2])
    bad = await send(receiver, ghost, [0])
    good += await send(receiver, washer, [3])
    assert receiver.committer.depth == 4
    await gate.open()
    replies = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert [reply.status for reply in replies[:4]] == [200, 200, 200, 200]
    assert isinstance(replies[4], IntegrityError)
    assert await receiver.count(schema.record) == 4
    assert receiver.commits == [1, 1, 1, 1]


async def test_a_client_that_went_away_hurts_nobody(receiver, washer):
    """Its report is stored, and the others of the commit get their acks."""
    gate = Gate(receiver.database)
    tasks = await send(receiver, washer, range(4))
    tasks[1].cancel()
    await gate.open()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(replies[1], asyncio.CancelledError)
    assert [replies[i].status for i in (0, 2, 3)] == [200, 200, 200]
    assert await receiver.count(schema.record) == 4


async def test_drain_waits_for_the_last_commit(receiver, washer):
    """After it nothing is on its way."""
    tasks = await send(receiver, washer, range(10))
    await receiver.committer.drain()
    assert receiver.committer.depth == 0
    assert await receiver.count(schema.record) == 10
    await asyncio.gather(*tasks)


async def test_many_devices_share_one_commit(receiver, washer):
    """A commit holds whoever came."""
    fleet = [Appliance(n) for n in range(10, 15)]
    for appliance in fleet:
        await receiver.register(appliance)
        await receiver.keys.find(appliance.kid)
    gate = Gate(receiver.database)
    await send(receiver, washer, [0])
    tasks = [asyncio.create_task(receiver.accept(a.message([heartbeat(0)]))) for a in fleet]
    for _ in range(5):
        await asyncio.sleep(0)
    await gate.open()
    replies = await asyncio.gather(*tasks)
    for appliance, reply in zip(fleet, replies, strict=True):
        assert appliance.hears(reply.body).stored == [(1, 0, 0)]
    assert receiver.commits == [1, 5]


async def test_whoever_gives_way_waits_for_a_pause(receiver, washer):
    """The digest waits while messages are committed, and goes on when nobody comes any more."""
    gate = Gate(receiver.database)
    tasks = await send(receiver, washer, range(3))
    waiting = asyncio.create_task(receiver.committer.wait_quiet())
    await gate.open()
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert not waiting.done()
    await asyncio.gather(*tasks, waiting)


async def test_whoever_gives_way_has_a_turn_all_the_same(receiver, washer):
    """A commit that does not end holds nobody up for long."""
    gate = Gate(receiver.database)
    tasks = await send(receiver, washer, [0])
    async with asyncio.timeout(5):
        await receiver.committer.wait_quiet()
    assert not tasks[0].done()
    await gate.open()
    await asyncio.gather(*tasks)
