"""Who decides about tickets goes behind who opens them."""

import asyncio
import contextlib
import threading

import pytest

from phonehome_cloud.store import schema
from tests.fakes.appliance import Appliance, fault
from tests.fakes.store import StoreReceiver


@pytest.fixture
async def receiver(tmp_path):
    """A receiver with a report that is not digested."""
    made, washer = StoreReceiver(tmp_path), Appliance()
    await made.register(washer)
    assert (await made.accept(washer.message([fault(0)]))).status == 200
    yield made
    made.close()


@contextlib.asynccontextmanager
async def digesting(receiver):
    """The digest runs."""
    task = asyncio.create_task(receiver.digest.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_digest_is_idle_when_its_tickets_are_open(receiver):
    """Whoever waited for it finds what was reported."""
    async with digesting(receiver), asyncio.timeout(10):
        while not await receiver.digest.wait_idle():
            pass  # each turn is 0.3 s of patience
    assert await receiver.count(schema.ticket) == 1


async def test_nobody_waits_for_a_digest_that_does_not_end(receiver):
    """Work that keeps coming leaves the others brief turns."""
    is_open = threading.Event()
    held = asyncio.ensure_future(receiver.database.write(lambda _c: is_open.wait(10)))
    async with digesting(receiver), asyncio.timeout(5):
        assert not await receiver.digest.wait_idle()
        is_open.set()
        await held


async def test_who_took_long_waits_longer(receiver):
    """While records wait, care has a tenth of the time: nine times its last turn is between."""
    is_open = threading.Event()
    held = asyncio.ensure_future(receiver.database.write(lambda _c: is_open.wait(10)))
    loop = asyncio.get_running_loop()
    async with digesting(receiver), asyncio.timeout(9):
        started_s = loop.time()
        assert not await receiver.digest.wait_idle(spent_s=0.1)
        assert loop.time() - started_s >= 0.9
        is_open.set()
        await held
