"""An appliance that signs whatever a test wants it to say, right or wrong."""

import hashlib

from phonehome_wire.downlink import open_downlink
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, make_kid, seal
from phonehome_wire.keys import down_key, up_key
from phonehome_wire.registry import (
    KIND_CONFIRMED,
    RTYPE_FAULT,
    RTYPE_HEARTBEAT,
    RTYPE_HELLO,
)
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

INC = b"\x9f\x3a\xc4\x1e"
BUILD = b"\x3f\x9a\xc2\x1b"


class Appliance:
    """Device number `number` with a key of its own; its words are numbered like a real one's."""

    def __init__(self, number=1, epoch=1):
        self.dev = b"\xa4\xcf\x12\xff\xfe" + number.to_bytes(3, "big")
        self.device = self.dev.hex()
        self.epoch = epoch
        self.key = hashlib.sha256(self.dev + bytes([epoch])).digest()

    @property
    def kid(self):
        """Its key id."""
        return make_kid(self.dev, self.epoch)

    def message(self, records=(), now_ms=60_000, boot=1, inc=INC, **head):
        """A signed report; `records` are encoded records, `head` other fields of the uplink."""
        buffer = bytearray(5000)
        encoder = Encoder(buffer, PAYLOAD_OFFSET)
        uplink = UplinkHead(inc, boot, now_ms, BUILD)
        for name, value in head.items():
            setattr(uplink, name, value)
        begin_uplink(encoder, uplink, len(records))
        for record in records:
            encoder.put_raw(record)
        end_uplink(encoder, uplink)
        return self._sealed(buffer, encoder.pos)

    def signed(self, payload):
        """A message with any bytes as payload, rightly signed."""
        buffer = bytearray(PAYLOAD_OFFSET + len(payload) + 40)
        buffer[PAYLOAD_OFFSET : PAYLOAD_OFFSET + len(payload)] = payload
        return self._sealed(buffer, PAYLOAD_OFFSET + len(payload))

    def said(self, value):
        """A message whose payload is any value of the profile, rightly signed."""
        return self.signed(encode(value))

    def _sealed(self, buffer, end):
        start, end = seal(buffer, end, up_key(self.key, self.dev), self.kid)
        return bytes(buffer[start:end])

    def hears(self, answer):
        """The downlink in a signed answer; it raises unless it is for this device."""
        return open_downlink(answer, down_key(self.key, self.dev), self.kid)


def encode(value):
    """The bytes of any value of the wire's profile."""
    buffer = bytearray(8000)
    encoder = Encoder(buffer, 0)
    encoder.put_value(value)
    return bytes(buffer[: encoder.pos])


def record(rtype, body, seq=0, boot=1, ms=50_000):
    """One encoded record."""
    return encode([rtype, boot, seq, ms, body])


def heartbeat(seq=0, boot=1, ms=50_000, uptime_s=50):
    """A heartbeat record."""
    return record(RTYPE_HEARTBEAT, {0: uptime_s}, seq, boot, ms)


def hello(seq=0, boot=1, ms=1_000, **more):
    """A birth record; `more` may be platform, catalog or state_lost."""
    body = {0: "0.1.0", 1: 1, 2: more.get("platform", "rp2 Raspberry Pi Pico W"), 4: 3}
    if "catalog" in more:
        body[5] = more["catalog"]
    if "state_lost" in more:
        body[6] = more["state_lost"]
    return record(RTYPE_HELLO, body, seq, boot, ms)


def fault(
    seq=0,
    kind=KIND_CONFIRMED,
    boot=1,
    ms=50_000,
    spn=524_000,
    fmi=7,
    severity=3,
    frame=None,
    occurrence=1,
    context=None,
):
    """A fault transition record; `frame` is {channel: series}, `context` {metric: number}."""
    body = {0: spn, 1: fmi, 2: 0x2F, 3: occurrence, 4: severity, 6: [-2, 5312], 7: 4000, 8: 750}
    if frame is not None:
        body[9] = {0: 250, 1: 3, 2: frame}
    if context is not None:
        body[10] = context
    body[11] = kind
    return record(RTYPE_FAULT, body, seq, boot, ms)
