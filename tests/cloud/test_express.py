"""The short way of `POST /v1/up`: answers as by aiohttp, and only for what boards write."""

import asyncio

import pytest

from phonehome_cloud.web.connections import ConnectionLimits
from phonehome_cloud.web.express import find_message
from phonehome_wire.downlink import Ack
from tests.cloud.running import CONTENT_TYPE, running
from tests.cloud.voice import Voice


def request_of(message, more=""):
    """A POST as the agent writes it; `more` are header lines that it does not write."""
    head = f"POST /v1/up HTTP/1.1\r\nHost: x:1\r\nContent-Type: {CONTENT_TYPE}\r\n{more}"
    return f"{head}Content-Length: {len(message)}\r\n\r\n".encode() + message


async def say(receiver, *pieces):
    """Send bytes on one connection, piece by piece; returns (reader, writer)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    return reader, writer


async def read_answer(reader):
    """(status, headers, body) of the next response."""
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await reader.readexactly(int(headers["Content-Length"]))
    return int(line.split()[1]), headers, body


async def boards(receiver):
    """How many connections the door knows that aiohttp does not."""
    return len(receiver.site.door.boards)


async def test_a_board_is_answered_without_aiohttp(tmp_path):
    """One connection, many reports, each acknowledged under signature."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        before = receiver.site.door.connections
        reader, writer = await say(receiver)
        for _ in range(3):
            writer.write(request_of(voice.report(voice.heartbeat())))
            status, headers, body = await read_answer(reader)
            assert (status, set(headers)) == (200, {"Content-Type", "Content-Length"})
            assert isinstance(voice.hear(body), Ack)
        assert len(receiver.site.door.boards) == receiver.site.door.connections - before == 1
        writer.close()


@pytest.mark.parametrize("kind", ["good", "stranger", "tampered", "unreadable", "none", "empty"])
async def test_both_ways_answer_the_same(tmp_path, kind):
    """Whatever intake says, status, headers and body do not tell by which way it came."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        messages = {
            "good": voice.report(voice.heartbeat()),
            "stranger": Voice().report(),
            "tampered": voice.report()[:-1] + b"x",
            "unreadable": voice.sealed(b"\xff"),
            "none": b"no message",
            "empty": voice.report(),
        }
        answers = []
        for more in ("", "X-Other: way\r\n"):
            reader, writer = await say(receiver, request_of(messages[kind], more))
            answers.append(await read_answer(reader))
            assert len(receiver.site.door.boards) == (0 if more else 1)
            writer.close()
            await receiver.eventually(lambda: boards(receiver), lambda count: count == 0)
        (status, headers, body), (status2, headers2, body2) = answers
        assert (status, headers) == (status2, headers2)
        assert body == body2 or status == 200  # an ack says when it was written


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("POST", "post"),
        ("/v1/up", "/v1/up?x"),
        ("HTTP/1.1", "HTTP/1.0"),
        ("Host: x:1", "Host: x 1"),
        ("Host: x:1\r\n", ""),
        ("cose-mac0", "cose-sign"),
        ("Content-Length: ", "Content-Length: 0"),
        ("Content-Length: ", "Content-Length: +"),
        ("Content-Length: ", "Content-Length : "),
        ("Content-Length", "Transfer-Encoding: chunked\r\nContent-Length"),
        ("\r\n", "\n"),
    ],
)
def test_any_other_line_is_for_aiohttp(old, new):
    """The short way never has an opinion about HTTP."""
    message = b"m" * 30
    request = request_of(message)
    assert find_message(request) == message
    changed = request.decode().replace(old, new).encode()
    assert changed != request
    assert find_message(changed) is None


def test_only_a_whole_request_is_read():
    """Not a byte less, and not a byte of the next one."""
    request = request_of(b"m" * 30)
    assert [find_message(request[:n]) for n in range(len(request))] == [None] * len(request)
    assert find_message(request + b"P") is None


async def test_a_request_in_pieces_is_answered(tmp_path):
    """A slow network cuts anywhere: aiohttp puts it together, on this connection for good."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for cut in (1, 30, 100, 140):
            whole = request_of(voice.report(voice.heartbeat()))
            reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
            writer.write(whole[:cut])
            await writer.drain()
            await receiver.eventually(lambda: aiohttp_has_one(receiver), bool)
            writer.write(whole[cut:])
            assert (await read_answer(reader))[0] == 200
            writer.write(request_of(voice.report(voice.heartbeat())))
            assert (await read_answer(reader))[0] == 200
            writer.close()


async def aiohttp_has_one(receiver):
    """Whether a connection went on to aiohttp."""
    door = receiver.site.door
    return door.connections > len(door.boards)


async def test_requests_ahead_of_their_answers_are_answered_in_order(tmp_path):
    """Pipelining is nothing that boards do, and nothing that harms."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        messages = [voice.report(voice.heartbeat()) for _ in range(4)]
        reader, writer = await say(receiver, *map(request_of, messages))
        acks = [voice.hear((await read_answer(reader))[2]) for _ in messages]
        assert [ack.stored for ack in acks] == [[(1, n, n)] for n in range(4)]
        writer.close()


async def test_an_idle_board_is_let_go(tmp_path):
    """As aiohttp does: silence for longer than the limit ends a connection, and no sooner."""
    async with running(tmp_path, ConnectionLimits(idle_s=0.3)) as receiver:
        voice = await receiver.register()
        reader, writer = await say(receiver, request_of(voice.report(voice.heartbeat())))
        assert (await read_answer(reader))[0] == 200
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        assert loop.time() - started_s > 0.25
        writer.close()


async def test_the_end_of_the_receiver_waits_for_answers(tmp_path):
    """What was taken before the stop is committed and answered; who is idle is let go."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        idle, idle_writer = await say(receiver, request_of(voice.report(voice.heartbeat())))
        assert (await read_answer(idle))[0] == 200
        held = asyncio.Event()
        write = receiver.database.write_intake

        async def slowly(fn, *args):
            await held.wait()
            return await write(fn, *args)

        receiver.database.write_intake = slowly
        busy, busy_writer = await say(receiver, request_of(voice.report(voice.heartbeat())))
        await receiver.eventually(lambda: in_request(receiver), bool)
        stopping = asyncio.create_task(receiver.site.stop())
        assert await idle.read() == b""
        assert not stopping.done()
        held.set()
        status, _, body = await read_answer(busy)
        assert (status, voice.hear(body).stored) == (200, [(1, 1, 1)])
        await stopping
        assert await busy.read() == b""
        idle_writer.close()
        busy_writer.close()


async def in_request(receiver):
    """Whether a board waits for an answer."""
    return any(guard._in_request for guard in receiver.site.door.boards)
