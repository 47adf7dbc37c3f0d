"""A machine that is short of something: told, survived without a loss, and over by itself."""

import asyncio
import contextlib
import re
import resource
import shutil
import sqlite3
import time

from tests.cloud.machine import machine, remount, slow_sync, small_disk, stored
from tests.cloud.test_serving import command

MANY = 4000


def acked(voice, body):
    """The sequence numbers that a signed ack names."""
    return {seq for _, low, high in voice.hear(body).stored for seq in range(low, high + 1)}


async def until_refused(receiver, voice):
    """Report until the receiver cannot store; returns what was acknowledged before."""
    told = set()
    for _ in range(MANY):
        status, body, _ = await receiver.up(voice.report(*[voice.heartbeat() for _ in range(20)]))
        if status == 503:
            assert voice.hear(body).backoff_s, "an authentic device is told for how long"
            assert acked(voice, body) == set()
            return told
        assert status == 200
        told |= acked(voice, body)
    raise AssertionError("the disk is not full")


async def test_a_full_disk_is_told_and_survived(tmp_path):
    """503 with a signed back-off, the reason in /readyz and in the log; nothing acknowledged is
    missing; when there is room again it goes on without a hand.
    """
    with small_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk}/receiver.db"
        async with machine(tmp_path, STORE_URL=url, READY_FREE_MB="0") as receiver:
            voice = await receiver.register()
            filler = disk / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(disk).free - 300_000))
            told = await until_refused(receiver, voice)
            _, text = await receiver.eventually(receiver.ready, lambda a: a[0] == 503)
            assert "database: " in text
            assert "full" in text
            assert "messages were not stored: database or disk is full" in receiver.log()
            async with receiver.session.get(receiver.url + "/healthz") as answer:
                assert answer.status == 200
            filler.unlink()
            message = voice.report(voice.heartbeat())
            _, body, _ = await receiver.eventually(
                lambda: receiver.up(message), lambda answer: answer[0] == 200
            )
            told |= acked(voice, body)
            await receiver.eventually(receiver.ready, lambda answer: answer[0] == 200)
            assert await receiver.stop() == 0
        assert told <= stored(disk / "receiver.db")
        assert len(told) > 20


async def test_a_read_only_disk_refuses_the_start_and_is_left_alone(tmp_path):
    """One line that says so; mounted writable, the same database starts."""
    with small_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk}/receiver.db"
        async with machine(tmp_path, STORE_URL=url, READY_FREE_MB="0") as receiver:
            assert await receiver.stop() == 0
        remount(disk, "ro")
        code, _, errors = await command(tmp_path, "serve", STORE_URL=url)
        assert (code, "Traceback" in errors) == (1, False), errors
        assert "cannot be written" in errors, errors
        remount(disk, "rw")
        async with machine(tmp_path, STORE_URL=url, READY_FREE_MB="0") as receiver:
            assert (await receiver.ready())[0] == 200


async def test_a_slow_disk_is_waited_for_and_sends_away_what_it_cannot_hold(tmp_path):
    """Each ack waits for its sync; the bounded queue says 503 with Retry-After instead of growing;
    what was acknowledged is stored; when the disk is itself again, so is the receiver.
    """
    variables, sign = slow_sync(tmp_path)
    bounds = {"INTAKE_QUEUE": "20", "INTAKE_BATCH": "10"}
    async with machine(tmp_path, variables, **bounds) as receiver:
        voices = [await receiver.register() for _ in range(60)]
        voice = voices[0]
        quick_s = await took(receiver, voice)
        sign.touch()
        slow_s = await took(receiver, voice)
        assert slow_s > 0.4 > quick_s, "the disk of this test is not slow"
        answers = await asyncio.gather(*(receiver.up(v.report(v.heartbeat())) for v in voices))
        statuses = [status for status, _, _ in answers]
        assert set(statuses) == {200, 503}
        for status, body, headers in answers:
            assert (status == 503) == ("Retry-After" in headers)
            assert body
        status, text = await receiver.ready()
        assert status == 200, text
        sign.unlink()
        assert await receiver.eventually(
            lambda: took(receiver, voice), lambda seconds: seconds < 0.4
        )
        assert await receiver.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "receiver.db")) as database:
        rows = database.execute("SELECT device FROM record").fetchall()
    known = {device for (device,) in rows}
    lucky = {v.device for v, status in zip(voices, statuses, strict=True) if status == 200}
    assert lucky <= known


async def took(receiver, voice):
    """How long one report takes, in seconds."""
    started_s = time.monotonic()
    status, _, _ = await receiver.up(voice.report(voice.heartbeat()))
    assert status == 200
    return time.monotonic() - started_s


