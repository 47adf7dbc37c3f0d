"""How many write to a database at a time."""

import asyncio
import threading

import pytest

from phonehome_cloud.store.database import Database
from tests.fakes.bases import base_url


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
