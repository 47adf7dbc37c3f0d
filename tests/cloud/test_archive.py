"""Raw messages into Parquet files and back: nothing lost, nothing twice, whatever is killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from phonehome_cloud import archiving
from phonehome_cloud.clock import now_ms
from phonehome_cloud.errors import ConflictError, StoreRefusedError
from phonehome_cloud.store import parquet, schema
from phonehome_cloud.store.partitions import WEEK_MS, list_partitions, make_ahead, partition_name
from tests.fakes.appliance import Appliance, heartbeat
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

ROOT = Path(__file__).parents[2]
WEEKS = 3
REPORTS = 30  # of each device in each week
LAST_AT = now_ms() - 40 * archiving.DAY_MS
NAMES = tuple(column.name for column in schema.message.columns)


@pytest.fixture
async def receiver(tmp_path):
    """A receiver with three old weeks of two devices, and something new of each."""
    made = StoreReceiver(tmp_path)
    fleet = [Appliance(number) for number in range(2)]
    for appliance in fleet:
        await made.register(appliance)
    for week in range(WEEKS):
        for n in range(REPORTS):
            made.clock.now_at = LAST_AT - (WEEKS - week) * WEEK_MS + n * 1000
            await report(made, fleet, week * REPORTS + n)
    made.clock.now_at = now_ms()
    await report(made, fleet, WEEKS * REPORTS)
    yield made
    made.close()


async def report(receiver, fleet, seq):
    """One heartbeat of each device."""
    for appliance in fleet:
        reply = await receiver.accept(appliance.message([heartbeat(seq)], now_ms=60_000 + seq))
        assert reply.status == 200


def in_table(receiver):
    """Every message in the table."""
    return receiver.database.write_now(
        lambda c: [tuple(row) for row in c.execute(select(schema.message))]
    )


def in_files(folder):
    """Every message in files that the database says it gave away."""
    return [
        tuple(row[name] for name in NAMES)
        for path in sorted(folder.glob("messages-*.parquet"))
        for batch in parquet.read_file(path)
        for row in batch
    ]


def archived(receiver, folder, days=30):
    """One run; what it said."""
    said = []
    archiving.archive(receiver.database, folder, days, said.append)
    return said


async def test_old_weeks_go_into_files_and_come_back(receiver, tmp_path):
    """Table and files together are what was there; restored, the table is what it was."""
    before = sorted(in_table(receiver))
    folder = tmp_path / "archive"
    assert len(archived(receiver, folder)) == WEEKS
    kept = in_table(receiver)
    assert len(kept) == 2
    assert sorted(kept + in_files(folder)) == before
    assert archived(receiver, folder) == []
    archiving.check(folder, lambda _: None)
    archiving.restore(receiver.database, folder, [], lambda _: None)
    assert sorted(in_table(receiver)) == before
    assert in_files(folder) == []
    said = []
    archiving.check(folder, said.append)
    assert said == [f"{folder}: no file of an archive"]
    assert len(archived(receiver, folder)) == WEEKS
    assert sorted(in_table(receiver) + in_files(folder)) == before


async def test_the_manifest_says_what_is_in_a_file(receiver, tmp_path):
    """Hash, counts and range of what is in it."""
    archived(receiver, tmp_path / "archive")
    path = min((tmp_path / "archive").glob("*.json"))
    manifest = json.loads(path.read_text())
    file = path.with_suffix(".parquet")
    rows = [row for batch in parquet.read_file(file) for row in batch]
    times = [row["received_at"] for row in rows]
    assert (manifest["rows"], manifest["devices"]) == (len(rows), 2) == (2 * REPORTS, 2)
    assert (manifest["received_from"], manifest["received_to"]) == (min(times), max(times))
    assert manifest["sha256"] == parquet.hash_file(file)


async def test_what_is_younger_stays(receiver, tmp_path):
    """Only whole weeks that ended so long ago are moved."""
    assert archived(receiver, tmp_path / "archive", days=3650) == []
    assert len(in_table(receiver)) == 2 * (WEEKS * REPORTS + 1)


async def test_the_last_word_of_a_boot_stays(receiver, tmp_path):
    """Sent again by a stranger, it must not look like a sign of life."""
    silent = Appliance(7)
    await receiver.register(silent)
    receiver.clock.now_at = LAST_AT - WEEK_MS
    message = silent.message([heartbeat(1)])
    await receiver.accept(message)
    archived(receiver, tmp_path / "archive")
    receiver.clock.now_at = now_ms()
    assert (await receiver.accept(message)).status == 200
    (row,) = await receiver.database.read(
        lambda c: c.execute(
            select(schema.session).where(schema.session.c.device == silent.device)
        ).all()
    )
    assert row.last_seen_at == LAST_AT - WEEK_MS
    assert archived(receiver, tmp_path / "archive") == []


async def test_what_comes_into_an_archived_week_gets_a_file_of_its_own(receiver, tmp_path):
    """A clock that was set back costs nothing: no file is overwritten."""
    folder = tmp_path / "archive"
    archived(receiver, folder)
    before = in_files(folder)
    receiver.clock.now_at = LAST_AT - WEEK_MS + 500_000
    late = Appliance(0)
    for seq in (900, 901):
        await receiver.accept(late.message([heartbeat(seq)], now_ms=seq))
    archived(receiver, folder)
    assert len(in_files(folder)) == len(before) + 2
    assert any(path.name.endswith("-2.parquet") for path in folder.iterdir())


async def test_a_damaged_file_is_refused(receiver, tmp_path):
    """By the check and by the way back, which then changes nothing."""
    folder = tmp_path / "archive"
    archived(receiver, folder)
    file = min(folder.glob("*.parquet"))
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    kept = in_table(receiver)
    with pytest.raises(StoreRefusedError, match="damaged"):
        archiving.check(folder, lambda _: None)
    with pytest.raises(StoreRefusedError, match="damaged"):
        archiving.restore(receiver.database, folder, [file.name], lambda _: None)
    assert in_table(receiver) == kept


async def test_two_runs_at_once_are_one(receiver, tmp_path):
    """The second is told so; another folder does not help it on PostgreSQL."""
    folder = tmp_path / "archive"
    folder.mkdir()
    with archiving._alone(receiver.database, folder):
        with pytest.raises(ConflictError, match="another process"):
            archived(receiver, folder)
        if not receiver.database.is_sqlite:
            with pytest.raises(ConflictError, match="another process"):
                archived(receiver, tmp_path / "other")


def kill_at(folder, what, step):
    """Run it in a process that kills itself at a step."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cloud.killed_archive", str(folder), what, step],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    "step",
    [
        "write+",
        "manifest+",
        "book",
        "book+",
        "clear",
        "clear2",
        "clear5+",
        "mark",
        "drop",
        "book2",
    ],
)
async def test_a_killed_run_loses_and_doubles_nothing(receiver, tmp_path, step):
    """At each step: every message is somewhere, and after the next run it is in one place."""
    before = sorted(in_table(receiver))
    folder = tmp_path / "archive"
    kill_at(tmp_path, "archive", step)
    assert set(before) <= {*in_table(receiver), *in_files(folder)}
    archived(receiver, folder)
    assert sorted(in_table(receiver) + in_files(folder)) == before