async def test_no_ack_leaves_without_its_commit_once_the_end_has_begun(tmp_path):
    """SIGTERM while a slow commit is under way: whoever was answered 200 is in the database."""
    variables, sign = slow_sync(tmp_path)
    async with machine(tmp_path, variables) as receiver:
        voice = await receiver.register()
        sign.touch()

        async def report():
            try:
                status, body, _ = await receiver.up(voice.report(voice.heartbeat()))
            except OSError:
                return set()
            return acked(voice, body) if status == 200 else set()

        reporting = [asyncio.create_task(report()) for _ in range(50)]
        # The first commit is over; that of all who came meanwhile is in its sync of 0.4 s.
        await asyncio.wait(reporting, return_when=asyncio.FIRST_COMPLETED)
        assert await receiver.stop() == 0
        told = set().union(*await asyncio.gather(*reporting))
    assert told
    assert told <= stored(tmp_path / "receiver.db")


async def test_clients_never_take_the_last_files(tmp_path):
    """With few descriptors connections are refused early; a device that is connected is served,
    the digest and the API go on, and whoever comes later is let in when others have left.
    """
    limits = [(resource.RLIMIT_NOFILE, 200)]  # 100 of them for clients
    async with machine(tmp_path, limits=limits) as receiver:
        voice = await receiver.register()
        held = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(300)]
        told = [asyncio.create_task(reader.read(20)) for reader, _ in held]
        done, _ = await asyncio.wait(told, timeout=5)
        refused = [task for task in done if task.result().startswith(b"HTTP/1.1 503")]
        assert 200 <= len(refused) <= 202
        ticket = await receiver.open_ticket(voice)
        assert ticket["device"] == voice.device
        status, text = await receiver.ready()
        assert (status, "files: ok" in text) == (200, True)
        for task, (_, writer) in zip(told, held, strict=True):
            task.cancel()
            writer.close()
        other = await receiver.eventually(lambda: knock(receiver.port), bool)
        assert other
        assert "Too many open files" not in receiver.log()


async def knock(port):
    """Whether a new client is served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.startswith(b"HTTP/1.1 200")


async def test_a_receiver_short_of_files_says_so(tmp_path):
    """Where so few are left that databases and logs are in danger, /readyz names it."""
    async with machine(tmp_path, limits=[(resource.RLIMIT_NOFILE, 72)]) as receiver:
        status, text = await receiver.ready()
        assert (status, "of 72 file descriptors are used" in text) == (503, True)
        voice = await receiver.register()
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200


async def test_ten_thousand_idle_connections_leave_a_device_alone(tmp_path):
    """Beyond the limit they are refused; the device that is connected is answered as before, and
    memory stays within what the limit allows. Prints the figures.
    """
    async with machine(tmp_path) as receiver:
        voice = await receiver.register()
        before_s, before = await typical(receiver, voice), receiver.rss_bytes()
        held, refused = [], 0
        for number in range(10_000):
            source = f"127.0.1.{1 + number // 1000}"
            try:
                held.append(
                    await asyncio.open_connection(
                        "127.0.0.1", receiver.port, local_addr=(source, 0), limit=2**10
                    )
                )
            except OSError:
                refused += 1
        during_s, rss = await typical(receiver, voice), receiver.rss_bytes()
        grown, open_now = (rss - before) / 1e6, await connections(receiver)
        print(
            f"\n{open_now} open: {before_s:.4f} -> {during_s:.4f} s a report, {grown:.0f} MB more"
        )
        assert 1000 < open_now <= 4096
        assert len(held) + refused == 10_000
        assert during_s < before_s + 0.05
        assert grown < 4096 * 54_000 / 1e6
        for _, writer in held:
            writer.transport.abort()
        assert await receiver.eventually(lambda: knock(receiver.port), bool)


async def connections(receiver):
    """How many connections the receiver counts."""
    async with receiver.session.get(receiver.url + "/metrics") as answer:
        text = await answer.text()
    return int(float(re.search(r"^phonehome_connections (\S+)", text, re.MULTILINE)[1]))


async def typical(receiver, voice):
    """The middle of 21 reports, in seconds."""
    return sorted([await took(receiver, voice) for _ in range(21)])[10]


async def test_little_memory_is_enough(tmp_path):
    """With 64 MB beyond what it starts with, a thousand devices at once are told the truth: what
    is acknowledged is stored, and it lives on.
    """
    async with machine(tmp_path, INTAKE_QUEUE="200") as receiver:
        voice = await receiver.register()
        bound = receiver.size_bytes() + 64 * 2**20
        resource.prlimit(receiver.process.pid, resource.RLIMIT_AS, (bound, bound))
        told = set()

        async def report():
            try:
                status, body, _ = await receiver.up(
                    voice.report(*[voice.heartbeat() for _ in range(50)])
                )
            except OSError:
                return
            if status == 200:
                told.update(acked(voice, body))

        await asyncio.gather(*(report() for _ in range(1000)))
        assert told
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200
        assert await receiver.stop() == 0
    assert told <= stored(tmp_path / "receiver.db")
