# cpython-only
"""Usual reports by pattern: the same as decoded, and nothing that the decoder would refuse."""

import random

from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import RefusedError
from phonehome_wire.report import read_uplink
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink
from phonehome_wire.usual import read_usual
from tests.shared.golden import positives
from tests.shared.test_mutations import Dice, mutated

# Around each width of an integer, and each bound of a field.
EDGES = (0, 1, 3, 4, 7, 8, 9, 10, 15, 16, 22, 23, 24, 30, 31, 32, 48, 49, 126, 127, 128, 129)
EDGES += (255, 256, 65535, 65536, 524287, 524288, 3538943, 3538944, 3600000, 3600001)
EDGES += (2**32 - 1, 2**32, 2**53 - 2, 2**53 - 1)
USUAL = (
    "20 queued faults",
    "LWT (signed at CONNECT)",
    "empty poll",
    "fault+freeze frame",
    "heartbeat",
)
ROUNDS = 3000


def told(uplink):
    """Everything that an uplink says."""
    head = {name: value for name, value in vars(uplink).items() if name != "records"}
    records = [(r.rtype, r.boot, r.seq, r.ms, r.body, r.raw, r.defect) for r in uplink.records]
    return head, records


def decoded(payload):
    """What the decoder makes of a payload, None when it refuses it."""
    try:
        return told(read_uplink(payload))
    except RefusedError:
        return None


class Chance:
    """Reports with any values, most of them usual."""

    def __init__(self, seed):
        self._rng = random.Random(seed)

    def number(self, usual):
        """Mostly at most `usual`, else an edge."""
        rng = self._rng
        return rng.randint(0, usual) if rng.random() < 0.9 else rng.choice(EDGES)

    def signed(self, usual):
        """The same of either sign."""
        number = self.number(usual)
        return number if self._rng.random() < 0.5 else -1 - min(number, 2**53 - 2)

    def maybe(self, chance=0.5):
        """Whether to say something."""
        return self._rng.random() < chance

    def metrics(self):
        """A map of them, rarely one that is not allowed."""
        ids = self._rng.sample(range(2, 260), self._rng.randint(1, 26))
        ids = [n for n in ids if n < 256 or self.maybe(0.1)] or [1]
        return {n: self.signed(70_000) for n in ids if n != 16 or self.maybe(0.2)} or {0: 1}

    def series(self):
        """Exponent and samples."""
        count = self._rng.choice((1, 2, 20, 21, 22, 23, 24, 128, 129) if self.maybe(0.2) else (8,))
        steps = [None if self.maybe(0.05) else self.signed(30) for _ in range(count)]
        return [self.signed(8), *steps]

    def fault(self):
        """A body of a fault."""
        body = {0: self.number(520_000), 1: self.number(31), 2: self.number(255)}
        body |= {3: self.number(126), 4: self.number(7)}
        optional = {
            5: lambda: self.number(255),
            6: lambda: [self.signed(8), self.signed(3000)],
            7: lambda: self.signed(3000),
            8: lambda: self.number(100_000),
            9: lambda: {0: self.number(5000), 1: self.number(255), 2: self.channels()},
            10: self.metrics,
            11: lambda: self.number(3),
        }
        return body | {key: make() for key, make in optional.items() if self.maybe()}

    def channels(self):
        """Of a freeze frame."""
        ids = self._rng.sample(range(40), self._rng.choice((0, 1, 8, 17)) or 1)
        return {n: self.series() for n in ids}

    def payload(self):
        """A whole report."""
        head = UplinkHead(b"incr", self.number(300), self.number(10**10), bytes(4))
        head.build = bytes(self._rng.randint(4, 8))
        if self.maybe():
            head.utc_ms, head.utc_quality = self.number(10**12), self.number(3)
            head.dropped, head.next_seq = self.number(9), self.number(9000)
            head.state, head.conn = self.number(1), self.number(9)
        if self.maybe():
            head.manifest, head.is_carried = b"mani", self.maybe()
        if self.maybe():
            head.server_ms, head.server_at_ms = self.number(10**12), self.number(10**6)
            head.origin_inc = b"orig" if self.maybe() else None
        enc = Encoder(bytearray(20_000), 0)
        count = self._rng.choice((0, 1, 1, 1, 2, 3, 24))
        begin_uplink(enc, head, count)
        for _ in range(count):
            enc.put_array(5)
            rtype = self._rng.choice((2, 3)) if self.maybe(0.98) else 5
            for value in (rtype, self.number(300), self.number(300), self.number(10**6)):
                enc.put_uint(value)
            enc.put_value(self.fault() if rtype == 3 else self.metrics())
        end_uplink(enc, head)
        return bytes(enc.buf[: enc.pos])


def check(payload):
    """1 when the patterns take a payload, which then reads as the decoder reads it."""
    usual = read_usual(payload)
    if usual is None:
        return 0
    assert told(usual) == decoded(payload), payload.hex()
    return 1


def test_usual_reports_are_taken():
    """What devices send every day, of the vectors, is not decoded; the rest is left."""
    taken = [p[0] for p in positives() if p[1] == "up" and check(p[3])]
    assert sorted(taken) == sorted(USUAL)


def test_whatever_values_they_have():
    """Reports with any values: each that is taken says what the decoder says, with no defect."""
    chance = Chance(1)
    payloads = [chance.payload() for _ in range(ROUNDS)]
    taken = sum(map(check, payloads))
    sound = [found for found in map(decoded, payloads) if found is not None]
    assert ROUNDS // 10 < taken < len(sound)
    assert any(record[-1] for _, records in sound for record in records)


def test_nothing_is_taken_that_is_refused():
    """Changed in a byte or three: what is taken is what the decoder takes, and says the same."""
    chance, dice = Chance(2), Dice(3)
    payloads = [chance.payload() for _ in range(ROUNDS // 10)] + [p[3] for p in positives()]
    payloads = [payload for payload in payloads if check(payload)]
    spoiled = [mutated(dice, payload) for payload in payloads for _ in range(60)]
    taken = sum(map(check, spoiled))
    refused = sum(decoded(payload) is None for payload in spoiled)
    assert taken > len(spoiled) // 10
    assert refused > len(spoiled) // 10


def test_no_number_is_taken_in_a_longer_form():
    """Every integer of a usual report written one width longer: left to the decoder."""
    for name in USUAL:
        payload = next(p[3] for p in positives() if p[0] == name)
        for at, byte in enumerate(payload):
            if byte < 0x18:
                check(payload[:at] + bytes((0x18, byte)) + payload[at + 1 :])


def test_a_long_report_is_left():
    """More bytes than items are allowed: only the decoder counts those."""
    enc = Encoder(bytearray(4096), 0)
    head = UplinkHead(b"incr", 1, 1, bytes(4))
    begin_uplink(enc, head, 64)
    for seq in range(64):
        enc.put_array(5)
        for value in (2, 1, seq, 1):
            enc.put_uint(value)
        enc.put_value(dict.fromkeys(range(15), 0))
    end_uplink(enc, head)
    assert decoded(bytes(enc.buf[: enc.pos])) is None
    assert read_usual(bytes(enc.buf[: enc.pos])) is None
