"""Signed answers: what an ack says, and how it is cut to what a device can hold."""

from dataclasses import dataclass, field

from phonehome_wire.downlink import Ack, put_ack
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, seal
from phonehome_wire.errors import TooBigError
from phonehome_wire.limits import MAX_DOWNLINK_BYTES

from .arrivals import DeviceKey, RecordId
from .intervals import ranges

_ROOM = PAYLOAD_OFFSET + MAX_DOWNLINK_BYTES
# 20 bytes of envelope in front (template, length head) and 9 behind (tag) belong to the message.
_PAYLOAD_END = _ROOM - 31


@dataclass(slots=True)
class Answer:
    """What to tell the sender of one uplink, before it is bytes.

    `inc`, `boot` and `echo_ms` are the uplink's own (keys 1, 2, 3); `origin` echoes its key 13.
    """

    inc: bytes
    boot: int
    echo_ms: int
    stored: list[RecordId] = field(default_factory=list)
    refused: list[tuple[int, int, int]] = field(default_factory=list)
    backoff_s: int | None = None
    origin: bytes | None = None
    poll: int | None = None


def sign_ack(key: DeviceKey, answer: Answer, server_ms: int) -> bytes:
    """The signed ack of at most 1024 bytes.

    Records that do not fit are left out: the device sends them again and they are duplicates.
    """
    stored = stored_ranges(answer.stored)
    refused = answer.refused
    while True:
        ack = Ack(
            answer.inc,
            answer.boot,
            server_ms,
            answer.echo_ms,
            stored,
            refused,
            answer.backoff_s,
            answer.origin,
            answer.poll,
        )
        try:
            return _sealed(key, ack)
        except TooBigError:
            stored, refused = stored[: len(stored) // 2], refused[: len(refused) // 2]


def stored_ranges(stored: list[RecordId]) -> list[tuple[int, int, int]]:
    """(boot, first seq, last seq) of some records, ascending."""
    if len(stored) == 1:
        boot, seq = stored[0]
        return [(boot, seq, seq)]
    boots: dict[int, list[int]] = {}
    for boot, seq in stored:
        boots.setdefault(boot, []).append(seq)
    return [(boot, low, high) for boot in sorted(boots) for low, high in ranges(boots[boot])]


def _sealed(key: DeviceKey, ack: Ack) -> bytes:
    buffer = bytearray(_ROOM)
    encoder = Encoder(buffer, PAYLOAD_OFFSET, _PAYLOAD_END)
    put_ack(encoder, ack)
    start, end = seal(buffer, encoder.pos, key.down, key.kid)
    return bytes(buffer[start:end])
