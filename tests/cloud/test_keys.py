"""Device keys at rest, and the cache in front of them."""

import pytest
from sqlalchemy import select

from phonehome_cloud.store import keys, schema
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
    cache = keys.KeyCache(receiver.database, receiver.vault, receiver.clock, capacity=10)
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
