"""Clients that mean harm: each is stopped, and a device beside them is served as before."""

import asyncio
import gzip
import time

import aiohttp
import pytest

from phonehome_cloud.store import schema
from tests.cloud.brokers import board, mosquitto
from tests.cloud.running import CONTENT_TYPE, running
from tests.cloud.test_connections import ending
from tests.fakes.appliance import Appliance, fault, heartbeat
from tests.fakes.store import StoreReceiver

ATTACK_S = 3.0
HOUR_MS = 3_600_000


async def attack(receiver, message, source, ends_s, statuses):
    """Send one message again and again from an address, as fast as it is answered."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        while time.monotonic() < ends_s:
            headers = {"Content-Type": CONTENT_TYPE}
            up = session.post(receiver.url + "/v1/up", data=message, headers=headers)
            async with up as answer:
                statuses.append(answer.status)


async def test_wrong_keys_at_full_rate_cost_a_device_nothing(tmp_path):
    """From three addresses at once, under the name of the device itself: they are slowed down to
    a few a second each, and every report of the device is acknowledged. Prints the figures.
    """
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        forged = bytearray(voice.report(voice.heartbeat()))
        forged[-1] ^= 1
        quiet_s = await middle(receiver, voice)
        ends_s, statuses = time.monotonic() + ATTACK_S, []
        attacks = [
            asyncio.create_task(attack(receiver, bytes(forged), f"127.0.2.{n}", ends_s, statuses))
            for n in range(1, 4)
        ]
        busy_s = await middle(receiver, voice)
        await asyncio.gather(*attacks)
        guesses = statuses.count(401)
        print(f"\n{len(statuses)} attempts, {guesses} looked at, {quiet_s:.4f} -> {busy_s:.4f} s")
        # A guess costs 21: 2000 / 21 of them at once and 500 / 21 a second, for each address.
        assert guesses < 3 * (2000 + 500 * (ATTACK_S + 1)) / 21
        assert statuses.count(429) == len(statuses) - guesses
        assert len(statuses) > 2 * guesses, "the attack was no attack"
        assert busy_s < quiet_s + 0.25


async def test_copies_of_its_messages_cost_a_device_nothing(tmp_path):
    """A stranger sends a device's own old messages again, readable and not, each from an address
    of its own and far above the rate of the key: the device is acknowledged each time. With one
    bucket for all it is sent away: the control. Prints the figures.
    """
    limits = {"INTAKE_KEY_PER_S": "5", "INTAKE_KEY_BURST": "60"}
    limits["INTAKE_ADDRESS_PER_S"] = "1000000"  # however quick the machine is
    async with running(tmp_path, **limits) as receiver:
        voice = await receiver.register()
        heard = [voice.report(voice.heartbeat()) for _ in range(4)] + [voice.sealed(b"\xa0")]
        for message in heard[:4]:
            assert (await receiver.up(message))[0] == 200
        quiet_s = await middle(receiver, voice, 15)
        ends_s, statuses = time.monotonic() + ATTACK_S, []
        attacks = [
            asyncio.create_task(attack(receiver, message, f"127.0.2.{n}", ends_s, statuses))
            for n, message in enumerate(heard, 1)
        ]
        await receiver.eventually(soon, lambda _: statuses.count(429) > 20)
        busy_s = await middle(receiver, voice, 31)
        await asyncio.gather(*attacks)
        taken = len(statuses) - statuses.count(429)
        print(f"\n{len(statuses)} copies, {taken} looked at, {quiet_s:.4f} -> {busy_s:.4f} s")
        assert taken <= 60 + 5 * (ATTACK_S + 2)
        text = await (await receiver.session.get(receiver.url + "/metrics")).text()
        refused = f'reason="copies",transport="http"}} {statuses.count(429)}.0'
        assert refused in text
        assert busy_s < quiet_s + 0.25
        assert len((await receiver.api("GET", f"/quarantine?device={voice.device}"))["items"]) == 1
        receiver.intake._freshness.bucket_of = lambda kid, _head: kid
        for _ in range(60):
            await receiver.up(heard[0])
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 429


async def soon():
    """A look at what changes by itself."""


async def middle(receiver, voice, count=31):
    """The middle of some reports, in seconds; every one of them is acknowledged."""
    took = []
    for _ in range(count):
        started_s = time.monotonic()
        status, body, _ = await receiver.up(voice.report(voice.heartbeat()))
        assert status == 200
        assert voice.hear(body).stored
        took.append(time.monotonic() - started_s)
    return sorted(took)[count // 2]


async def test_a_device_that_floods_gets_its_new_fault_through(tmp_path):
    """Its surplus is sent away with the time to wait, unstored and unacknowledged; the first
    occurrence of another fault is a ticket as soon as it has waited; its neighbours are served.
    """
    async with running(tmp_path, INTAKE_KEY_PER_S="5", INTAKE_KEY_BURST="30") as receiver:
        loud, calm = await receiver.register(), await receiver.register()
        statuses = []
        for _ in range(60):
            status, body, headers = await receiver.up(loud.report(loud.fault(520193, 7)))
            statuses.append(status)
            if status == 429:
                assert int(headers["Retry-After"]) >= 1
                assert not body.startswith(b"\xd1")
        assert 30 <= statuses.count(200) < 60
        assert (await receiver.up(calm.report(calm.heartbeat())))[0] == 200
        message = loud.report(loud.fault(520201, 7))
        await receiver.eventually(lambda: receiver.up(message), lambda a: a[0] == 200)
        page = await receiver.eventually(
            lambda: receiver.api("GET", f"/tickets?device={loud.device}&fault=520201.7"),
            lambda found: found["items"],
        )
        assert page["items"][0]["occurrences"] == 1


HEAD = f"POST /v1/up HTTP/1.1\r\nHost: x\r\nContent-Type: {CONTENT_TYPE}\r\n"


async def test_chunks_without_end_are_cut_at_the_cap(tmp_path):
    """413 after one byte too many, however long the client goes on; nothing is kept of it."""
    async with running(tmp_path) as receiver:
        head = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode()
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        answer, took_s = await ending(receiver, (head, *[chunk] * 10_000), pause_s=0)
        assert answer.startswith(b"HTTP/1.1 413")
        assert took_s < 5


async def test_a_compressed_body_is_not_unpacked(tmp_path):
    """A bomb of 10 MB in 10 KB, and an honest one: 415 for both, on the device's and the desk's
    side; there is nothing here that inflates.
    """
    async with running(tmp_path) as receiver:
        bomb = gzip.compress(bytes(10_000_000))
        headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip"}
        for body in (bomb[:4000], gzip.compress(b"x")):
            up = receiver.session.post(receiver.url + "/v1/up", data=body, headers=headers)
            async with up as answer:
                assert answer.status == 415
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        await receiver.api("POST", "/claims", 400, data=bomb, headers=headers)


async def test_a_pipeline_of_requests_takes_no_memory(tmp_path):
    """A thousand requests in one write are answered one after the other, and others between
    them.
    """
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        flood = asyncio.create_task(ending(receiver, (one * 1000 + last,)))
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200
        answer, took_s = await flood
        assert answer.count(b"HTTP/1.1 200 OK") == 1001
        assert took_s < 20
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
async def test_a_clock_that_jumps_an_hour_loses_nothing(tmp_path, jump_ms):
    """Reports before and after are acknowledged and digested, a fault keeps its place in time
    within the jump, and a key that was revoked is not remembered for longer.
    """
    receiver = StoreReceiver(tmp_path)
    washer, gone = Appliance(1), Appliance(2)
    for appliance in (washer, gone):
        await receiver.register(appliance)
        assert (await receiver.accept(appliance.message([heartbeat(0)]))).status == 200
    before_at = receiver.clock()
    receiver.clock.advance(jump_ms)
    await receiver.database.write(
        lambda c: c.execute(
            schema.device.update()
            .where(schema.device.c.device == gone.device)
            .values(revoked_at=1)
        )
    )
    for n in range(1, 4):
        reply = await receiver.accept(washer.message([fault(n, ms=60_000 + n)], now_ms=61_000 + n))
        assert (reply.status, washer.hears(reply.body).stored) == (200, [(1, n, n)])
    assert (await receiver.accept(gone.message([heartbeat(1)], now_ms=61_000))).status == 401
    await receiver.digest_all()
    events = await receiver.rows(schema.fault_event, schema.fault_event.c.seq)
    assert [row.seq for row in events] == [1, 2, 3]
    for row in events:
        assert min(0, jump_ms) - 120_000 <= row.event_at - before_at <= max(0, jump_ms) + 120_000
    assert await receiver.count(schema.ticket) == 1
    receiver.close()


async def test_junk_over_mqtt_stops_nothing_and_makes_nothing(tmp_path):
    """A megabyte under a device's topic, retained rubbish that comes again with each connection,
    topics with and without sense, a will that nobody signed: a device's report is answered after
    all of it, and again after the receiver was away.
    """
    async with mosquitto(tmp_path) as broker:
        for _ in range(2):
            async with running(tmp_path, MQTT_URL=broker.url) as receiver:
                voice = await receiver.register()
                async with board(broker.url, "stranger") as stranger:
                    await spill(stranger, voice.device)
                async with board(broker.url, voice.device) as device:
                    await device.report(voice.report(voice.heartbeat()))
                    answer = await device.answer()
                    assert voice.hear(answer.payload).stored
                    assert not answer.retain
                rows = await receiver.database.read(
                    lambda c: c.execute(schema.record.select()).all()
                )
                assert {row.rtype for row in rows} == {2}
                state = await receiver.api("GET", f"/devices/{voice.device}")
                assert state["presence"]["state"] is None


async def spill(stranger, device):
    """Everything that somebody without a key may think of."""
    for topic, payload, retain in (
        (f"ph1/{device}/up", b"\xd1" + bytes(1_000_000), False),
        (f"ph1/{device}/up", b"rubbish", True),
        (f"ph1/{device}/st", b"offline", True),
        (f"ph1/{device}/up/more", b"x", True),
        ("ph1//up", b"x", False),
        (f"ph1/{device.upper()}/up", b"x", False),
        ("ph1/ffffffffffffffff/up", b"", False),
        ("$ph1/x/up", b"x", False),
    ):
        await stranger.publish(topic, payload, retain=retain)
