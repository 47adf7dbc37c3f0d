"""The database file: what is refused, what is waited out, and that nothing is overwritten."""

import hashlib
import shutil
import sqlite3

import pytest
from sqlalchemy import insert, select, text

from phonehome_cloud import migrations
from phonehome_cloud.errors import ConfigError, StoreRefusedError, StoreUnavailableError
from phonehome_cloud.store import schema
from phonehome_cloud.store.database import Database
from tests.fakes.appliance import Appliance, heartbeat
from tests.fakes.store import StoreReceiver


@pytest.fixture
def filled(tmp_path):
    """The path of a database with some reports in it, closed."""
    receiver = StoreReceiver(tmp_path)
    rows = [{"device": f"{n:016x}", "created_at": n} for n in range(500)]
    receiver.database.write_now(lambda c: c.execute(insert(schema.device), rows))
    receiver.close()
    return receiver.path


def digest_of(path):
    """A fingerprint of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def started(path):
    """Open and prepare the database of a file."""
    database = Database(f"sqlite:///{path}")
    try:
        database.open()
        migrations.prepare(database)
    finally:
        database.close()


def damage_page(path, number):
    """Overwrite one page of a database file."""
    with path.open("r+b") as file:
        file.seek(4096 * number)
        file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("page", [1, 2, 5, 9])
def test_a_damaged_page_refuses_the_start(filled, page):
    """The file is as it was, nothing beside it is made, and the message says what to do."""
    damage_page(filled, page)
    before = digest_of(filled), sorted(filled.parent.iterdir())
    with pytest.raises(StoreRefusedError, match=r"damaged.*nothing was changed.*Restore"):
        started(filled)
    assert (digest_of(filled), sorted(filled.parent.iterdir())) == before


def test_another_kind_of_file_refuses_the_start(tmp_path):
    """A typing mistake in the path does not cost a document."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear customer, " * 1000)
    before = digest_of(path)
    with pytest.raises(StoreRefusedError, match="its header is not SQLite's"):
        started(path)
    assert digest_of(path) == before


def test_a_truncated_file_refuses_the_start(filled):
    """Half a database is no database."""
    data = filled.read_bytes()
    filled.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    with pytest.raises(StoreRefusedError):
        started(filled)


def test_a_newer_schema_refuses_the_start(filled):
    """An older receiver never writes into what it does not know."""
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreRefusedError, match="9999 is newer than this receiver knows"):
        started(filled)
    connection = sqlite3.connect(filled)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    assert connection.execute("SELECT count(*) FROM device").fetchone() == (500,)
    connection.close()


def test_a_good_file_starts_again(filled):
    """Preparing twice changes nothing."""
    started(filled)
    started(filled)


def test_a_new_folder_is_made(tmp_path):
    """The default lies in a folder of its own."""
    started(tmp_path / "new" / "phonehome.db")
    assert (tmp_path / "new" / "phonehome.db").exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url):
    """A lost database is a lost report."""
    with pytest.raises(ConfigError, match="name a file"):
        Database(url)


@pytest.mark.parametrize("url", ["mysql://anna:hush@db/x", "postgresql+asyncpg://anna:hush@db/x"])
def test_another_kind_of_database_is_refused(url):
    """The two that work are named, and the password in the URL is not."""
    with pytest.raises(ConfigError, match=r"want sqlite:.* or postgresql:") as caught:
        Database(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_urls_are_as_people_write_them(scheme):
    """Whichever name the hoster gives it, the same driver answers."""
    database = Database(f"{scheme}://anna:hush@db/x")
    assert database.url.drivername == "postgresql+psycopg"
    assert not database.is_sqlite
    database.close()


async def test_commits_are_synced_and_foreign_keys_hold(tmp_path):
    """The pragmas that an ack stands on are set on the connection that writes."""
    receiver = StoreReceiver(tmp_path)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

    def read_pragmas(connection):
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}

    assert await receiver.database.write(read_pragmas) == wanted
    receiver.close()


async def test_a_write_is_whole_or_nothing(tmp_path):
    """What fails half way leaves no trace, and the next write works."""
    receiver = StoreReceiver(tmp_path)

    def fail_half_way(connection):
        connection.execute(insert(schema.device).values(device="0" * 16, created_at=1))
        raise LookupError

    with pytest.raises(LookupError):
        await receiver.database.write(fail_half_way)
    assert await receiver.count(schema.device) == 0
    await receiver.register(Appliance())
    assert await receiver.count(schema.device) == 1
    receiver.close()


async def test_readers_see_only_what_is_committed(tmp_path):
    """A read during a write sees the state before it, and does not wait."""
    receiver = StoreReceiver(tmp_path)
    seen = []

    def write(connection):
        connection.execute(insert(schema.device).values(device="0" * 16, created_at=1))
        seen.append(
            receiver.database.read_now(lambda c: len(c.execute(select(schema.device)).all()))
        )

    await receiver.database.write(write)
    assert seen == [0]
    receiver.close()


async def test_a_full_disk_is_503_without_an_ack_and_recovers(tmp_path):
    """SQLite's own "disk is full": nothing acknowledged is missing, and it goes on by itself."""
    receiver = StoreReceiver(tmp_path)
    washer = Appliance()
    await receiver.register(washer)
    await receiver.accept(washer.message())
    pages = await receiver.database.write(lambda c: c.execute(text("PRAGMA page_count")).scalar())
    await receiver.pragma(f"PRAGMA max_page_count = {pages + 2}")
    acked = refused = n = 0
    while refused < 5 and n < 1000:
        n += 1
        reply = await receiver.accept(washer.message([heartbeat(n)], now_ms=60_000 + n))
        stored = washer.hears(reply.body).stored
        acked += reply.status == 200
        refused += reply.status == 503
        assert stored == ([(1, n, n)] if reply.status == 200 else [])
    assert acked > 0
    assert refused == 5
    assert await receiver.count(schema.record) == acked
    await receiver.pragma("PRAGMA max_page_count = 1000000")
    reply = await receiver.accept(washer.message([heartbeat(9999)], now_ms=70_000))
    assert (reply.status, washer.hears(reply.body).stored) == (200, [(1, 9999, 9999)])
    receiver.close()


async def test_a_locked_database_is_unavailable(tmp_path):
    """Somebody else's transaction is waited for, and then told."""
    receiver = StoreReceiver(tmp_path)
    await receiver.pragma("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(receiver.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        await receiver.register(Appliance())
    other.execute("ROLLBACK")
    other.close()
    await receiver.register(Appliance())
    receiver.close()


async def test_the_file_can_be_copied_while_it_is_written(tmp_path):
    """A database and its log, copied together after a commit, hold that commit."""
    receiver = StoreReceiver(tmp_path)
    await receiver.register(Appliance())
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("phonehome.db*"):
        shutil.copy(path, copy)
    connection = sqlite3.connect(copy / "phonehome.db")
    assert connection.execute("SELECT count(*) FROM device").fetchone() == (1,)
    connection.close()
    receiver.close()
