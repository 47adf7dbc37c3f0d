"""The care of tickets is killed at any statement, and shared by several: decided once, all."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from phonehome_cloud.store import care_tables, schema
from tests.cloud.cutting import MOST, cut_at_each
from tests.cloud.household import CLOGGED, DEAD, TORN, Household
from tests.fakes.bases import empty_shared, use_base

ROOT = Path(__file__).parents[2]
PUMPS = {1: CLOGGED, 2: DEAD, 3: TORN, 4: None}
KINDS = Counter({"self_help": 1, "visit": 1, "part": 1, "person": 1})


async def reported(folder, pumps=PUMPS):
    """A receiver with the tickets of some pumps, none of them considered."""
    home = Household(folder)
    await home.technician()
    await home.stock("SIEVE-1", "PUMP-1", pieces=100)
    for number, turns in pumps.items():
        await home.says(await home.pump(number), digest=False, turns=turns)
    await home.digest_all()
    return home


async def check_whole(home, kinds=KINDS):
    """Every ticket has one decision, one action and its effects, and is told of; nothing twice."""
    diagnoses = await home.rows(care_tables.diagnosis)
    actions = await home.actions()
    assert Counter(row.kind for row in actions) == kinds
    assert len(diagnoses) == len(actions) == len(await home.rows(schema.ticket))
    assert {row.n for row in (*diagnoses, *actions)} == {0}
    keys = [effect.key for effect in await home.letters()]
    assert len(keys) == len(set(keys))
    for row in actions:
        if row.kind == "self_help":
            assert any(row.device in key for key in keys)
    opened = [letter for letter in await home.letters() if letter.template == "ticket_opened"]
    assert len(opened) == len(actions)
    events = {row.device: row.events for row in await home.rows(schema.ticket)}
    assert {row.device: row.told for row in await home.cares()} == events
    assert all(row.due_at is None or row.due_at > home.clock() for row in await home.cares())


def killed_at(folder, at, later_ms=0):
    """How the process ended, and how many statements it said it had."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.cloud.killed_care", str(folder), at, str(later_ms)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return process.returncode, process.stdout.strip()


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize("at", ["25", "45", "commit"])
async def test_kill_minus_nine(tmp_path, at):
    """Killed while it decides, or before its commit: the next receiver decides all, once."""
    home = await reported(tmp_path)
    home.close()
    assert killed_at(tmp_path, at)[0] == -signal.SIGKILL
    home = Household(tmp_path)
    assert await home.rows(care_tables.diagnosis) == await home.letters() == []
    await home.care()
    await check_whole(home)
    home.close()


async def test_cut_at_every_statement(tmp_path):
    """Cut at each statement in turn, the transaction leaves nothing; the last try is whole."""
    home = await reported(tmp_path)
    assert 30 < await cut_at_each(home.database.engine, lambda: exhaust(home)) < MOST
    await check_whole(home)
    home.close()


async def exhaust(home):
    """Look after tickets until nothing is due."""
    while await home.caring.step():
        pass


async def test_two_receivers_never_decide_twice(tmp_path, postgresql):
    """Three at a time on one PostgreSQL, with the digest between: each ticket is decided once."""
    use_base(tmp_path, empty_shared(postgresql))
    pumps = dict.fromkeys(range(1, 25), CLOGGED)
    home = await reported(tmp_path, pumps)
    others = [Household(tmp_path) for _ in range(2)]
    for each in (home, *others):
        each.caring._batch = 7
    await asyncio.gather(*(busy(each) for each in (home, *others)), repeat(home, pumps))
    await home.care()
    shares = [sum(done.tickets for done in each.cared.batches) for each in (home, *others)]
    for each in others:
        each.close()
    await check_whole(home, Counter({"self_help": 24}))
    assert sum(done.failed for each in (home, *others) for done in each.cared.batches) == 0
    assert min(shares) > 0
    home.close()


async def busy(home):
    """Look after tickets, and look again, for a while."""
    idle = 0
    while idle < 10:
        idle = 0 if await home.caring.step() else idle + 1
        await asyncio.sleep(0.01)


async def repeat(home, pumps):
    """Half of the pumps say it again meanwhile."""
    for number in list(pumps)[::2]:
        pump = await home.known(number)
        await home.says(pump, turns=CLOGGED)
