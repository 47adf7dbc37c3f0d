"""Lanes of intake: commits side by side, and each device in the order in which it spoke."""

import asyncio
import threading

import pytest

from phonehome_cloud.core.arrivals import Misfit
from phonehome_cloud.store.database import Database
from phonehome_cloud.workers.committer import Committer
from phonehome_cloud.workers.lanes import Lanes
from tests.fakes.bases import base_url
from tests.fakes.store import START_AT


class Slow:
    """A database whose commits last until they are let go; it tells which run, and in what
    order they began.
    """

    def __init__(self):
        self.running, self.begun = 0, []
        self.both, self.go = asyncio.Event(), asyncio.Event()
        self.most = 0

    async def write(self, _fn, entries):
        """One commit."""
        self.begun += [entry.raw for entry in entries]
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == 2:
            self.both.set()
        await self.go.wait()
        self.running -= 1
        return [None] * len(entries)


def misfit(device, number):
    """Something to commit that says who and what it is."""
    return Misfit(device, number, bytes(16), "frame", "", "http", START_AT)


async def test_two_lanes_commit_side_by_side_and_a_device_stays_in_its_own():
    """Both commits run at the same time; what one device says begins in its order."""
    slow = Slow()
    lanes = Lanes([Committer(slow, 100, 1, lambda *_: None) for _ in range(2)])
    devices = [f"{n:016x}" for n in range(20)]
    told = [
        asyncio.create_task(lanes.quarantine(misfit(device, (device, n))))
        for n in range(3)
        for device in devices
    ]
    await asyncio.sleep(0)
    assert lanes.depth == len(told)
    async with asyncio.timeout(10):
        await slow.both.wait()  # 20 devices are in one lane once in half a million
    slow.go.set()
    await lanes.drain()
    assert (slow.most, lanes.depth) == (2, 0)
    for device in devices:
        assert [raw for raw in slow.begun if raw[0] == device] == [(device, n) for n in range(3)]
    await asyncio.gather(*told)


@pytest.mark.usefixtures("each_database")
async def test_there_are_as_many_writers_as_the_database_takes(tmp_path):
    """Two transactions at a time on PostgreSQL, one on SQLite."""
    database = Database(base_url(tmp_path, "phonehome.db"))
    database.open()
    inside, most, lock = 0, 0, threading.Lock()
    all_in = threading.Event()

    def transact(_connection):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == database.writers:
                all_in.set()
        assert all_in.wait(10)
        with lock:
            inside -= 1

    await asyncio.gather(*(database.write(transact) for _ in range(2 * database.writers)))
    assert most == database.writers
    database.close()
