"""A receiver for tests of the device: verifies with the real wire, stores in memory, acks signed.

It can be told to misbehave: `script` holds what to do with the next reports (see MOODS), after that
it behaves.
"""

import time

from aiohttp import web
from phonehome_wire.downlink import Ack, Command, put_ack, put_command
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_64, ALG_HMAC_256, peek, seal, unseal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.uplink import decode_uplink

MOODS = (
    "lose",  # store, then drop the connection instead of answering
    "busy",  # 503 with Retry-After: 1
    "unread",  # 422 without a signed word
    "garbage",  # 200 with bytes that are no ack
    "forged",  # an ack under another key
    "huge",  # a body above every cap
    "slow",  # nothing for longer than the device waits
)


class FakeReceiver:
    """Stores the records of one device by (incarnation, boot, seq) and remembers every report."""

    def __init__(self, device: bytes, device_key: bytes, epoch: int = 1) -> None:
        self.device = device
        self.kid = device + bytes([epoch])
        self._up = up_key(device_key, device)
        self._down = down_key(device_key, device)
        self.stored = {}
        self.collisions = []
        self.reports = []
        self.states = []
        self.script = []
        self.refuse = {}  # (boot, seq): code
        self.backoff_s = None
        self.poll = None
        self.on_report = None

    def take(self, message: bytes):
        """Verify and store a report; return it decoded."""
        _, kid = peek(message)
        assert kid == self.kid
        report = decode_uplink(bytes(unseal(message, self._up)))
        self.reports.append(report)
        inc = report.origin_inc or report.inc
        for record in report.records:
            assert record.defect is None, record.defect
            key = (inc, record.boot, record.seq)
            if (record.boot, record.seq) in self.refuse:
                continue
            if self.stored.setdefault(key, record).raw != record.raw:
                self.collisions.append(key)
        if self.on_report:
            self.on_report(report)
        return report

    def ack(self, report, key: bytes = b"") -> bytes:
        """The signed ack of a report."""
        keys = [(record.boot, record.seq) for record in report.records]
        ack = Ack(
            report.inc,
            report.boot,
            time.time_ns() // 1_000_000,
            report.now_ms,
            [(boot, seq, seq) for boot, seq in keys if (boot, seq) not in self.refuse],
            [
                (boot, seq, self.refuse[boot, seq])
                for boot, seq in keys
                if (boot, seq) in self.refuse
            ],
            self.backoff_s,
            report.origin_inc,
            self.poll,
        )
        self.poll = None
        return self._seal(lambda enc: put_ack(enc, ack), ALG_HMAC_64, key or self._down)

    def command(self, report, cseq: int, code: int, deadline_ms: int | None = None) -> bytes:
        """A signed command for the boot that sent a report."""
        deadline_ms = report.now_ms + 60_000 if deadline_ms is None else deadline_ms
        now_ms = time.time_ns() // 1_000_000
        command = Command(report.inc, report.boot, now_ms, cseq, deadline_ms, code)
        return self._seal(lambda enc: put_command(enc, command), ALG_HMAC_256, self._down)

    def records(self, rtype: int) -> list:
        """The stored records of a type, by their ids."""
        return [r for _, r in sorted(self.stored.items()) if r.rtype == rtype]

    def _seal(self, put, alg: int, key: bytes) -> bytes:
        enc = Encoder(bytearray(2048))
        put(enc)
        start, end = seal(enc.buf, enc.pos, key, self.kid, alg)
        return bytes(enc.buf[start:end])


async def handle_up(request: web.Request) -> web.StreamResponse:
    """POST /v1/up in the mood that the script says."""
    receiver = request.app[RECEIVER]
    message = await request.read()
    mood = receiver.script.pop(0) if receiver.script else ""
    if mood == "busy":
        return web.Response(status=503, headers={"Retry-After": "1"})
    if mood == "unread" or (callable(mood) and mood(message)):
        return web.Response(status=422)
    if mood == "garbage":
        return _cose(b"\xd1\x84" + bytes(60))
    if mood == "huge":
        return _cose(bytes(100_000))
    report = receiver.take(message)
    if mood == "lose":
        request.transport.close()
    if mood == "forged":
        return _cose(receiver.ack(report, key=bytes(32)))
    return _cose(receiver.ack(report))


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
    return app
