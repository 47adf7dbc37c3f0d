"""A small mutation loop that runs on a board's interpreter too; fuzz.py is the large one."""

from phonehome_wire.decoder import decode
from phonehome_wire.downlink import decode_downlink
from phonehome_wire.errors import WireError
from phonehome_wire.uplink import decode_uplink
from tests.shared.golden import positives, reason_of, receive

ROUNDS = 60
HEADS = b"\x00\x18\x19\x1a\x1b\x1f\x20\x38\x40\x5b\x61\x7b\x80\x9b\xa0\xbb\xc0\xf4\xf6\xf9\xff"


class Dice:
    """The same numbers on every interpreter."""

    def __init__(self, seed):
        self.state = seed

    def roll(self, sides):
        """A number below `sides`."""
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return (self.state >> 8) % sides


def mutated(dice, data):
    """The data with one to three bytes changed, inserted or cut away."""
    changed = bytearray(data)
    for _ in range(1 + dice.roll(3)):
        at = dice.roll(len(changed))
        how = dice.roll(4)
        if how == 0:
            changed[at] ^= 1 << dice.roll(8)
        elif how == 1:
            changed[at] = HEADS[dice.roll(len(HEADS))]
        elif how == 2:
            changed = changed[:at] + HEADS[dice.roll(len(HEADS)) :][:1] + changed[at:]
        elif at:
            changed = changed[:at]
    return bytes(changed)


def test_mutated_payloads_are_values_or_refusals():
    """Whatever an authentic sender says, each reader gives a value or the wire error."""
    dice = Dice(7)
    seen = 0
    for _, way, _, payload, _ in positives():
        for _ in range(ROUNDS):
            data = mutated(dice, payload)
            for read in (decode, decode_uplink if way == "up" else decode_downlink):
                try:
                    read(data)
                except WireError:
                    seen += 1
    assert seen > ROUNDS


def test_mutated_messages_are_refused():
    """Nothing that was changed after signing gets through."""
    dice = Dice(8)
    for _, way, _, _, message in positives():
        for _ in range(ROUNDS):
            data = mutated(dice, message)
            if data != message:
                assert reason_of(receive, way, data) in ("frame", "kid", "tag")


def test_noise_is_refused():
    """Bytes from nowhere are no message."""
    dice = Dice(9)
    for size in range(200):
        noise = bytes([dice.roll(256) for _ in range(size)])
        assert reason_of(receive, "dn", noise) == "frame"
