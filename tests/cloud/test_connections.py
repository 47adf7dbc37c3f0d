"""Clients that do not mean well, on real sockets: each is cut, and nobody else notices."""

import asyncio
import time

import pytest

from phonehome_cloud.web import device
from phonehome_cloud.web.connections import ConnectionLimits
from phonehome_cloud.web.limits import TokenBuckets
from tests.cloud.running import CONTENT_TYPE, running

LONG_S = 20.0
HEAD = f"POST /v1/up HTTP/1.1\r\nHost: x\r\nContent-Type: {CONTENT_TYPE}\r\n"


async def drip(writer, pieces, pause_s):
    """Send a little, wait, send a little, until nobody listens."""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
    except ConnectionError:
        return


async def ending(receiver, pieces, pause_s=0.05):
    """What a dripping client is told, and how long it was borne with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    started_s = time.monotonic()
    dripping = asyncio.create_task(drip(writer, pieces, pause_s))
    try:
        async with asyncio.timeout(LONG_S):
            answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    took_s = time.monotonic() - started_s
    dripping.cancel()
    writer.close()
    return answer, took_s


async def test_a_head_that_never_ends_is_cut(tmp_path):
    """One header line after the other, for ever: the clock runs from the first byte."""
    limits = ConnectionLimits(head_timeout_s=0.5)
    async with running(tmp_path, limits) as receiver:
        lines = (f"X-{i}: a\r\n".encode() for i in range(10_000))
        answer, took_s = await ending(
            receiver, (HEAD.encode(), *(next(lines) for _ in range(200)))
        )
        assert (answer, receiver.site.door.cut) == (b"", 1)
        assert 0.4 < took_s < 5


async def test_a_client_that_says_nothing_is_cut(tmp_path):
    """A connection without a first request is no device that waits for its next report."""
    async with running(tmp_path, ConnectionLimits(head_timeout_s=0.3)) as receiver:
        answer, took_s = await ending(receiver, ())
        assert answer == b""
        assert took_s < 5


async def test_a_second_head_is_timed_too(tmp_path):
    """A good first request buys no patience for the second one."""
    async with running(tmp_path, ConnectionLimits(head_timeout_s=0.5)) as receiver:
        first = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        pieces = (first, b"GET / HTTP/1.1\r\n", *[b"X: a\r\n"] * 100)
        answer, took_s = await ending(receiver, pieces)
        assert answer.startswith(b"HTTP/1.1 200")
        assert receiver.site.door.cut == 1
        assert took_s < 5


async def test_an_idle_device_keeps_its_connection(tmp_path):
    """Silence after an answer is not a slow head: the next report uses the same connection."""
    async with running(tmp_path, ConnectionLimits(head_timeout_s=0.2)) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(2):
            writer.write(request)
            async with asyncio.timeout(LONG_S):
                await reader.readuntil(b"ok\n")
            await asyncio.sleep(0.5)  # the silence itself is what is tested
        assert receiver.site.door.cut == 0
        writer.close()


async def test_a_body_that_drips_is_408(tmp_path, monkeypatch):
    """A slow-loris body is answered when its time is over, and the connection ends."""
    monkeypatch.setattr(device, "BODY_TIMEOUT_S", 0.5)
    async with running(tmp_path) as receiver:
        head = (HEAD + "Content-Length: 4000\r\n\r\n").encode()
        answer, took_s = await ending(receiver, (head, *[b"x"] * 200))
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"Connection: close" in answer
        assert took_s < 5


async def test_a_body_that_breaks_off_harms_nobody(tmp_path, caplog):
    """A client that leaves in the middle of its body is forgotten, others are served; no error."""
    async with running(tmp_path) as receiver:
        _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        writer.write((HEAD + "Content-Length: 4000\r\n\r\nabc").encode())
        await writer.drain()
        voice = await receiver.register()
        writer.transport.abort()
        assert (await receiver.up(voice.report()))[0] == 200
    assert "Traceback" not in caplog.text


async def test_too_many_connections_of_one_address_are_503(tmp_path):
    """The one too many is told to come back later; when one has left, it may."""
    limits = ConnectionLimits(connections_per_address=2)
    async with running(tmp_path, limits) as receiver:
        held = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(2)]
        await receiver.eventually(lambda: open_connections(receiver), lambda count: count == 2)
        answer, _ = await ending(receiver, ())
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in answer
        for _, writer in held:
            writer.close()
        await receiver.eventually(lambda: open_connections(receiver), lambda count: count == 0)
        assert (await receiver.up(b"x"))[0] == 401


async def open_connections(receiver):
    """How many connections the door counts."""
    return receiver.site.door.connections


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/up HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/up HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["binary", "version", "negative", "smuggling", "long-path", "long-header"],
)
async def test_what_is_no_http_is_400(tmp_path, request_bytes):
    """The connection ends with a refusal, and the receiver goes on."""
    async with running(tmp_path) as receiver:
        answer, _ = await ending(receiver, (request_bytes,))
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), answer[:100]
        assert (await receiver.up(b"x"))[0] == 401


def test_a_bucket_fills_with_time():
    """So many at once, then as many as the rate gives."""
    now_s = 0.0
    buckets = TokenBuckets(2.0, 3.0, clock=lambda: now_s)
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("b") == 0.0
    now_s = 0.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") == 0.5


def test_a_charge_is_paid_off_with_time():
    """At most its own cost is owed, however often it is charged: nobody is locked out for ever."""
    now_s = 0.0
    buckets = TokenBuckets(1.0, 3.0, clock=lambda: now_s)
    for _ in range(5):
        buckets.charge("a", 20.0)
    assert buckets.take("a") == 21.0
    assert buckets.take("b") == 0.0
    now_s = 21.0
    assert buckets.take("a") == 0.0


def test_a_flood_of_names_costs_bounded_memory():
    """The longest unseen name is forgotten first."""
    buckets = TokenBuckets(1.0, 1.0, max_keys=2, clock=lambda: 0.0)
    for name in "abc":
        buckets.take(name)
    assert buckets.take("a") == 0.0
    assert buckets.take("c") == 1.0
