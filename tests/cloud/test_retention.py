"""What has left the receiver is kept for a while, and then forgotten, whoever looks."""

import asyncio
import time

import pytest
from sqlalchemy import select, update

from phonehome_cloud.core.telling.effect import Effect
from phonehome_cloud.store import effects, outbox, posting, retention, schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.dialects import take_turn
from phonehome_cloud.store.telling_tables import posted
from phonehome_cloud.workers.sweeping import forget_effects, sweep
from tests.cloud.visited import DEVICE, NOW, add_ticket, opened
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")
DAY_MS = 86_400_000
BEFORE = NOW - 180 * DAY_MS


@pytest.fixture
def database(tmp_path):
    """A database with two tickets, the second one closed."""

    def end(connection):
        add_ticket(connection, DEVICE, 2)
        closed = update(schema.ticket).where(schema.ticket.c.number == 2)
        connection.execute(closed.values(state="closed", ended_at=NOW))

    with opened(tmp_path) as made:
        made.write_now(end)
        yield made


def write(database, key, state, ended_at, created_at=None, ticket=None):
    """An effect as it is when it has gone, with a try and a name."""
    created_at = ended_at - 1000 if created_at is None else created_at
    about = (DEVICE, ticket) if ticket else (None, None)
    given = key, "mail", "desk", "visit_parts", {}, *about, created_at, created_at + DAY_MS

    def add(connection):
        effects.add(connection, Effect(*given), created_at)
        posting.name_of(connection, key, "desk@example.org", created_at)
        outbox.note_word(connection, key, "sent", "ok", created_at)
        done = update(schema.effect).where(schema.effect.c.key == key)
        connection.execute(done.values(state=state, ended_at=ended_at))

    database.write_now(add)


def left(database):
    """The keys in each of the tables."""
    tables = schema.effect, schema.effect_attempt, posted
    return database.read_now(
        lambda c: [sorted(c.execute(select(table.c.key)).scalars()) for table in tables]
    )


async def test_what_is_old_goes_with_all_that_is_known_of_it(database):
    """Sent, dead, taken back and merged ones; what waits stays, however old, and so does what an
    open ticket was told: its thread goes on, and its keys stay taken.
    """
    old_at = BEFORE - 1
    for state in ("sent", "dead", "cancelled", "merged"):
        write(database, f"old-{state}", state, old_at)
    write(database, "closed", "sent", old_at, ticket=2)
    kept = ["open", "sent-late", "waits", "young"]
    write(database, kept[0], "sent", old_at, ticket=1)
    write(database, kept[1], "sent", BEFORE + 1, created_at=BEFORE - 9 * DAY_MS)
    write(database, kept[2], "waiting", None, created_at=BEFORE - 99 * DAY_MS)
    write(database, kept[3], "sent", BEFORE + DAY_MS)
    assert await forget_effects(database, BEFORE, batch=2) == 5
    assert left(database) == [kept] * 3
    assert await forget_effects(database, BEFORE, batch=2) == 0


async def test_what_stays_is_in_nobodys_way(database):
    """More that stays than a batch has, in front of what goes: it goes all the same."""
    for n in range(5):
        write(database, f"a{n}", "sent", BEFORE - 9 * DAY_MS, ticket=1)
    write(database, "z", "sent", BEFORE - 1)
    assert await forget_effects(database, BEFORE, batch=2) == 1
    assert "z" not in left(database)[0]


async def test_receivers_do_not_do_it_twice(tmp_path, database):
    """While one has the turn another one does nothing, and waits for nobody; three at once forget
    each effect once.
    """
    for n in range(30):
        write(database, f"k{n:02}", "sent", BEFORE - 1 - n)
    others = [Database(base_url(tmp_path)) for _ in range(3)]
    for other in others:
        other.open()
    try:
        if not database.is_sqlite:

            def hold(connection):
                assert take_turn(connection, retention._TURN)
                return others[0].write_now(retention.forget_effects, BEFORE, 100)

            assert database.write_now(hold) == (0, None)
        counts = await asyncio.gather(
            *(forget_effects(other, BEFORE, batch=4) for other in others)
        )
    finally:
        for other in others:
            other.close()
    assert sum(counts) + await forget_effects(database, BEFORE) == 30
    assert left(database) == [[], [], []]


async def test_the_loop_of_the_receiver_does_it(database):
    """By the setting, without anybody who asks."""
    write(database, "old", "sent", NOW - 31 * DAY_MS)
    write(database, "young", "sent", NOW - 29 * DAY_MS)
    task = asyncio.create_task(sweep(database, lambda: NOW, 30))
    end_s = time.monotonic() + 10
    while "old" in left(database)[0] and time.monotonic() < end_s:
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    assert left(database)[0] == ["young"]


def test_the_oldest_are_found_by_an_index(database):
    """Among many of them none is sorted or scanned: the index of the newest is read backwards."""
    if database.is_sqlite:
        query = str(
            retention.make_query(BEFORE, 10, (0, "")).compile(
                database.engine, compile_kwargs={"literal_binds": True}
            )
        )
        plan = database.read_now(
            lambda c: [row.detail for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
        )
        assert any("ix_effect_newest" in line for line in plan), plan
        assert not any("TEMP B-TREE" in line for line in plan), plan
