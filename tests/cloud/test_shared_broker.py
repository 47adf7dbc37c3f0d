"""One broker for many receivers and devices that do not trust each other."""

import asyncio
import contextlib
import re
import signal

import pytest
from sqlalchemy import func, select, text

from phonehome_cloud.app import CONSUMER
from phonehome_cloud.store import schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.web.health import METRICS
from tests.cloud.brokers import board, mosquitto
from tests.cloud.guarded import guarded
from tests.cloud.running import running
from tests.cloud.test_serving import served
from tests.cloud.voice import Voice
from tests.fakes.bases import empty_shared, use_base
from tests.fakes.store import MASTER

DEADLINE_S = 60


@pytest.fixture
def store_url(tmp_path, postgresql):
    """An empty PostgreSQL for all receivers of a test."""
    url = empty_shared(postgresql)
    use_base(tmp_path, url)
    return url


@contextlib.asynccontextmanager
async def connected(broker, voices, **more):
    """These devices at a guarded broker, each with its password."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                board(
                    broker.url,
                    voice.device,
                    password=broker.passwords[voice.device],
                    tls=broker.tls(),
                    **more,
                )
            )
            for voice in voices
        ]


def member(broker, number):
    """The settings of one of several receivers at a broker."""
    return broker.receiver_settings | {"MQTT_CLIENT_ID": f"receiver-{number}"}


def taken(receiver):
    """How many messages a receiver has taken over MQTT."""
    lines = receiver.app[METRICS].render().decode()
    found = re.findall(
        r'^phonehome_messages_total\{.*transport="mqtt".*\} (\S+)$', lines, re.MULTILINE
    )
    return sum(map(float, found))


async def until_stored(database, count):
    """Return when so many messages are in the database."""
    counting = select(func.count()).select_from(schema.message)
    async with asyncio.timeout(DEADLINE_S):
        while await database.read(lambda c: c.execute(counting).scalar()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_receivers_share_the_reports(tmp_path, store_url):
    """Every report of every device is answered once, and both receivers had a part in it."""
    voices = [Voice() for _ in range(4)]
    async with (
        guarded(tmp_path, [voice.device for voice in voices]) as broker,
        running(tmp_path, **member(broker, 1)) as one,
        running(tmp_path, **member(broker, 2)) as other,
        connected(broker, voices) as devices,
    ):
        for voice in voices:
            await one.know(voice)
        for voice, device in zip(voices, devices, strict=True):
            for _ in range(10):
                await device.report(voice.report(voice.heartbeat()))
        for voice, device in zip(voices, devices, strict=True):
            seqs = [voice.hear((await device.answer()).payload).stored[0][1] for _ in range(10)]
            assert sorted(seqs) == list(range(10))
            assert device.answers.empty()
        shares = taken(one), taken(other)
        assert sum(shares) == 40
        assert min(shares) > 0


@contextlib.asynccontextmanager
async def process_of(tmp_path, store_url, broker, number):
    """A receiver process that has joined the broker."""
    more = {"STORE_URL": store_url, "MASTER_KEY": MASTER.hex(), **member(broker, number)}
    async with served(tmp_path, **more) as (process, _):
        yield process


async def test_what_a_killed_receiver_had_in_hand_comes_when_it_is_back(tmp_path, store_url):
    """Taken and not committed when it was killed: not acknowledged to the broker, so not lost."""
    voice = Voice()
    database = Database(store_url)
    async with (
        guarded(tmp_path, [voice.device]) as broker,
        running(tmp_path, **member(broker, 1)) as receiver,
        connected(broker, [voice]) as (device,),
    ):
        await receiver.know(voice)
        async with process_of(tmp_path, store_url, broker, 2) as process:
            with database.engine.begin() as blocking:
                blocking.execute(text("LOCK TABLE message IN EXCLUSIVE MODE"))
                for _ in range(20):
                    await device.report(voice.report(voice.heartbeat()))
                await receiver.eventually(lambda: in_hand(blocking), lambda count: count == 2)
                process.kill()
                await process.wait()
        await until_stored(database, 10)
        assert taken(receiver) == 10
        async with process_of(tmp_path, store_url, broker, 2):
            await until_stored(database, 20)
        answers = [voice.hear((await device.answer()).payload) for _ in range(20)]
        assert sorted(a.stored[0][1] for a in answers) == list(range(20))
    database.close()


async def in_hand(connection):
    """How many receivers wait for the lock on the messages."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass"
    return connection.execute(text(waiting)).scalar()


async def test_a_receiver_that_ends_in_order_leaves_its_share_to_the_others(tmp_path, store_url):
    """After SIGTERM everything goes to those who are there, not into a session of nobody."""
    voice = Voice()
    async with (
        guarded(tmp_path, [voice.device]) as broker,
        running(tmp_path, **member(broker, 1)) as receiver,
        connected(broker, [voice]) as (device,),
    ):
        await receiver.know(voice)
        async with process_of(tmp_path, store_url, broker, 2) as process:
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        for _ in range(10):
            await device.report(voice.report(voice.heartbeat()))
        for _ in range(10):
            await device.answer()
        assert taken(receiver) == 10