@pytest.mark.parametrize("step", ["mark+", "back", "back2", "back5+", "forget", "forget2"])
@pytest.mark.parametrize("then", ["archive", "restore"])
async def test_a_killed_way_back_loses_and_doubles_nothing(receiver, tmp_path, step, then):
    """Whether the next run goes on with the way back or archives again."""
    before = sorted(in_table(receiver))
    folder = tmp_path / "archive"
    archived(receiver, folder)
    kill_at(tmp_path, "restore", step)
    assert set(before) <= {*in_table(receiver), *in_files(folder)}
    if then == "restore":
        archiving.restore(receiver.database, folder, [], lambda _: None)
        assert sorted(in_table(receiver)) == before
    else:
        archived(receiver, folder)
        assert sorted(in_table(receiver) + in_files(folder)) == before


async def test_weeks_have_partitions_that_come_and_go(tmp_path):
    """Made ahead by whoever looks first, and dropped when their messages are in a file."""
    receiver = StoreReceiver(tmp_path)
    washer = Appliance()
    await receiver.register(washer)
    then = now_ms() - 100 * WEEK_MS
    made = receiver.database.write_now(make_ahead, then)
    assert receiver.database.write_now(make_ahead, then) == []
    if receiver.database.is_sqlite:
        assert made == []
    else:
        assert len(made) == 5
        assert set(made) <= receiver.database.write_now(list_partitions)
        receiver.clock.now_at = then
        for n in range(3):
            await receiver.accept(washer.message([heartbeat(n)], now_ms=60_000 + n))
        receiver.clock.now_at = now_ms()
        await receiver.accept(washer.message([heartbeat(9)], now_ms=90_000))
        archived(receiver, tmp_path / "archive")
        assert len(in_files(tmp_path / "archive")) == 3
        left = receiver.database.write_now(list_partitions)
        assert partition_name(then - then % WEEK_MS) not in left
        for name in set(made) & left:
            receiver.database.write_now(lambda c, n=name: c.exec_driver_sql(f"DROP TABLE {n}"))
    receiver.close()
