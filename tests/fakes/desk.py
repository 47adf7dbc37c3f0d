"""The receiving end for tests: verifies with the real wire, stores in memory, acks signed."""

from phonehome_wire.downlink import (
    Ack,
    Command,
    TimeReply,
    put_ack,
    put_command,
    put_time_reply,
)
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_64, ALG_HMAC_256, peek, seal, unseal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.uplink import decode_uplink

SERVER_MS = 1700000000000


class FakeDesk:
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
        self.refuse = {}  # (boot, seq): code
        self.backoff_s = None
        self.poll = None
        self.on_report = None
        self.server_ms = SERVER_MS

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
            self.server_ms,
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

    def command(self, report, cseq: int, code: int, deadline_ms=None, key: bytes = b"", args=None):
        """A signed command for the boot that sent a report."""
        deadline_ms = report.now_ms + 60000 if deadline_ms is None else deadline_ms
        command = Command(report.inc, report.boot, self.server_ms, cseq, deadline_ms, code, args)
        return self._seal(lambda enc: put_command(enc, command), ALG_HMAC_256, key or self._down)

    def time(
        self, nonce: bytes, server_ms: int, alg: int = ALG_HMAC_256, key: bytes = b""
    ) -> bytes:
        """A signed time reply."""
        reply = TimeReply(server_ms, nonce)
        return self._seal(lambda enc: put_time_reply(enc, reply), alg, key or self._down)

    def records(self, rtype: int) -> list:
        """The stored records of a type, by their ids."""
        return [self.stored[key] for key in sorted(self.stored) if self.stored[key].rtype == rtype]

    def _seal(self, put, alg: int, key: bytes) -> bytes:
        enc = Encoder(bytearray(2048))
        put(enc)
        start, end = seal(enc.buf, enc.pos, key, self.kid, alg)
        return bytes(enc.buf[start:end])
