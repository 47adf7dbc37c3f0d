"""kill -9: nothing acknowledged is lost, nothing is counted twice; and the test can tell."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phonehome_cloud.store import schema
from tests.cloud.killed import WASHER
from tests.fakes.appliance import fault
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

ROOT = Path(__file__).parents[2]
REPORTS = 120


def started(folder, mode):
    """A receiver process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cloud.killed", str(folder), mode],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def killed_after(process, lines):
    """What the process said before it was killed, at least `lines` lines of it."""
    said = [process.stdout.readline().strip() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    said += [
        line.strip()
        for line in process.stdout.read().splitlines(keepends=True)
        if line.endswith("\n")
    ]
    process.stdout.close()
    return said


async def prepared(folder):
    """A database that knows the washer."""
    receiver = StoreReceiver(folder)
    await receiver.register(WASHER)
    receiver.close()


def acknowledged(lines):
    """The sequence numbers that signed acks named."""
    acks = [WASHER.hears(bytes.fromhex(line)) for line in lines]
    return {seq for ack in acks for _, low, high in ack.stored for seq in range(low, high + 1)}


async def stored(folder):
    """The sequence numbers in the database, which must open again."""
    receiver = StoreReceiver(folder)
    rows = await receiver.rows(schema.record)
    receiver.close()
    numbers = [row.seq for row in rows]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


async def lost_of(folder, mode, lines):
    """How many records were acknowledged and are not there after a kill."""
    await prepared(folder)
    process = started(folder, mode)
    for n in range(REPORTS):
        message = WASHER.message([fault(n)], now_ms=60_000 + n)
        process.stdin.write(message.hex() + "\n")
    process.stdin.flush()
    acked = acknowledged(killed_after(process, lines))
    process.stdin.close()
    assert len(acked) >= lines
    return acked - await stored(folder)


@pytest.mark.parametrize("round_", range(4))
async def test_nothing_acknowledged_is_lost(tmp_path, round_):
    """Killed after a random ack, while further commits are under way."""
    lines = random.Random(round_).randrange(1, REPORTS // 2)
    assert await lost_of(tmp_path, "honest", lines) == set()


async def test_a_receiver_that_answers_early_is_caught(tmp_path):
    """The same kill finds losses where the ack came before the commit."""
    assert await lost_of(tmp_path, "early", 30) != set()


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_a_killed_digest_repeats_itself_and_nothing_twice(tmp_path, steps):
    """Whichever commit it was killed in, the next digest ends with the same tickets."""
    await prepared(tmp_path)
    receiver = StoreReceiver(tmp_path)
    for n in range(0, 30, 3):
        records = [fault(n), fault(n + 1), fault(n + 2, spn=524_001)]
        await receiver.accept(WASHER.message(records, now_ms=60_000 + n))
    receiver.close()
    process = started(tmp_path, "digest")
    process.stdin.close()
    killed_after(process, steps)
    receiver = StoreReceiver(tmp_path)
    await receiver.digest_all()
    rows = await receiver.rows(schema.ticket, schema.ticket.c.spn)
    assert [(row.spn, row.occurrences) for row in rows] == [(524_000, 20), (524_001, 10)]
    assert await receiver.count(schema.fault_event) == 30
    assert await receiver.count(schema.ticket_event) == 30
    receiver.close()
