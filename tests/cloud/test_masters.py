"""Secrets at rest: what a vault opens, where master keys come from, how one is replaced."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import stat

import pytest

from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store import claims, keys, masters, resealing, rotation, schema, secrets
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.key_cache import KeyCache
from phonehome_cloud.store.masters import FileKeyring, FixedKeyring
from phonehome_cloud.store.resealing import check_masters, count_masters, reseal
from phonehome_cloud.store.vault import Vault
from tests.cloud.running import TOKEN, running
from tests.cloud.test_serving import begin, command
from tests.fakes.appliance import Appliance
from tests.fakes.store import MASTER, StoreReceiver

OTHER = b"\x07" * 32
SECRET = bytes(range(32))
MANY = 6000  # 30 transactions: a kill comes in the middle of them
DEADLINE_S = 60


@pytest.fixture
def receiver(request, tmp_path):
    """A receiver with an empty database, of the kind that the test asks for."""
    if "each_database" in request.fixturenames:
        request.getfixturevalue("each_database")
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


def test_a_sealed_secret_comes_back():
    """Under the same master key and name; a nonce is never used twice."""
    vault = Vault(FixedKeyring(MASTER))
    sealer = vault.sealer()
    sealed = sealer.seal("device key a 1", SECRET)
    assert SECRET not in sealed
    assert vault.open("device key a 1", sealed, sealer.master) == SECRET
    assert sealer.seal("device key a 1", SECRET) != sealed


@pytest.mark.parametrize(
    ("ring", "name", "named"),
    [
        ((OTHER,), "device key a 1", True),
        ((OTHER,), "device key a 1", False),
        ((MASTER,), "device key b 1", True),
        ((MASTER,), "device key a 2", True),
        ((MASTER,), "salt of the device key a 1", True),
    ],
)
def test_a_sealed_secret_opens_nowhere_else(ring, name, named):
    """A row moved to another device, epoch or column is worth nothing, nor one of another key."""
    sealer = Vault(FixedKeyring(MASTER)).sealer()
    sealed = sealer.seal("device key a 1", SECRET)
    with pytest.raises(StoreRefusedError, match="master key"):
        Vault(FixedKeyring(*ring)).open(name, sealed, sealer.master if named else "")


def test_the_first_key_seals_and_all_of_them_open():
    """That is what makes a rotation possible; a row that does not name its key is tried."""
    old = Vault(FixedKeyring(MASTER)).sealer()
    both = Vault(FixedKeyring(OTHER, MASTER))
    sealed = old.seal("claim x", SECRET)
    assert both.sealer().master == masters.master_id(OTHER) == both.masters[0]
    assert both.open("claim x", sealed, old.master) == SECRET
    assert both.open("claim x", sealed, "") == SECRET


@pytest.mark.usefixtures("each_database")
async def test_another_master_key_refuses_the_start(receiver):
    """It would make every device unknown; an empty database takes any."""
    wrong = Vault(FixedKeyring(OTHER))
    await receiver.database.read(check_masters, wrong)
    await receiver.register(Appliance())
    await receiver.database.read(check_masters, receiver.vault)
    with pytest.raises(StoreRefusedError, match="set PHONEHOME_MASTER_KEY or"):
        await receiver.database.read(check_masters, wrong)


@pytest.mark.usefixtures("each_database")
async def test_rows_from_before_rows_named_their_key_are_checked_and_opened(receiver):
    """The migration cannot know the key: its rows are tried, and named when sealed again."""
    washer = Appliance()
    await receiver.register(washer)
    await receiver.database.write(
        lambda c: c.execute(schema.device_key.update().values(master=""))
    )
    with pytest.raises(StoreRefusedError, match="does not open"):
        await receiver.database.read(check_masters, Vault(FixedKeyring(OTHER)))
    assert (await receiver.keys.find(washer.kid)).device == washer.device
    assert reseal(receiver.database.write_now, receiver.vault) == 1
    assert await receiver.database.read(count_masters) == {masters.master_id(MASTER): 1}


def test_the_file_is_made_once_and_private(tmp_path, caplog):
    """Mode 0600, 64 hex digits, the same key the next time; and the log says what to do."""
    path = tmp_path / "deep" / "master.key"
    first = FileKeyring(path, is_made=True).masters
    assert [len(master) for master in first] == [32]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "keep a copy" in caplog.text
    assert first[0].hex() not in caplog.text
    caplog.clear()
    assert FileKeyring(path, is_made=True).masters == first
    assert caplog.text == ""
    path.chmod(0o644)
    FileKeyring(path, is_made=True)
    assert "chmod 600" in caplog.text


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "ab" * 33, "ab" * 32 + "\nabc"])
def test_a_broken_file_is_refused_and_kept(tmp_path, content):
    """It is never overwritten: what is in it may still be mended."""
    path = tmp_path / "master.key"
    path.write_text(content)
    with pytest.raises(StoreRefusedError, match="64 hex digits"):
        FileKeyring(path, is_made=True)
    assert path.read_text() == content


def test_a_changed_file_is_read_again(tmp_path):
    """A running receiver seals under a new key at once, and opens what the old one sealed."""
    path = tmp_path / "master.key"
    masters.write_masters(path, [MASTER])
    vault = Vault(FileKeyring(path, is_made=False))
    old = vault.sealer()
    masters.write_masters(path, [OTHER, MASTER])
    assert vault.sealer().master == masters.master_id(OTHER)
    assert vault.open("claim x", old.seal("claim x", SECRET), old.master) == SECRET


@pytest.mark.usefixtures("each_database")
async def test_everything_is_sealed_again(receiver):
    """Keys, salts, claims, passwords; afterwards the old key opens nothing, nor is it needed."""
    washer = Appliance()
    await receiver.register(washer)
    await receiver.database.write(
        rotation.issue_rotation, receiver.vault, washer.device, receiver.clock()
    )
    row = {"product": "washer", "devices": [], "max_uses": 1, "created_at": 1}
    row |= {"created_by": "token:a", "expires_at": 2**40}
    name, _ = await receiver.database.write(claims.add, receiver.vault, row)
    secret = {9: "a very secret word"}
    await receiver.database.write(secrets.put, receiver.vault, washer.device, secret)
    before = await receiver.database.read(claims.find_key, receiver.vault, name)
    told = await receiver.database.read(rotation.find_rotation, receiver.vault, washer.device, 1)

    assert reseal(receiver.database.write_now, Vault(FixedKeyring(OTHER, MASTER))) == 4
    new = Vault(FixedKeyring(OTHER))
    await receiver.database.read(check_masters, new)
    assert await receiver.database.read(count_masters) == {masters.master_id(OTHER): 4}
    assert await receiver.database.read(claims.find_key, new, name) == before
    now = await receiver.database.read(rotation.find_rotation, new, washer.device, 1)
    assert now.args == told.args
    with pytest.raises(StoreRefusedError):
        await receiver.database.read(claims.find_key, receiver.vault, name)
    cache = KeyCache(receiver.database, new, receiver.clock)
    assert (await cache.find(washer.kid)).device == washer.device


def test_nothing_that_is_sealed_is_forgotten():
    """Every table with a sealed column is walked when the master key is replaced."""
    sealed = {t.name for t in schema.metadata.tables.values() if "sealed" in t.c}
    assert {kind.table.name for kind in resealing._SEALED} == sealed


async def test_a_running_receiver_goes_on_while_its_master_key_is_replaced(tmp_path):
    """Reports are acknowledged before and after, new devices are sealed under the new key, and
    nothing needs the old one when it has been taken away.
    """
    async with running(tmp_path) as receiver:
        old, first = await receiver.register(), (await counted(tmp_path)).keys()
        code, said, _ = await command(tmp_path, "keys", "rotate")
        assert (code, "sealed 1 rows again" in said) == (0, True)
        assert (await receiver.up(old.report(old.heartbeat())))[0] == 200
        new = await receiver.register()
        counts = await counted(tmp_path)
        assert (counts.keys().isdisjoint(first), list(counts.values())) == (True, [2])
        code, _, errors = await command(tmp_path, "keys", "retire")
        assert (code, "wait 60 s" in errors) == (1, True)
        await age(tmp_path / "master.key")
        code, said, _ = await command(tmp_path, "keys", "retire")
        assert (code, next(iter(first)) in said) == (0, True)
        assert len((tmp_path / "master.key").read_text().splitlines()) == 1
        assert (await receiver.up(new.report(new.heartbeat())))[0] == 200
    async with running(tmp_path) as receiver:
        assert (await receiver.up(old.report(old.heartbeat())))[0] == 200
        assert (await receiver.up(new.report(new.heartbeat())))[0] == 200


async def counted(folder):
    """How many device keys each master key seals, as anybody can read it."""
    with contextlib.closing(sqlite3.connect(folder / "receiver.db")) as database:
        rows = database.execute("SELECT master, count(*) FROM device_key GROUP BY master")
        return dict(rows.fetchall())


async def age(path):
    """A file that was written an hour ago."""
    found = path.stat()
    os.utime(path, (found.st_atime - 3600, found.st_mtime - 3600))


async def test_a_killed_rotation_is_finished_by_the_next_one(tmp_path):
    """Kill -9 in the middle: every key opens, no third master key is drawn, the rest is done."""
    await fill(tmp_path)
    process = await begin(tmp_path, "keys", "rotate")
    async with asyncio.timeout(DEADLINE_S):
        while len(await counted(tmp_path)) < 2:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    counts = await counted(tmp_path)
    assert len(counts) == 2, "it was killed too late to prove anything"
    assert await opened(tmp_path) == MANY
    code, said, errors = await command(tmp_path, "keys", "rotate")
    assert code == 0, errors
    left = min(int(word) for word in said.split() if word.isdigit())
    assert 0 < left < MANY
    assert list((await counted(tmp_path)).values()) == [MANY]
    assert len((tmp_path / "master.key").read_text().splitlines()) == 2
    assert await opened(tmp_path) == MANY


async def fill(folder):
    """Many devices with keys under the first master key."""
    async with running(folder):
        pass
    vault, database = books(folder)

    def register(connection):
        for number in range(MANY):
            washer = Appliance(number)
            row = {"device": washer.device, "created_at": 1}
            connection.execute(schema.device.insert().values(row))
            keys.add_key(connection, vault, washer.device, 1, washer.key, 1)

    database.write_now(register)
    database.close()


def books(folder):
    """The vault and the database of a receiver in a folder."""
    database = Database(f"sqlite:///{folder}/receiver.db")
    database.open()
    return Vault(FileKeyring(folder / "master.key", is_made=False)), database


async def opened(folder):
    """How many device keys are what they were."""
    vault, database = books(folder)
    rows = database.write_now(lambda c: c.execute(schema.device_key.select()).all())
    database.close()
    wanted = {Appliance(n).device: Appliance(n).key for n in range(MANY)}
    return sum(keys.open_key(vault, row) == wanted[row.device] for row in rows)


async def test_master_keys_of_the_environment_are_replaced_in_the_same_way(tmp_path):
    """NEW,OLD at a restart, `keys rotate`, then NEW alone; OLD alone is refused by name."""
    old, new = MASTER.hex(), OTHER.hex()
    async with running(tmp_path, MASTER_KEY=old) as receiver:
        voice = await receiver.register()
    code, _, errors = await command(tmp_path, "keys", "rotate", MASTER_KEY=old)
    assert (code, "NEW,OLD" in errors) == (2, True)
    code, said, _ = await command(tmp_path, "keys", "rotate", MASTER_KEY=f"{new},{old}")
    assert (code, "sealed 1 rows again" in said) == (0, True)
    code, said, _ = await command(tmp_path, "keys", "list", MASTER_KEY=f"{new},{old}")
    assert said.splitlines() == [
        f"{masters.master_id(OTHER)} seals, 1 rows",
        f"{masters.master_id(MASTER)} opens, 0 rows",
    ]
    assert (await command(tmp_path, "keys", "retire", MASTER_KEY=f"{new},{old}"))[0] == 0
    async with running(tmp_path, MASTER_KEY=new) as receiver:
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200
    code, _, errors = await command(tmp_path, "serve", MASTER_KEY=old)
    assert (code, masters.master_id(OTHER) in errors) == (1, True)
    assert "Traceback" not in errors
    assert TOKEN not in errors


async def test_a_lost_file_is_not_replaced_by_a_new_key(tmp_path):
    """Where rows need it, `keys rotate` says that it is missing, and the start is refused."""
    async with running(tmp_path) as receiver:
        await receiver.register()
    (tmp_path / "master.key").unlink()
    code, _, errors = await command(tmp_path, "keys", "rotate")
    assert (code, "restore it" in errors) == (1, True)
    assert not (tmp_path / "master.key").exists()


async def test_where_receivers_share_a_database_none_draws_a_key_alone(tmp_path, postgresql):
    """The others could not open what it seals: the new key is given to each of them first."""
    old, new = MASTER.hex(), OTHER.hex()
    file = tmp_path / "master.key"
    masters.write_masters(file, [MASTER])
    with postgresql.database("sharing") as url:
        given = {"STORE_URL": url, "KEYS_FILE": str(file)}
        async with running(tmp_path, **given) as receiver:
            await receiver.register()
        code, _, errors = await command(tmp_path, "keys", "rotate", **given)
        assert (code, "at every receiver first" in errors) == (2, True), errors
        assert file.read_text() == old + "\n"
        file.write_text(f"{new}\n{old}\n")
        code, said, errors = await command(tmp_path, "keys", "rotate", **given)
        assert (code, "sealed 1 rows again" in said) == (0, True), errors
        async with running(tmp_path, STORE_URL=url, MASTER_KEY=new):
            pass
