"""The voice of a device: signed reports as a board sends them, and its ear for answers."""

import secrets

from phonehome_wire import registry
from phonehome_wire.downlink import open_downlink
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, make_kid, seal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import (
    Crash,
    Fault,
    encode_crash,
    encode_fault,
    put_head,
    put_heartbeat,
)
from phonehome_wire.series import MISSING
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

BUILD = b"\x01\x02\x03\x04"


class StillFrame:
    """A freeze frame from lists: {channel: (exp, samples)}, None where a sample is missing."""

    def __init__(self, channels, period_ms=500, trigger=None):
        self.ids = sorted(channels)
        self.channels = channels
        self.period_ms = period_ms
        self.count = len(next(iter(channels.values()))[1])
        self.trigger = self.count - 1 if trigger is None else trigger
        self.channel_count = len(self.ids)

    def channel_id(self, i):
        """The wire id of channel number i."""
        return self.ids[i]

    def exp(self, i):
        """The exponent of its samples."""
        return self.channels[self.ids[i]][0]

    def sample(self, i, j):
        """Sample j, MISSING where there is none."""
        value = self.channels[self.ids[i]][1][j]
        return MISSING if value is None else value


class Voice:
    """A device with its key; counts boots, records and uptime like one."""

    def __init__(self, device: str = "", key: bytes = b"", epoch: int = 1):
        self.device = device or secrets.token_hex(8)
        self.key = key or secrets.token_bytes(32)
        self.kid = make_kid(bytes.fromhex(self.device), epoch)
        self.up = up_key(self.key, bytes.fromhex(self.device))
        self.down = down_key(self.key, bytes.fromhex(self.device))
        self.inc = secrets.token_bytes(4)
        self.boot = 1
        self.seq = 0
        self.now_ms = 1000

    def report(self, *records: bytes, **head) -> bytes:
        """A signed message with these records."""
        self.now_ms += 10
        what = UplinkHead(self.inc, self.boot, self.now_ms, BUILD)
        for name, value in head.items():
            setattr(what, name, value)
        buffer = bytearray(4096)
        enc = Encoder(buffer, PAYLOAD_OFFSET)
        begin_uplink(enc, what, len(records))
        for record in records:
            enc.put_raw(record)
        end_uplink(enc, what)
        start, end = seal(buffer, enc.pos, self.up, self.kid)
        return bytes(buffer[start:end])

    def sealed(self, payload: bytes) -> bytes:
        """Any payload under this device's signature."""
        buffer = bytearray(4096)
        buffer[PAYLOAD_OFFSET : PAYLOAD_OFFSET + len(payload)] = payload
        start, end = seal(buffer, PAYLOAD_OFFSET + len(payload), self.up, self.kid)
        return bytes(buffer[start:end])

    def heartbeat(self, version: int | None = None) -> bytes:
        """A heartbeat record, perhaps with the version of the configuration."""
        enc = Encoder(bytearray(256), 0)
        put_head(enc, registry.RTYPE_HEARTBEAT, self.boot, self._next(), self.now_ms)
        metrics = Metrics()
        metrics.set(registry.METRIC_UPTIME_S, self.now_ms // 1000)
        if version is not None:
            metrics.set(registry.METRIC_CONFIG_VERSION, version)
        put_heartbeat(enc, metrics)
        return bytes(enc.buf[: enc.pos])

    def crash(self, exception: str, frames) -> bytes:
        """A crash record of an exception."""
        crash = Crash(registry.CRASHKIND_EXCEPTION)
        crash.exception, crash.frames = exception, frames
        enc = Encoder(bytearray(2048), 0)
        encode_crash(enc, self.boot, self._next(), self.now_ms, crash)
        return bytes(enc.buf[: enc.pos])

    def fault(self, spn: int, fmi: int, kind: int = registry.KIND_CONFIRMED, **more) -> bytes:
        """A fault transition record."""
        fault = Fault()
        fault.spn, fault.fmi, fault.kind, fault.severity = spn, fmi, kind, 3
        fault.status = 0x2F if kind == registry.KIND_CONFIRMED else 0x28
        fault.occurrence = 1
        for name, value in more.items():
            setattr(fault, name, value)
        enc = Encoder(bytearray(2048), 0)
        encode_fault(enc, self.boot, self._next(), self.now_ms, fault)
        return bytes(enc.buf[: enc.pos])

    def hear(self, message: bytes):
        """What a signed answer says."""
        return open_downlink(message, self.down, self.kid)

    def _next(self) -> int:
        self.seq += 1
        return self.seq - 1
