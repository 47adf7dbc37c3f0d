"""A backup is the whole store of one moment, or no backup; a restore is all of it, or nothing."""

import asyncio
import contextlib
import signal
import sqlite3

import psycopg
import pytest
from sqlalchemy import create_engine

from phonehome_cloud.store import snapshots
from phonehome_cloud.store.schema import metadata
from phonehome_wire.registry import KIND_HEALED
from tests.cloud.running import running
from tests.cloud.test_serving import begin, command
from tests.fakes.bases import base_url, use_base
from tests.fakes.store import MASTER

BIG = 60_000  # rows: a backup of them takes long enough to be killed
DEADLINE_S = 60


def counted(path):
    """How many rows each table has, counted by SQLite itself."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        ours = sorted(name for (name,) in names if not name.startswith("backup_"))
        return {n: database.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in ours}


async def lived(receiver):
    """A receiver in which something of everything happened; returns a device and its reports."""
    voice = await receiver.register(label="kitchen")
    reports = [voice.report(voice.fault(520193, 7)), voice.report(voice.heartbeat())]
    for message in reports:
        assert (await receiver.up(message))[0] == 200
    await receiver.eventually(
        lambda: receiver.api("GET", "/tickets"), lambda page: len(page["items"]) == 1
    )
    assert (await receiver.up(voice.sealed(b"\xff")))[0] == 422
    await receiver.api("POST", "/claims", 201, json={"product": "washer"})
    await receiver.api(
        "POST", f"/devices/{voice.device}/commands", 201, json={"code": "send_hello"}
    )
    await receiver.api(
        "PUT", f"/devices/{voice.device}/config", json={"values": {"heartbeat_s": 60}}
    )
    return voice, reports


BOTH = ("sqlite", "postgresql")


@pytest.fixture
def bases(tmp_path, postgresql):
    """Makes the folder of a receiver with an empty database of a kind; returns its settings."""
    with contextlib.ExitStack() as stack:

        def make(name, kind):
            folder = tmp_path / name
            folder.mkdir()
            if kind == "postgresql":
                use_base(folder, stack.enter_context(postgresql.database(f"backup_{name}")))
            return folder, {"STORE_URL": base_url(folder), "MASTER_KEY": MASTER.hex()}

        yield make


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("target", BOTH)
async def test_a_restored_receiver_goes_on_where_the_other_one_was(
    tmp_path, bases, source, target
):
    """Backed up while it runs, restored into an empty store of either kind: equal counts in every
    table, open tickets, and a device whose retransmissions are known.
    """
    old, theirs = bases("old", source)
    new, ours = bases("new", target)
    file = tmp_path / "store.backup"
    async with running(old, **theirs) as receiver:
        voice, reports = await lived(receiver)
        code, said, errors = await command(old, "backup", str(file), **theirs)
        assert (code, "rows in" in said) == (0, True), errors
        before = counted_in(theirs["STORE_URL"])
    code, said, errors = await command(new, "restore", "--verify", str(file), **ours)
    assert (code, "verified" in said) == (0, True), errors
    assert counted_in(ours["STORE_URL"]) == before
    assert before["ticket"] == before["quarantine"] == before["claim"] == before["command"] == 1
    async with running(new, **ours) as receiver:
        for message in reports:
            status, body, _ = await receiver.up(message)
            assert (status, voice.hear(body).stored != []) == (200, True)
        assert 'reason="duplicate"' in await metrics(receiver)
        assert 'reason="accepted"' not in await metrics(receiver)
        healed = voice.report(voice.fault(520193, 7, KIND_HEALED))
        assert (await receiver.up(healed))[0] == 200
        tickets = await receiver.api("GET", "/tickets")
        assert [ticket["device"] for ticket in tickets["items"]] == [voice.device]
        code, _, errors = await command(new, "restore", str(file), **ours)
        assert (code, "nothing was" in errors) == (1, True), errors


def counted_in(url):
    """How many rows each table has, counted by the database itself."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            names = sorted(metadata.tables)
            count = "SELECT count(*) FROM {}"
            return {n: connection.exec_driver_sql(count.format(n)).scalar() for n in names}
    finally:
        engine.dispose()


