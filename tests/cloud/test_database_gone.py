"""PostgreSQL goes and comes back under load: refusals with a reason, and nothing lost."""

import asyncio
import contextlib
import signal

import pytest
from sqlalchemy import select

from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import schema
from phonehome_tools.fleet.postgresql import PostgreSQL
from tests.cloud.running import running
from tests.fakes.bases import use_base

DEVICES = 8
REPORTS = 20  # of each device, acknowledged, before the database goes, and again after it is back
DEADLINE_S = 60


@pytest.fixture
def server():
    """A PostgreSQL of this test alone, that syncs."""
    with PostgreSQL() as made:
        yield made


class Load:
    """Devices that report without a pause, and what the receiver answered them."""

    def __init__(self, receiver, voices):
        self._receiver = receiver
        self._voices = voices
        self.acknowledged = {voice.device: [] for voice in voices}
        self.refusals = []

    async def run(self):
        """Report until cancelled, as devices do: what was not acknowledged comes again."""
        await asyncio.gather(*(self._live(voice) for voice in self._voices))

    async def _live(self, voice):
        message = voice.report(voice.heartbeat())
        while True:
            status, body, headers = await self._receiver.up(message)
            if status == 200:
                ranges = voice.hear(body).stored
                self.acknowledged[voice.device] += [low for _, low, _ in ranges]
                message = voice.report(voice.heartbeat())
            else:
                self.refusals.append((status, headers.get("Retry-After"), body))
                await asyncio.sleep(0.02)

    async def more_acknowledged(self):
        """Return when every device has had REPORTS more acknowledged."""
        goal = {device: len(seqs) + REPORTS for device, seqs in self.acknowledged.items()}
        await until(lambda: all(len(self.acknowledged[d]) >= n for d, n in goal.items()))


async def until(is_so):
    """Return when something is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - what we wait for has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_the_database_goes_and_comes_back_under_load(tmp_path, server, how):
    """503 with Retry-After and a word in /readyz while it is away, 200 again by itself, and every
    acknowledged record is there, once.
    """
    use_base(tmp_path, server.url())
    async with running(tmp_path, INTAKE_KEY_PER_S="100000", INTAKE_KEY_BURST="100000") as receiver:
        voices = [await receiver.register() for _ in range(DEVICES)]
        load = Load(receiver, voices)
        task = asyncio.create_task(load.run())
        await load.more_acknowledged()
        await asyncio.to_thread(server.stop, how)
        await until(lambda: len(load.refusals) > DEVICES)
        _, text = await receiver.eventually(lambda: ready(receiver), lambda found: found[0] == 503)
        assert "database: ok" not in text
        server.start()
        await load.more_acknowledged()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await receiver.eventually(lambda: ready(receiver), lambda found: found[0] == 200)
        rows = await receiver.database.read(lambda c: c.execute(select(schema.record)).all())
    assert {status for status, _, _ in load.refusals} == {503}
    assert all(int(retry_after) > 0 for _, retry_after, _ in load.refusals)
    stored = [(row.device, row.seq) for row in rows]
    assert len(stored) == len(set(stored))
    told = {(device, seq) for device, seqs in load.acknowledged.items() for seq in seqs}
    assert told - set(stored) == set()


async def ready(receiver):
    """(status, text) of /readyz."""
    async with receiver.session.get(receiver.url + "/readyz") as answer:
        return answer.status, await answer.text()


async def test_a_receiver_does_not_start_without_its_database(tmp_path, server):
    """It says which server does not answer, and never shows the password."""
    server.stop()
    use_base(tmp_path, f"postgresql://anna:hush@127.0.0.1:{server.port}/phonehome")
    with pytest.raises(StoreUnavailableError, match="refused") as caught:
        async with running(tmp_path):
            raise AssertionError
    assert "hush" not in str(caught.value)
