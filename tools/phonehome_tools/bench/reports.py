"""Signed reports without an appliance: what a load generator sends, each one never sent before."""

import os
from dataclasses import dataclass, field

from phonehome_tools.fleet.home import FIRST_EPOCH, draw_device
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import make_kid, seal
from phonehome_wire.keys import up_key
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import Fault, encode_fault, put_head, put_heartbeat
from phonehome_wire.registry import (
    FMI_CONDITION,
    KIND_CONFIRMED,
    KIND_HEALED,
    RTYPE_HEARTBEAT,
    SEVERITY_ERROR,
    STATUS_CONFIRMED,
    STATUS_TEST_FAILED,
)
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

BUFFER_BYTES = 4096
FIRST_SPN = 520_192
METRICS = 15
STEP_MS = 10


class Samples:
    """A freeze frame as a washing machine takes it: eight channels that move a little."""

    period_ms = 500
    trigger = 15
    count = 20
    channel_count = 8

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def channel_id(self, i: int) -> int:
        """Wire id of channel number i."""
        return i

    def exp(self, _i: int) -> int:
        """Decimal exponent of its samples."""
        return -1

    def sample(self, i: int, j: int) -> int:
        """A slow ramp with some noise."""
        return 100 * i + 3 * j + (self._seed + i * 7 + j * 13) % 11


@dataclass
class Reporter:
    """One device of the load: its identity, its key and its counters."""

    device: str = field(default_factory=draw_device)
    key: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        """Derive the key that signs, and begin an incarnation."""
        dev = bytes.fromhex(self.device)
        self._sign_key = up_key(self.key, dev)
        self._kid = make_kid(dev, FIRST_EPOCH)
        self._buffer = bytearray(BUFFER_BYTES)
        self._encoder = Encoder(self._buffer)
        self._head = UplinkHead(os.urandom(4), 1, 0, os.urandom(4))
        self._seq = 0
        self._now_ms = 0

    @property
    def now_ms(self) -> int:
        """The uptime at which it signed last."""
        return self._now_ms

    def report(self) -> bytes:
        """What appliances send one at a time: a heartbeat, then a fault with its freeze frame."""
        return self.fault() if self._seq % 2 else self.heartbeat()

    def fault(self) -> bytes:
        """A report with one fault transition and its freeze frame."""
        enc = self._begin(1)
        seq = self._take_seq()
        fault = transition(seq // 2)
        fault.frame = Samples(seq)
        encode_fault(enc, self._head.boot, seq, self._now_ms, fault)
        return self._end()

    def heartbeat(self) -> bytes:
        """A report with one heartbeat of 15 metrics."""
        metrics = Metrics()
        for metric in range(METRICS):
            metrics.set(metric, self._now_ms + 1000 * metric)
        enc = self._begin(1)
        put_head(enc, RTYPE_HEARTBEAT, self._head.boot, self._take_seq(), self._now_ms)
        put_heartbeat(enc, metrics)
        return self._end()

    def faults(self, count: int) -> bytes:
        """A report with `count` transitions: faults that are confirmed and healed in turn."""
        enc = self._begin(count)
        for _ in range(count):
            seq = self._take_seq()
            encode_fault(enc, self._head.boot, seq, self._now_ms, transition(seq))
        return self._end()

    def repeats(self) -> bytes:
        """A report of the first fault: confirmed again, then healed."""
        enc = self._begin(2)
        for kind in (KIND_CONFIRMED, KIND_HEALED):
            fault = transition(0)
            fault.kind = kind
            encode_fault(enc, self._head.boot, self._take_seq(), self._now_ms, fault)
        return self._end()

    def _begin(self, count: int) -> Encoder:
        self._now_ms += STEP_MS
        self._head.now_ms = self._now_ms
        self._encoder.reset()
        begin_uplink(self._encoder, self._head, count)
        return self._encoder

    def _end(self) -> bytes:
        end_uplink(self._encoder, self._head)
        start, end = seal(self._buffer, self._encoder.pos, self._sign_key, self._kid)
        return bytes(self._buffer[start:end])

    def _take_seq(self) -> int:
        self._seq += 1
        return self._seq - 1


def transition(seq: int) -> Fault:
    """The transition of one record: each of 16 faults is confirmed, then healed, and so on."""
    fault = Fault()
    fault.spn = FIRST_SPN + seq % 16
    fault.fmi = FMI_CONDITION
    confirms = seq // 16 % 2 == 0
    fault.kind = KIND_CONFIRMED if confirms else KIND_HEALED
    fault.status = STATUS_CONFIRMED | (STATUS_TEST_FAILED if confirms else 0)
    fault.occurrence = min(1 + seq // 32, 126)
    fault.severity = SEVERITY_ERROR
    fault.channel, fault.exp, fault.value, fault.limit = 0, -1, 900 + seq % 50, 900
    fault.failing_ms = 1500
    return fault
