"""Several receiver processes on one PostgreSQL: one record, one ticket, one order of events."""

import asyncio
import contextlib
import random
import re

import aiohttp
import pytest
from sqlalchemy import func, select

from phonehome_cloud.store import schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.waiting import mark_digested, take_waiting
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED
from tests.cloud.running import CONTENT_TYPE, TOKEN
from tests.cloud.test_serving import served
from tests.cloud.voice import Voice
from tests.fakes.appliance import Appliance, fault
from tests.fakes.bases import empty_shared, use_base
from tests.fakes.store import MASTER, StoreReceiver

OPEN_GATES = {
    f"INTAKE_{name}": "1000000"
    for name in ("ADDRESS_PER_S", "ADDRESS_BURST", "KEY_PER_S", "KEY_BURST")
}
SPNS = (520193, 520194)
ROUNDS = 10  # of confirmed, healed, for each fault of a device
FLEET = 25
DEADLINE_S = 60


@pytest.fixture
def store_url(postgresql):
    """An empty PostgreSQL for all receivers of a test."""
    return empty_shared(postgresql)


@pytest.fixture
def database(store_url):
    """The same, to look into."""
    made = Database(store_url)
    made.open()
    yield made
    made.close()


class Twins:
    """Two receiver processes, and one client of both."""

    def __init__(self, urls, session):
        self.urls = urls
        self._session = session

    async def register(self, voice):
        """Make a device known."""
        body = {"device": voice.device, "product": "washer", "key": voice.key.hex()}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = self.urls[0] + "/api/v1/devices"
        async with self._session.post(url, json=body, headers=headers) as answer:
            assert answer.status == 201

    async def up(self, which, message):
        """Report to one of them; returns the status."""
        headers = {"Content-Type": CONTENT_TYPE}
        url = self.urls[which] + "/v1/up"
        async with self._session.post(url, data=message, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def digested(self):
        """How many records each of them has digested."""
        found = []
        for url in self.urls:
            async with self._session.get(url + "/metrics") as answer:
                text = await answer.text()
            values = re.findall(
                r"^phonehome_digested_records_total\{.*\} (\S+)$", text, re.MULTILINE
            )
            found.append(sum(map(float, values)))
        return found


@contextlib.asynccontextmanager
async def twins(folder, url):
    """Two receivers on one database."""
    more = {"STORE_URL": url, "MASTER_KEY": MASTER.hex(), **OPEN_GATES}
    connector = aiohttp.TCPConnector(limit=400)
    async with (
        served(folder, **more) as (_, one),
        served(folder, **more) as (_, other),
        aiohttp.ClientSession(connector=connector) as session,
    ):
        urls = [re.search(r"http=(\S+)", line)[1] for line in (one, other)]
        yield Twins(urls, session)


async def settled(database):
    """Return when nothing waits for the digest."""
    waiting = select(func.count()).where(schema.record.c.digested_at.is_(None))
    async with asyncio.timeout(DEADLINE_S):
        while await database.read(lambda c: c.execute(waiting).scalar()):  # noqa: ASYNC110 - theirs
            await asyncio.sleep(0.05)


def lives(voice):
    """A thousand reports of a fleet have each: faults that come and go, and end confirmed."""
    for _ in range(ROUNDS):
        for kind in (KIND_HEALED, KIND_CONFIRMED):
            for spn in SPNS:
                yield voice.report(voice.fault(spn, 7, kind))


async def test_a_thousand_reports_to_two_receivers_at_once_are_a_thousand_once(
    tmp_path, store_url, database
):
    """Each message goes to both at the same time: every one is acknowledged by both, stored once,
    and each fault of each device has one open ticket whose history is in the order of the device.
    """
    fleet = [Voice() for _ in range(FLEET)]
    async with twins(tmp_path, store_url) as receivers:
        for voice in fleet:
            await receivers.register(voice)
        messages = [message for voice in fleet for message in lives(voice)]
        assert len(messages) == 1000
        sends = [(which, message) for message in messages for which in (0, 1)]
        random.Random(5).shuffle(sends)
        statuses = await asyncio.gather(*(receivers.up(*send) for send in sends))
        assert statuses == [200] * 2000
        await settled(database)
        async with asyncio.timeout(DEADLINE_S):  # counted behind the commit
            while (digested := sum(await receivers.digested())) < 1000:  # noqa: ASYNC110 - theirs
                await asyncio.sleep(0.05)
        assert digested == 1000
    rows = await database.read(lambda c: c.execute(select(schema.record)).all())
    assert len(rows) == len({(r.device, r.inc, r.boot, r.seq) for r in rows}) == 1000
    assert all(row.digest_failure is None for row in rows)
    assert await database.read(count, schema.message) == 1000
    assert await database.read(count, schema.fault_event) == 1000
    await check_tickets(database, fleet)


def count(connection, table):
    """How many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar()


async def check_tickets(database, fleet):
    """One open ticket of each fault, and numbers and histories without a gap."""
    tickets = await database.read(lambda c: c.execute(select(schema.ticket)).all())
    open_ones = [(t.device, t.spn) for t in tickets if t.ended_at is None]
    assert sorted(open_ones) == sorted((v.device, spn) for v in fleet for spn in SPNS)
    for voice in fleet:
        numbers = sorted(t.number for t in tickets if t.device == voice.device)
        assert numbers == list(range(1, len(numbers) + 1))
    events = await database.read(count, schema.ticket_event)
    assert events == sum(t.events for t in tickets)
    standings = await database.read(lambda c: c.execute(select(schema.fault)).all())
    assert {row.seq for row in standings} == {4 * ROUNDS - 2, 4 * ROUNDS - 1}


async def test_devices_in_hand_are_left_to_whoever_has_them(tmp_path, store_url):
    """While one digest has devices another gets the others, and then none that is done."""
    use_base(tmp_path, store_url)
    receiver, other = StoreReceiver(tmp_path), StoreReceiver(tmp_path)
    fleet = [Appliance(number) for number in range(4)]
    for appliance in fleet:
        await receiver.register(appliance)
        records = [fault(0), fault(1, KIND_HEALED), fault(2)]
        await receiver.accept(appliance.message(records))
    with receiver.database.engine.begin() as ours, other.database.engine.begin() as theirs:
        mine = take_waiting(ours, 6)
        yours = take_waiting(theirs, 100)
        assert {row.device for row in mine} == {a.device for a in fleet[:2]}
        assert {row.device for row in yours} == {a.device for a in fleet[2:]}
        assert (len(mine), len(yours)) == (6, 6)
        assert [row.seq for row in mine if row.device == fleet[0].device] == [0, 1, 2]
        mark_digested(ours, [(row, None) for row in mine], 1)
    with other.database.engine.begin() as theirs:
        assert {row.device for row in take_waiting(theirs, 100)} == {a.device for a in fleet[2:]}
    receiver.close()
    other.close()


async def test_intake_does_not_wait_for_the_digest(tmp_path, store_url):
    """A report is acknowledged while the digest has its device in hand."""
    use_base(tmp_path, store_url)
    receiver, washer = StoreReceiver(tmp_path), Appliance()
    await receiver.register(washer)
    await receiver.accept(washer.message([fault(0)]))
    with receiver.database.engine.begin() as digesting:
        assert len(take_waiting(digesting, 10)) == 1
        async with asyncio.timeout(DEADLINE_S):
            reply = await receiver.accept(washer.message([fault(1)], now_ms=61_000))
        assert reply.status == 200
    receiver.close()


async def test_a_backlog_is_shared(tmp_path, store_url, database):
    """Two digests beside one backlog both have a part in it, and each record is digested once."""
    use_base(tmp_path, store_url)
    pair = [StoreReceiver(tmp_path, digest_batch=20) for _ in range(2)]
    fleet = [Appliance(number) for number in range(40)]
    for appliance in fleet:
        await pair[0].register(appliance)
        records = [fault(n, (KIND_CONFIRMED, KIND_HEALED)[n % 2]) for n in range(10)]
        await pair[0].accept(appliance.message(records))
    await asyncio.gather(*(receiver.digest_all() for receiver in pair))
    await settled(database)
    shares = [receiver.counts.digested["done"] for receiver in pair]
    assert sum(shares) == 400
    assert min(shares) > 0
    assert await database.read(count, schema.fault_event) == 400
    for receiver in pair:
        receiver.close()
