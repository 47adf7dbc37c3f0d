"""kill -9 at every step of telling: no effect is lost, and each has one key everywhere."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from phonehome_cloud.stepping import TELLING_STEPS, TOLD, WRITTEN
from phonehome_cloud.store import effects, hooks, schema
from tests.cloud.outgoing import DAY_MS, OPENED, add_owner
from tests.cloud.running import TOKEN
from tests.fakes.bases import base_url
from tests.fakes.mailbox import mailbox
from tests.fakes.store import MASTER, StoreReceiver
from tests.fakes.subscriber import Subscriber, subscriber
from tests.survival.receiver_main import HASTY, NEVER

pytestmark = pytest.mark.usefixtures("each_database")

ROOT = Path(__file__).parents[2]
OF_EACH = 60  # more than a life can lease, so that the next one has something to do at once
LEASE_S = 4
STORE = "phonehome.db"  # as StoreReceiver calls it
WITHIN_S = 60
# The step at which each life ends, and at the how manieth; WRITTEN comes for other commits, too.
LIVES = ((TOLD, 5), ("taken", 3), (WRITTEN, 12))


class Deadly(Subscriber):
    """A receiver of webhooks whose caller dies before it has the answer, once."""

    process = None

    async def take(self, request):
        answer = await super().take(request)
        if self.process is not None and len(self.calls) > OF_EACH // 2:
            process, self.process = self.process, None
            process.send_signal(signal.SIGKILL)
        return answer


@contextlib.asynccontextmanager
async def receiver(folder, box, step, count=0):
    """The real receiver as a process, which ends at a step, or with the context."""
    config = folder / "receiver.toml"
    config.write_text("")
    variables = {
        "STORE_URL": base_url(folder, STORE),
        "SERVER_PORT": "0",
        "SERVER_PUBLIC_URL": "https://service.example",
        "MAIL_URL": f"smtp://localhost:{box.port}",
        "MAIL_SENDER": "service@acme.example",
        "TELLING_LEASE_S": str(LEASE_S),
        "TELLING_QUIET": "00:00-00:00",
        "TELLING_DAILY_CAP": "1000",
        "WEBHOOKS_NETWORKS": "127.0.0.0/8",
        "MASTER_KEY": MASTER.hex(),
        "API_TOKEN": TOKEN,
    }
    environment = {f"PHONEHOME_{name}": value for name, value in variables.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.survival.receiver_main", str(config), step, str(count)),
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


def prepare(connection, vault, url, now_at):
    """A letter to each of some owners and as many events, all due."""
    row = {"url": url, "label": "", "events": [], "audience": None}
    hook, _ = hooks.add(connection, vault, row | {"created_at": now_at, "created_by": "test"})
    for n in range(OF_EACH):
        add_owner(connection, f"{n}")
        for kind, to in (("mail", f"owner:{n}"), ("webhook", f"hook:{hook}")):
            key, template = f"{kind}-{n}", "ticket_opened" if kind == "mail" else "ticket.opened"
            effect = effects.Effect(
                key, kind, to, template, OPENED, None, None, now_at, now_at + DAY_MS
            )
            effects.add(connection, effect)


async def states(folder):
    """How many effects are in each state."""
    store = StoreReceiver(folder)
    try:
        return Counter(row.state for row in await store.rows(schema.effect))
    finally:
        store.close()


async def until_settled(folder, is_good):
    """Wait until the states are good."""
    async with asyncio.timeout(WITHIN_S):
        while not is_good(await states(folder)):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.2)


async def begun(folder, there):
    """Everything is written down, and nothing sent."""
    store = StoreReceiver(folder)
    now_at = time.time_ns() // 1_000_000
    await store.database.write(prepare, store.vault, there.url, now_at)
    store.close()


def arrived(box, there):
    """{key: how often} of webhooks, and {address: message ids} of letters."""
    letters = defaultdict(list)
    for address, letter in box.letters:
        letters[address].append(letter["Message-ID"])
    return Counter(there.ids), letters


@pytest.mark.timeout(240)
async def test_killed_at_every_step_nothing_is_lost_and_keys_stay(tmp_path):
    """Each life of the receiver ends at another step; the last one has nothing left to send."""
    assert {step for step, _ in LIVES} == set(TELLING_STEPS)
    with mailbox() as box:
        async with subscriber(made=Deadly()) as there:
            await begun(tmp_path, there)
            for step, count in LIVES:
                async with receiver(tmp_path, box, step, count) as process:
                    async with asyncio.timeout(WITHIN_S):
                        assert await process.wait() == -signal.SIGKILL, step
            # And between the receiver's having it and our knowing that it has.
            async with receiver(tmp_path, box, NEVER) as process:
                there.process = process
                async with asyncio.timeout(WITHIN_S):
                    assert await process.wait() == -signal.SIGKILL
            async with receiver(tmp_path, box, NEVER):
                await until_settled(tmp_path, lambda found: found["sent"] == 2 * OF_EACH)
            calls, letters = arrived(box, there)
    assert calls.keys() == {f"webhook-{n}" for n in range(OF_EACH)}
    assert letters.keys() == {f"owner{n}@example.com" for n in range(OF_EACH)}
    assert all(len(set(ids)) == 1 for ids in letters.values())
    assert len({ids[0] for ids in letters.values()}) == OF_EACH
    # What came twice was in hand when somebody died: never more than a death could have held.
    again = sum(calls.values()) + len(box.letters) - 2 * OF_EACH
    assert 0 < again <= 16 * 2 * (len(LIVES) + 1)


@pytest.mark.timeout(240)
async def test_a_receiver_that_ends_an_effect_before_it_is_sent_is_caught(tmp_path):
    """The control: killed in between, letters are gone that the table says are sent."""
    with mailbox() as box:
        async with subscriber() as there:
            await begun(tmp_path, there)
            async with receiver(tmp_path, box, HASTY) as process:
                await until_settled(tmp_path, lambda found: found["sent"] >= OF_EACH)
                process.send_signal(signal.SIGKILL)
            async with receiver(tmp_path, box, NEVER):
                await until_settled(tmp_path, lambda found: found["sent"] == 2 * OF_EACH)
            calls, letters = arrived(box, there)
    assert len(calls) + len(letters) < 2 * OF_EACH
