"""Device keys at rest, and the cache in front of them."""

import asyncio

import pytest
from sqlalchemy import select

from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store import schema
from phonehome_cloud.store.key_cache import KeyCache
from phonehome_cloud.store.masters import FixedKeyring
from phonehome_cloud.store.vault import Vault
from phonehome_wire.keys import down_key, up_key
from tests.fakes.appliance import Appliance
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def receiver(tmp_path):
    """A receiver with an empty database."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


async def test_the_cache_derives_both_keys(receiver):
    """One for each direction."""
    washer = Appliance()
    await receiver.register(washer)
    found = await receiver.keys.find(washer.kid)
    assert (found.device, found.epoch, found.kid) == (washer.device, 1, washer.kid)
    assert found.up == up_key(washer.key, washer.dev)
    assert found.down == down_key(washer.key, washer.dev)
    assert found.up.hex() not in repr(found)


async def test_the_cache_is_asked_again_after_its_time(receiver):
    """What another process changed counts within a minute."""
    washer = Appliance()
    assert await receiver.keys.find(washer.kid) is None
    await receiver.register(washer)
    assert await receiver.keys.find(washer.kid) is None
    receiver.clock.advance(60_000)
    assert (await receiver.keys.find(washer.kid)).device == washer.device


async def test_the_cache_is_bounded(receiver):
    """A flood of unknown names costs no memory."""
    cache = KeyCache(receiver.database, receiver.vault, receiver.clock, capacity=10)
    for number in range(30):
        await cache.find(Appliance(number).kid)
    assert len(cache._known) == 10


async def test_a_revoked_device_has_no_key(receiver):
    """Also when a row of it were left."""
    washer = Appliance()
    await receiver.register(washer)
    await receiver.database.write(lambda c: c.execute(schema.device.update().values(revoked_at=1)))
    assert await receiver.keys.find(washer.kid) is None


async def test_keys_are_stored_sealed(receiver):
    """No row holds a device key in the clear."""
    washer = Appliance()
    await receiver.register(washer)
    rows = await receiver.database.read(lambda c: c.execute(select(schema.device_key)).all())
    assert len(rows) == 1
    assert washer.key not in rows[0].sealed


class HeldDatabase:
    """The database, whose readers come back when they are let; it counts them."""

    def __init__(self, database):
        self._database = database
        self.reads = 0
        self.has_read = asyncio.Event()
        self.may_return = asyncio.Event()

    async def read(self, *args):
        self.reads += 1
        found = await self._database.read(*args)
        self.has_read.set()
        await self.may_return.wait()
        return found


@pytest.fixture
def held(receiver):
    """A database that lets its readers return."""
    made = HeldDatabase(receiver.database)
    made.may_return.set()
    return made


async def test_keys_that_are_wanted_together_are_read_together(receiver, held):
    """However many wait, each gets its own; what is at hand is not read again."""
    washers, strangers = ([Appliance(n) for n in some] for some in (range(20), range(20, 600)))
    for washer in washers:
        await receiver.register(washer)
    cache = KeyCache(held, receiver.vault, receiver.clock)
    for _ in range(2):
        found = await asyncio.gather(*(cache.find(one.kid) for one in washers + strangers))
        assert [key.device for key in found[:20]] == [washer.device for washer in washers]
        assert found[20:] == [None] * 580
        assert found[0].up == up_key(washers[0].key, washers[0].dev)
        assert held.reads == 2  # at most 500 in each
    assert cache.recall(washers[0].kid) is found[0]


async def test_a_key_that_cannot_be_opened_is_nobody_elses_trouble(receiver):
    """Its device is told; those whose keys were read with it are not."""
    washer, strange = Appliance(1), Appliance(2)
    await receiver.register(washer)
    receiver.vault, ours = Vault(FixedKeyring(bytes(32))), receiver.vault
    await receiver.register(strange)
    cache = KeyCache(receiver.database, ours, receiver.clock)
    wanted = (cache.find(strange.kid), cache.find(washer.kid))
    refused, found = await asyncio.gather(*wanted, return_exceptions=True)
    assert isinstance(refused, StoreRefusedError)
    assert found.device == washer.device


async def test_who_gives_up_takes_nothing_from_the_others(receiver, held):
    """Two messages of one device wait for its key, and one connection is cut."""
    washer = Appliance()
    await receiver.register(washer)
    cache = KeyCache(held, receiver.vault, receiver.clock)
    held.may_return.clear()
    first, second = (asyncio.create_task(cache.find(washer.kid)) for _ in range(2))
    await held.has_read.wait()
    first.cancel()
    held.may_return.set()
    assert (await second).device == washer.device
    assert held.reads == 1


async def test_what_changed_during_a_look_is_looked_at_again(receiver, held):
    """A device that knocks while it is being registered is not turned away for a minute."""
    washer = Appliance()
    cache = KeyCache(held, receiver.vault, receiver.clock)
    held.may_return.clear()
    early = asyncio.create_task(cache.find(washer.kid))
    await held.has_read.wait()
    await receiver.register(washer)
    cache.forget(washer.device)
    held.may_return.set()
    assert await early is None
    assert (await cache.find(washer.kid)).device == washer.device
