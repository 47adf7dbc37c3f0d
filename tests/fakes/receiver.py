"""A receiver over HTTP for tests of the device; told to, it misbehaves.

`script` holds what to do with the next reports (see MOODS), after that it behaves.
"""

import asyncio
import time

from aiohttp import web

from phonehome_wire.envelope import ALG_HMAC_64
from phonehome_wire.registry import POLL_COMMANDS
from tests.fakes.desk import FakeDesk

MOODS = (
    "lose",  # store, then drop the connection instead of answering
    "busy",  # 503 with Retry-After: 1
    "unknown",  # 401, as for a key that it does not have
    "unread",  # 422 without a signed word
    "garbage",  # 200 with bytes that are no ack
    "forged",  # an ack under another key
    "huge",  # a body above every cap
    "twice",  # the answer twice, as a network does that repeats itself
    "silent",  # nothing at all, for longer than the device waits
)


class FakeReceiver(FakeDesk):
    """A desk with a clock that runs and moods."""

    def __init__(self, device: bytes, device_key: bytes, epoch: int = 1) -> None:
        super().__init__(device, device_key, epoch)
        self.script = []
        self.times = ""  # how answers about the time are wrong
        self.asked = []
        self.orders = []  # (cseq, code, args) that wait; a poll is answered by the first

    def answer(self, report) -> bytes:
        """The command that a poll asks for, or the ack."""
        if self.orders and not report.records:
            cseq, code, args = self.orders[0]
            return self.command(report, cseq, code, args=args)
        if self.orders:
            self.poll = POLL_COMMANDS
        return self.ack(report)

    def ack(self, report, key: bytes = b"") -> bytes:
        self.server_ms = time.time_ns() // 1_000_000
        return super().ack(report, key)


async def handle_up(request: web.Request) -> web.StreamResponse:
    """POST /v1/up in the mood that the script says."""
    receiver = request.app[RECEIVER]
    message = await request.read()
    mood = receiver.script.pop(0) if receiver.script else ""
    if mood == "busy":
        return web.Response(status=503, headers={"Retry-After": "1"})
    if mood == "unknown":
        return web.Response(status=401)
    if mood == "unread":
        return web.Response(status=422)
    if mood == "garbage":
        return _cose(b"\xd1\x84" + bytes(60))
    if mood == "huge":
        return _cose(bytes(100_000))
    if mood == "silent":
        await asyncio.sleep(60)
    report = receiver.take(message)
    if mood == "lose":
        request.transport.close()
    if mood == "forged":
        return _cose(receiver.ack(report, key=bytes(32)))
    if mood == "twice":
        ack = receiver.ack(report)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/cose\r\nContent-Length: %d\r\n\r\n"
        request.transport.write(head % len(ack) + ack)
        return _cose(ack)
    return _cose(receiver.answer(report))


async def handle_time(request: web.Request) -> web.Response:
    """GET /v1/time, wrong in the way that `times` says."""
    receiver = request.app[RECEIVER]
    receiver.asked.append(request.query_string)
    nonce, now_ms = bytes.fromhex(request.query["n"]), time.time_ns() // 1_000_000
    wrong = {
        "forged": {"key": bytes(32)},
        "short": {"alg": ALG_HMAC_64},
        "replayed": {"nonce": bytes(8)},
    }.get(receiver.times, {})
    if receiver.times == "garbage":
        return _cose(bytes(60))
    return _cose(receiver.time(**{"nonce": nonce, "server_ms": now_ms, **wrong}))


def _cose(body: bytes) -> web.Response:
    return web.Response(
        body=body, headers={"Content-Type": 'application/cose; cose-type="cose-mac0"'}
    )


RECEIVER = web.AppKey("receiver", FakeReceiver)


def make_app(receiver: FakeReceiver) -> web.Application:
    """The HTTP surface of a fake receiver."""
    app = web.Application()
    app[RECEIVER] = receiver
    app.router.add_post("/v1/up", handle_up)
    app.router.add_get("/v1/time", handle_time)
    return app
