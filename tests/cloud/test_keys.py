"""Device keys at rest, and the cache in front of them."""

import stat

import pytest
from sqlalchemy import select

from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store import keys, schema
from phonehome_wire.keys import down_key, up_key
from tests.fakes.appliance import Appliance
from tests.fakes.store import StoreReceiver

KEY = bytes(range(32))
DEV = "a4cf12fffe05d3b1"


@pytest.fixture
def receiver(tmp_path):
    """A receiver with an empty database."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


def test_a_sealed_key_comes_back():
    """Under the same master key, device and epoch."""
    vault = keys.Vault(bytes(32))
    sealed = vault.seal(DEV, 1, KEY)
    assert KEY not in sealed
    assert vault.open(DEV, 1, sealed) == KEY
    assert vault.seal(DEV, 1, KEY) != sealed, "a nonce is never used twice"


@pytest.mark.parametrize(
    ("master", "dev", "epoch"),
    [(b"\x01" * 32, DEV, 1), (bytes(32), "0" * 16, 1), (bytes(32), DEV, 2)],
)
def test_a_sealed_key_opens_nowhere_else(master, dev, epoch):
    """A row moved to another device or epoch is worth nothing."""
    sealed = keys.Vault(bytes(32)).seal(DEV, 1, KEY)
    with pytest.raises(StoreRefusedError, match="master key"):
        keys.Vault(master).open(dev, epoch, sealed)


async def test_another_master_key_refuses_the_start(receiver):
    """It would make every device unknown; an empty database takes any."""
    check = keys.check_master_key
    await receiver.database.read(check, keys.Vault(b"\x07" * 32))
    await receiver.register(Appliance())
    await receiver.database.read(check, receiver.vault)
    with pytest.raises(StoreRefusedError, match="set PHONEHOME_MASTER_KEY or"):
        await receiver.database.read(check, keys.Vault(b"\x07" * 32))


def test_the_master_key_file_is_made_once_and_private(tmp_path):
    """Mode 0600, 64 hex digits, the same key the next time."""
    path = tmp_path / "master.key"
    first = keys.read_master_key(path)
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.read_master_key(path) == first


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "ab" * 33])
def test_a_broken_master_key_file_is_refused_and_kept(tmp_path, content):
    """It is never overwritten: what is in it may still be mended."""
    path = tmp_path / "master.key"
    path.write_text(content)
    with pytest.raises(StoreRefusedError, match="64 hex digits"):
        keys.read_master_key(path)
    assert path.read_text() == content


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