async def test_receivers_of_one_name_are_told_to_take_two(tmp_path, store_url, caplog):
    """They would put each other out for ever; the log names the setting."""
    async with (
        guarded(tmp_path, []) as broker,
        running(tmp_path, **member(broker, 1)),
        running(tmp_path, **member(broker, 1)) as other,
    ):
        hint = "if another receiver is receiver-1, too, give each an mqtt.client_id"
        await other.eventually(lambda: asyncio.sleep(0), lambda _: hint in caplog.text)


async def overheard(url, victim, spy, receiver, **access):
    """What a spy hears that listens to another device's topics and to all of them, while that
    device reports, gets an answer, and is written to by the spy; and what the device hears.
    """
    name = victim.device
    topics = (f"ph1/{name}/up", f"ph1/{name}/dn", f"ph1/{name}/st", "ph1/+/dn", "#")
    async with (
        board(url, name, **access.get(name, {})) as device,
        board(url, spy.device, topics=topics, **access.get(spy.device, {})) as listener,
    ):
        await device.report(victim.report(victim.heartbeat()))
        heard = [(await device.answer()).payload]
        await listener.publish(f"ph1/{name}/up", spy.report(spy.heartbeat()))
        await listener.publish(f"ph1/{name}/st", spy.report(spy.heartbeat()))
        await listener.publish(f"ph1/{name}/dn", b"obey me")
        # Its own report comes last and is answered: whatever else was to come came before.
        await listener.report(spy.report(spy.heartbeat()))
        found = []
        while not found or found[-1].topic != f"ph1/{spy.device}/dn":
            found.append(await listener.answer())
        await device.report(victim.report(victim.heartbeat()))
        while (answer := await device.answer()).payload == b"obey me":
            heard.append(answer.payload)
    events = await receiver.database.read(
        lambda c: c.execute(select(schema.security_event.c.kind)).scalars().all()
    )
    return {message.topic for message in found[:-1]}, heard[1:], events


async def test_a_device_neither_reads_nor_writes_what_is_anothers(tmp_path, store_url):
    """Its own topics work, all others are silent and lead nowhere."""
    victim, spy = Voice(), Voice()
    async with (
        guarded(tmp_path, [victim.device, spy.device]) as broker,
        running(tmp_path, **member(broker, 1)) as receiver,
    ):
        for voice in (victim, spy):
            await receiver.know(voice)
        access = {
            name: {"password": password, "tls": broker.tls()}
            for name, password in broker.passwords.items()
        }
        found = await overheard(broker.url, victim, spy, receiver, **access)
    assert found == (set(), [], [])


async def test_a_broker_without_the_list_lets_the_spy_hear_all_of_it(tmp_path, store_url):
    """The control: the same spy at a broker that lets everybody do everything."""
    victim, spy = Voice(), Voice()
    async with (
        mosquitto(tmp_path) as broker,
        running(tmp_path, MQTT_URL=broker.url) as receiver,
    ):
        for voice in (victim, spy):
            await receiver.know(voice)
        topics, heard, events = await overheard(broker.url, victim, spy, receiver)
    assert {f"ph1/{victim.device}/{end}" for end in ("up", "dn")} <= topics
    assert heard == [b"obey me"]
    assert events == ["path_mismatch"]


async def test_nobody_takes_over_a_session_by_its_name(tmp_path, store_url):
    """A device that calls itself like a receiver is itself, and the receiver stays."""
    voice = Voice()
    async with (
        guarded(tmp_path, [voice.device]) as broker,
        running(tmp_path, **member(broker, 1)) as receiver,
    ):
        await receiver.know(voice)
        async with connected(broker, [voice], client_id="receiver-1") as (device,):
            await device.report(voice.report(voice.heartbeat()))
            assert voice.hear((await device.answer()).payload).stored == [(1, 0, 0)]
        assert receiver.app[CONSUMER]._connection == 0


async def test_a_wrong_or_no_password_is_not_let_in(tmp_path):
    """Nor is a name that is not in the list; a right one is, and the one of a new list, too."""
    known, stranger = Voice(), Voice()
    async with guarded(tmp_path, [known.device]) as broker:
        right = broker.passwords[known.device]
        assert await is_let_in(broker, known.device, right)
        assert not await is_let_in(broker, known.device, right + "x")
        assert not await is_let_in(broker, known.device, None)
        assert not await is_let_in(broker, stranger.device, right)
        broker.configure([known.device, stranger.device])
        broker._process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(DEADLINE_S):
            while not await is_let_in(broker, stranger.device, broker.passwords[stranger.device]):
                pass
        assert await is_let_in(broker, known.device, right)


async def is_let_in(broker, device, password):
    """Whether the broker accepts this name and password."""
    found = board(broker.url, device, password=password, tls=broker.tls())
    try:
        async with asyncio.timeout(2), found:
            return True
    except OSError:  # no answer within the deadline, too
        return False


async def test_devices_may_prove_themselves_by_certificates(tmp_path, store_url):
    """The name in the certificate is the user; without one there is no connection."""
    voice = Voice()
    async with (
        guarded(tmp_path, [voice.device], has_certificates=True) as broker,
        running(tmp_path, **member(broker, 1)) as receiver,
    ):
        await receiver.know(voice)
        assert not broker.passwords
        async with board(broker.url, voice.device, tls=broker.tls(voice.device)) as device:
            await device.report(voice.report(voice.heartbeat()))
            assert voice.hear((await device.answer()).payload).stored == [(1, 0, 0)]
        assert not await is_let_in(broker, voice.device, None)
