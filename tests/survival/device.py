"""One appliance of the fleet: numbered records, and an outbox that only a signed ack empties."""

import random
from collections import deque
from hashlib import sha256

from phonehome_wire.downlink import open_downlink
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, make_kid, seal
from phonehome_wire.errors import RefusedError
from phonehome_wire.head import put_head
from phonehome_wire.heard import Ack
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED, RTYPE_FAULT
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

EPOCH = 1
FIRST_SPN = 524_000
FAULTS = 4
FMI = 7
BUILD = b"\x3f\x9a\xc2\x1b"
BATCH = 20  # records a report carries at most
PAST = 6  # old reports kept for replays
STEP_MS = 250
_BUFFER_BYTES = 4000


class Device:
    """Appliance `number`; `made` says how many records each of its boots made.

    A report may fly more than once, at the same time too: acks are taken in any order. What is
    refused is a defect of the receiver here, since all of it is well-formed.
    """

    def __init__(self, number: int, rng: random.Random) -> None:
        self.dev = b"\xa4\xcf\x12\xff\xfe" + number.to_bytes(3, "big")
        self.name = self.dev.hex()
        self.key = sha256(b"survival" + self.dev).digest()
        self.inc = sha256(b"inc" + self.dev).digest()[:4]
        self.boot = 1
        self.made: dict[int, int] = {1: 0}
        self.confirmed = [0] * FAULTS
        self.waiting: dict[tuple[int, int], bytes] = {}
        self.past: deque[bytes] = deque(maxlen=PAST)
        self.refused: list[tuple[int, int, int]] = []
        self._rng = rng
        self._now_ms = 0
        self._kid = make_kid(self.dev, EPOCH)
        self._up, self._down = up_key(self.key, self.dev), down_key(self.key, self.dev)
        self._encoder = Encoder(bytearray(_BUFFER_BYTES), PAYLOAD_OFFSET)

    def reboot(self) -> None:
        """Begin the next boot; what waits keeps the number of the boot that made it."""
        self.boot += 1
        self.made[self.boot] = 0
        self._now_ms = 0

    def happen(self, count: int) -> None:
        """So many more transitions: each fault is confirmed, then healed, and so on."""
        for _ in range(count):
            seq = self.made[self.boot]
            self.made[self.boot] = seq + 1
            self._now_ms += STEP_MS
            fault = self._rng.randrange(FAULTS)
            kind = self._rng.choice((KIND_CONFIRMED, KIND_HEALED))
            self.confirmed[fault] += kind == KIND_CONFIRMED
            self.waiting[self.boot, seq] = self._encode(seq, fault, kind)

    def compose(self) -> bytes:
        """A signed report with the oldest records that wait; none is given up by this."""
        encoder = self._encoder
        encoder.reset(PAYLOAD_OFFSET)
        self._now_ms += STEP_MS
        head = UplinkHead(self.inc, self.boot, self._now_ms, BUILD)
        records = list(self.waiting.values())[:BATCH]
        begin_uplink(encoder, head, len(records))
        for record in records:
            encoder.put_raw(record)
        end_uplink(encoder, head)
        start, end = seal(encoder.buf, encoder.pos, self._up, self._kid)
        report = bytes(encoder.buf[start:end])
        self.past.append(report)
        return report

    def hear(self, answer: bytes) -> bool:
        """Delete what a signed ack names; False when it is no ack of ours."""
        try:
            ack = open_downlink(answer, self._down, self._kid)
        except RefusedError:
            return False
        if not isinstance(ack, Ack):
            return False
        self.refused += ack.refused
        for boot, low, high in ack.stored:
            for seq in range(low, high + 1):
                self.waiting.pop((boot, seq), None)
        return True

    def _encode(self, seq: int, fault: int, kind: int) -> bytes:
        encoder = self._encoder
        encoder.reset(PAYLOAD_OFFSET)
        put_head(encoder, RTYPE_FAULT, self.boot, seq, self._now_ms)
        encoder.put_value(
            {0: FIRST_SPN + fault, 1: FMI, 2: 0x2F, 3: 1, 4: 3, 6: [-2, seq], 11: kind}
        )
        return bytes(encoder.buf[PAYLOAD_OFFSET : encoder.pos])
