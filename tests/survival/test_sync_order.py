# cpython-only
"""An ack means synced: each report is written, then synced, then answered, in this order."""

import random
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.postgresql import PostgreSQL
from phonehome_tools.fleet.receiver import read_ready_line
from tests.survival.device import Device
from tests.survival.fleet import Errand
from tests.survival.lanes import HTTPWay
from tests.survival.lives import settings_of
from tests.survival.receiver_main import CARELESS, NEVER
from tests.survival.site import environment_of
from tests.survival.syscalls import Call, Strace

REPORTS = 10
TOKEN = "a token of sixteen letters"
TAG_BYTES = 8
SYNCS = ("fdatasync", "fsync")


async def traced(folder: Path, store: str, mode: str) -> tuple[list[Call], list[bytes]]:
    """The calls of a receiver that takes some reports, and the reports."""
    config = folder / "receiver.toml"
    config.write_text(settings_of(0, f'[store]\nurl = "{store}"\n'))
    argv = [sys.executable, "-m", "tests.survival.receiver_main", str(config), mode, "1"]
    strace = Strace(folder / "strace.log")
    receiver = await strace.start(argv, environment_of(TOKEN))
    http, _ = await read_ready_line(receiver)
    device = Device(1, random.Random(1))
    async with Desk(http, TOKEN) as desk:
        await desk.add_device(device.name, "washer", "", device.key)
    way = HTTPWay([urlsplit(http).port], random.Random(1))
    reports = []
    for _ in range(REPORTS):
        device.happen(1)
        reports.append(device.compose())
        assert device.hear(await way.carry(Errand(device, reports[-1])))
    await way.close()
    return await strace.end(), reports


def unsynced(writes: list[Call], answers: list[Call], reports: list[bytes]) -> int:
    """How many of the reports were answered before a sync that followed their writing."""
    count = 0
    for report, answer in zip(reports, answers, strict=True):
        tag = report[-TAG_BYTES:]
        written = next(call for call in writes if tag in call.data)
        syncs = (
            call
            for call in writes
            if call.name in SYNCS and call.file == written.file
            if call.began_s >= written.ended_s and call.ended_s <= answer.began_s
        )
        count += next(syncs, None) is None
    return count


def answers_in(calls: list[Call]) -> list[Call]:
    """The sends that carry an ack."""
    return [call for call in calls if b"HTTP/1.1 200" in call.data and b"cose-mac0" in call.data]


@pytest.mark.parametrize(("mode", "late"), [(NEVER, 0), (CARELESS, REPORTS)])
async def test_sqlite_is_synced_before_the_ack(tmp_path, mode, late):
    """Each report is in the log of the database, synced, and then answered; the control is not."""
    calls, reports = await traced(tmp_path, f"sqlite:///{tmp_path / 'receiver.db'}", mode)
    logged = [call for call in calls if call.file.endswith("-wal")]
    assert unsynced(logged, answers_in(calls), reports) == late


@pytest.mark.parametrize("settings", [{}, {"fsync": "off"}])
async def test_postgresql_is_synced_before_the_ack(tmp_path, settings):
    """The same for PostgreSQL's own processes; a server that does not sync is the control."""
    with PostgreSQL(settings=settings) as server:
        strace = Strace(tmp_path / "postgresql.log")
        await strace.attach(server.pid)
        calls, reports = await traced(tmp_path, server.url(), NEVER)
        logged = [call for call in await strace.end() if "/pg_wal/" in call.file]
    assert unsynced(logged, answers_in(calls), reports) == (REPORTS if settings else 0)