async def metrics(receiver):
    """The counts of a receiver."""
    async with receiver.session.get(receiver.url + "/metrics") as answer:
        return await answer.text()


async def test_a_backup_under_load_is_one_moment(tmp_path):
    """While reports come in: whole, and every record has the message that brought it."""
    file = tmp_path / "store.backup"
    unlimited = {"INTAKE_KEY_PER_S": "1000000", "INTAKE_KEY_BURST": "1000000"}
    async with running(tmp_path, **unlimited) as receiver:
        voice = await receiver.register()
        done = asyncio.Event()

        async def report():
            while not done.is_set():
                assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200

        reporting = asyncio.create_task(report())
        code, _, errors = await command(tmp_path, "backup", str(file))
        done.set()
        await reporting
    assert code == 0, errors
    assert (await command(tmp_path, "restore", "--check", str(file)))[0] == 0
    found = counted(file)
    assert found["record"] == found["message"]
    assert 0 < found["record"] < counted(tmp_path / "receiver.db")["record"]


@pytest.fixture
async def backed_up(tmp_path):
    """A folder with a store, and a backup of it."""
    async with running(tmp_path) as receiver:
        await lived(receiver)
    assert (await command(tmp_path, "backup", str(tmp_path / "a.backup")))[0] == 0
    return tmp_path


async def test_nothing_is_overwritten(backed_up):
    """Neither a backup by a backup nor a store by a restore."""
    for words in (("backup", "a.backup"), ("restore", "a.backup")):
        before = (backed_up / "a.backup").read_bytes(), counted(backed_up / "receiver.db")
        code, _, errors = await command(backed_up, *words)
        assert (code, "nothing was overwritten" in errors) == (1, True), errors
        after = (backed_up / "a.backup").read_bytes(), counted(backed_up / "receiver.db")
        assert after == before


async def test_a_folder_that_is_not_there_is_named(backed_up):
    """Not the file of another name that would have been written first."""
    code, _, errors = await command(backed_up, "backup", "safe/a.backup")
    assert (code, errors.strip()) == (1, "phonehome_cloud: safe is no folder: make it first")


async def test_what_another_database_left_is_not_mixed_in(backed_up):
    """A write-ahead log without its file would be replayed into the restored one."""
    (backed_up / "receiver.db").rename(backed_up / "away.db")
    (backed_up / "receiver.db-wal").write_bytes(b"x")
    code, _, errors = await command(backed_up, "restore", "a.backup")
    assert (code, "belongs to another database" in errors) == (1, True)
    assert not (backed_up / "receiver.db").exists()


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("DELETE FROM record WHERE rowid = 1", "record (2 rows before, 1 now)"),
        ("UPDATE ticket SET title = 'another'", "ticket (1 rows before, 1 now)"),
        ("UPDATE ticket_event SET evidence = '{}'", "ticket_event"),
        ("DROP TABLE claim", "claim (1 rows before, no now)"),
        ("DROP TABLE backup_manifest", "no whole backup"),
        ("UPDATE backup_about SET value = '2' WHERE name = 'format'", "known is 1"),
        ("UPDATE backup_about SET value = '9999' WHERE name = 'revision'", "newer"),
    ],
)
async def test_a_backup_that_was_changed_is_refused(backed_up, statement, word):
    """Whatever was changed, the refusal names it, and nothing is restored."""
    with contextlib.closing(sqlite3.connect(backed_up / "a.backup")) as database, database:
        database.execute(statement)
    (backed_up / "receiver.db").rename(backed_up / "away.db")
    code, _, errors = await command(backed_up, "restore", "a.backup")
    assert (code, word in errors, "Traceback" in errors) == (1, True, False), errors
    assert not (backed_up / "receiver.db").exists()


