"""Fault records: the schema at the encoder, and what is shed when they do not fit."""

from phonehome_wire.bodies import defect_of
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError, TooBigError
from phonehome_wire.limits import MAX_FAULT_RECORD_BYTES
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import Fault, encode_fault
from phonehome_wire.registry import (
    FAULT_CONTEXT,
    FAULT_FREEZE,
    FAULT_LIMIT,
    FAULT_VALUE,
    FREEZE_CHANNELS,
    FREEZE_TRIGGER,
    KIND_CONFIRMED,
    RTYPE_FAULT,
)
from phonehome_wire.series import expand
from tests.shared.frames import FakeFrame, noisy_frame
from tests.shared.test_encoder import raised


def pump_fault(frame=None):
    """A fault with every field."""
    fault = Fault()
    fault.spn, fault.fmi, fault.status = 520203, 6, 0x2F
    fault.occurrence, fault.severity, fault.channel = 3, 4, 1
    fault.exp, fault.value, fault.limit = -2, 1925, 2500
    fault.failing_ms, fault.kind = 750, KIND_CONFIRMED
    fault.frame = frame
    fault.context = Metrics(24)
    for metric in range(4):
        fault.context.set(metric, 1000 * metric)
    return fault


def encoded(fault, budget=MAX_FAULT_RECORD_BYTES):
    """(size, body) of a fault record."""
    enc = Encoder(bytearray(4096), 100)
    encode_fault(enc, 42, 7, 123456, fault, budget)
    record = decode(enc.buf[100 : enc.pos])
    assert record[:4] == [RTYPE_FAULT, 42, 7, 123456]
    assert defect_of(RTYPE_FAULT, record[4]) is None
    assert enc.pos - 100 <= budget
    assert enc.end == 4096
    return enc.pos - 100, record[4]


def test_every_field_arrives():
    """A fault with a freeze frame comes back sample by sample."""
    frame = noisy_frame(channels=8, samples=16)
    frame.channels[3][1][5] = None
    _, body = encoded(pump_fault(frame))
    assert body[FAULT_VALUE] == [-2, 1925]
    assert body[FAULT_LIMIT] == 2500
    assert body[FAULT_CONTEXT] == {0: 0, 1: 1000, 2: 2000, 3: 3000}
    assert body[FAULT_FREEZE][FREEZE_TRIGGER] == 9
    for channel in range(8):
        assert expand(body[FAULT_FREEZE][FREEZE_CHANNELS][channel]) == frame.channels[channel]


def test_absent_fields_are_absent():
    """A fault with nothing but its identity writes five fields."""
    fault = Fault()
    fault.context = Metrics()
    assert encoded(fault)[1] == {0: 0, 1: 0, 2: 0, 3: 0, 4: 0}


def test_the_ladder_sheds_in_its_order():
    """As room shrinks: fewer samples, the fault's channel alone, no frame, then TooBig."""
    seen = []
    for budget in range(2048, 10, -1):
        frame = noisy_frame(channels=16, samples=64, trigger=40, amplitude=3000)
        try:
            _, body = encoded(pump_fault(frame), budget)
        except TooBigError:
            seen.append("too big")
            break
        freeze = body.get(FAULT_FREEZE)
        if freeze is None:
            rung = (0, 0)
        else:
            series = list(freeze[FREEZE_CHANNELS].values())
            rung = (len(freeze[FREEZE_CHANNELS]), len(series[0]) - 1)
        if not seen or seen[-1] != rung:
            seen.append(rung)
    assert seen == [(16, 32), (16, 16), (16, 8), (1, 8), (0, 0), "too big"]


def test_caps_from_256_to_2048_bytes_hold():
    """Whatever the cap, the record stays under it and the trigger sample stays inside."""
    for budget in (256, 320, 448, 512, 700, 919, 1024, 1400, 2048):
        frame = noisy_frame(channels=16, samples=128, trigger=127, amplitude=30000)
        _, body = encoded(pump_fault(frame), budget)
        freeze = body[FAULT_FREEZE]
        series = freeze[FREEZE_CHANNELS][1]
        _, samples = expand(series)
        assert samples[freeze[FREEZE_TRIGGER]] == frame.channels[1][1][127]


def test_cropping_keeps_the_trigger_central():
    """A shed frame is the window around the trigger, cut at the edges of what there is."""
    for trigger in (0, 20, 63):
        frame = FakeFrame({1: (0, list(range(64)))}, 100, trigger)
        fault = Fault()
        fault.channel = 1
        fault.frame = frame
        _, body = encoded(fault, 60)
        freeze = body[FAULT_FREEZE]
        _, samples = expand(freeze[FREEZE_CHANNELS][1])
        assert samples[freeze[FREEZE_TRIGGER]] == trigger
        assert len(samples) < 64
        assert samples == list(range(samples[0], samples[0] + len(samples)))


def test_a_frame_that_is_small_already_is_dropped_whole():
    """Samples below the ladder's least are not halved, and a lone channel is not searched."""
    fault = Fault()
    fault.channel = 1
    fault.frame = FakeFrame({1: (0, [100000] * 4)}, 100, 1)
    assert FAULT_FREEZE in encoded(fault, 60)[1]
    assert FAULT_FREEZE not in encoded(fault, 24)[1]


def test_without_an_own_channel_the_frame_goes():
    """A fault of no channel has none to keep."""
    fault = Fault()
    fault.frame = noisy_frame(channels=16, samples=8, trigger=2, amplitude=30000)
    assert FAULT_FREEZE not in encoded(fault, 200)[1]


def test_too_big_leaves_the_encoder_where_it_was():
    """After TooBig the position and the end are as before, so a smaller record can follow."""
    enc = Encoder(bytearray(64), 40)
    error = raised(TooBigError, encode_fault, enc, 1, 2, 3, pump_fault())
    assert (error.reason, enc.pos, enc.end) == ("space", 40, 64)


def test_values_outside_the_schema_are_local_mistakes():
    """The encoder refuses what the far end would refuse, and names the field."""
    for field, value in (
        ("spn", 524288),
        ("fmi", 32),
        ("status", 256),
        ("occurrence", 127),
        ("severity", 8),
        ("channel", 256),
        ("exp", 10),
        ("failing_ms", -1),
        ("kind", 4),
    ):
        fault = pump_fault()
        setattr(fault, field, value)
        enc = Encoder(bytearray(2048))
        error = raised(EncodeError, encode_fault, enc, 1, 2, 3, fault)
        assert error.reason == "range"
        assert field in error.detail


def test_frames_outside_the_schema_are_local_mistakes():
    """Seventeen channels, a trigger outside, a period of 0, ids that do not ascend."""
    enc = Encoder(bytearray(4096))
    for frame in (
        FakeFrame({i: (0, [1]) for i in range(17)}),
        FakeFrame({0: (0, [1])}, 100, 1),
        FakeFrame({0: (0, [1])}, 0, 0),
    ):
        assert raised(EncodeError, encode_fault, enc, 1, 2, 3, pump_fault(frame)).reason == "range"
    frame = FakeFrame({0: (0, [1]), 1: (0, [1])})
    frame.ids = [1, 0]
    error = raised(EncodeError, encode_fault, enc, 1, 2, 3, pump_fault(frame))
    assert error.reason == "key order/dup"


def test_context_has_its_cap():
    """A fault carries at most 24 metrics."""
    fault = pump_fault()
    fault.context = Metrics(30)
    for metric in range(25):
        fault.context.set(metric, 1)
    assert (
        raised(EncodeError, encode_fault, Encoder(bytearray(2048)), 1, 2, 3, fault).reason
        == "range"
    )