async def test_a_cut_backup_is_refused(backed_up):
    """A copy that stopped half way is no backup."""
    content = (backed_up / "a.backup").read_bytes()
    (backed_up / "b.backup").write_bytes(content[: len(content) // 2])
    code, _, errors = await command(backed_up, "restore", "--check", "b.backup")
    assert (code, "Traceback" in errors) == (1, False), errors


async def test_without_its_master_key_nothing_is_restored(backed_up):
    """A store whose keys nobody can open would make every device unknown."""
    (backed_up / "receiver.db").rename(backed_up / "away.db")
    (backed_up / "master.key").unlink()
    code, _, errors = await command(backed_up, "restore", "a.backup")
    assert (code, "there is no master key" in errors) == (2, True), errors
    code, _, errors = await command(backed_up, "restore", "a.backup", MASTER_KEY="07" * 32)
    assert (code, "sealed under master key" in errors) == (1, True), errors
    assert not (backed_up / "receiver.db").exists()
    assert not (backed_up / "master.key").exists()


@pytest.mark.parametrize("verb", ["backup", "restore"])
async def test_a_killed_run_leaves_nothing_that_claims_to_be_whole(tmp_path, verb):
    """Killed as soon as bytes are written: no file of that name; the next run is not hindered."""
    async with running(tmp_path):
        pass
    fill(tmp_path / "receiver.db")
    file, store = tmp_path / "a.backup", tmp_path / "receiver.db"
    target = file
    if verb == "restore":
        assert (await command(tmp_path, "backup", "a.backup"))[0] == 0
        store.rename(tmp_path / "away.db")
        target = store
    process = await begin(tmp_path, verb, "a.backup")
    partial = target.with_name(target.name + ".partial")
    async with asyncio.timeout(DEADLINE_S):
        while not (partial.exists() and partial.stat().st_size):  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert partial.exists(), "it was killed too late to prove anything"
    assert not target.exists()
    if verb == "backup":
        assert (await command(tmp_path, "restore", "--check", partial.name))[0] == 1
    code, _, errors = await command(tmp_path, verb, "a.backup")
    assert code == 0, errors
    assert not partial.exists()
    assert counted(target)["device"] == BIG


async def test_a_killed_restore_leaves_postgresql_as_empty_as_it_was(tmp_path, bases):
    """All rows come in one transaction: killed among them there are none, and the next run is
    not hindered.
    """
    async with running(tmp_path):
        pass
    fill(tmp_path / "receiver.db")
    assert (await command(tmp_path, "backup", "a.backup"))[0] == 0
    folder, ours = bases("killed", "postgresql")
    ours["MASTER_KEY"] = (tmp_path / "master.key").read_text().strip()
    file = str(tmp_path / "a.backup")
    process = await begin(folder, "restore", file, **ours)
    look = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO device %'"
    async with asyncio.timeout(DEADLINE_S):
        while not ask(ours["STORE_URL"], look):  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was killed too late to prove anything"
    assert ask(ours["STORE_URL"], "SELECT 1 FROM device LIMIT 1") == []
    code, _, errors = await command(folder, "restore", "--verify", file, **ours)
    assert code == 0, errors
    assert counted_in(ours["STORE_URL"])["device"] == BIG


def ask(url, query):
    """The rows of a query, asked from outside."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def fill(path):
    """Many rows in a store."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        rows = ((f"{number:016x}", "x" * 200, 1) for number in range(BIG))
        database.executemany(
            "INSERT INTO device (device, label, created_at) VALUES (?, ?, ?)", rows
        )


def test_the_sum_is_of_the_rows_and_of_nothing_else():
    """Not of their order, nor of how a database spells truth and JSON; but of each value."""

    def summed(*rows):
        summing = snapshots.Summing(("b", "a", "j"), ("j",))
        for row in rows:
            summing.add(row)
        return summing.content

    one, two = (True, b"x", '{"m": 1, "n": null}'), (0, b"y", None)
    other = (1, memoryview(b"x"), {"n": None, "m": 1})
    assert summed(one, two) == summed(two, other)
    assert summed((0, b"y", "null")) == summed(two)
    assert len({summed(r).digest for r in (one, two, (1, b"y", None), (0, b"x", None))}) == 4
    assert summed(one, one).digest != summed(one).digest
