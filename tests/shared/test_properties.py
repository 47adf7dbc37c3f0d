# cpython-only
"""Properties that hold for whatever hypothesis thinks of, and two other libraries as witnesses."""

import io

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import WireError
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import Fault, encode_fault
from phonehome_wire.registry import FAULT_FREEZE, FREEZE_CHANNELS, FREEZE_TRIGGER
from phonehome_wire.series import expand, put_series
from phonehome_wire.uplink import decode_uplink
from tests.shared.frames import FakeFrame
from tests.shared.golden import positives
from tests.vectors.negatives import HERE, json, negatives

MAX = 2**53 - 1
INTEGERS = st.integers(-MAX, MAX)
SAMPLES = st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))
LEAVES = st.one_of(
    INTEGERS, st.booleans(), st.none(), st.binary(max_size=40), st.text(max_size=40)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.integers(0, MAX), inner, max_size=5)
    ),
    max_leaves=20,
)


def depth(value):
    """Levels of containers in a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


def written(value):
    """What the encoder makes of a value."""
    enc = Encoder(bytearray(20000), 0)
    enc.put_value(value)
    return bytes(enc.buf[: enc.pos])


@given(VALUES.filter(lambda value: depth(value) <= 8))
@settings(max_examples=300, deadline=None)
def test_values_round_trip_and_agree_with_cbor2(value):
    """Every value of the profile comes back, and its bytes are the canonical ones of cbor2."""
    data = written(value)
    assert decode(data, 20000) == value
    assert data == cbor2.dumps(value, canonical=True)


@given(st.lists(SAMPLES, min_size=1, max_size=128), st.integers(-9, 9))
@settings(max_examples=200, deadline=None)
def test_series_round_trip(samples, exp):
    """Any samples with any gaps and the extremes of a ring come back."""
    enc = Encoder(bytearray(2000), 0)
    put_series(enc, FakeFrame({0: (exp, samples)}), 0, 0, len(samples))
    assert expand(decode(bytes(enc.buf[: enc.pos]))) == (exp, samples)


@given(st.dictionaries(st.integers(0, 255), INTEGERS, max_size=48))
@settings(max_examples=200, deadline=None)
def test_metrics_are_a_sorted_map(values):
    """Whatever was set in whatever order is the map that arrives."""
    metrics = Metrics()
    for metric, value in values.items():
        metrics.set(metric, value)
    enc = Encoder(bytearray(2000), 0)
    metrics.put(enc)
    assert decode(bytes(enc.buf[: enc.pos])) == values


@given(st.data(), st.integers(60, 2048))
@settings(max_examples=200, deadline=None)
def test_the_ladder_never_lies(data, budget):
    """Whatever was shed, the samples that arrive are those around the trigger, unchanged."""
    count = data.draw(st.integers(1, 128))
    ids = sorted(data.draw(st.sets(st.integers(0, 255), min_size=1, max_size=16)))
    column = st.lists(SAMPLES, min_size=count, max_size=count)
    frame = FakeFrame(
        {i: (0, data.draw(column)) for i in ids}, 100, data.draw(st.integers(0, count - 1))
    )
    fault = Fault()
    fault.channel, fault.frame = ids[0], frame
    enc = Encoder(bytearray(2200), 0)
    encode_fault(enc, 1, 2, 3, fault, budget)
    assert enc.pos <= budget
    freeze = decode(bytes(enc.buf[: enc.pos]))[4].get(FAULT_FREEZE)
    if freeze is not None:
        first = frame.trigger - freeze[FREEZE_TRIGGER]
        for channel, series in freeze[FREEZE_CHANNELS].items():
            _, samples = expand(series)
            assert samples == frame.channels[channel][1][first : first + len(samples)]


@given(st.binary(max_size=200))
@settings(max_examples=1000, deadline=None)
def test_noise_is_a_value_or_a_refusal(data):
    """Bytes from nowhere never end in another exception, and what is taken is canonical."""
    for read in (decode, decode_uplink):
        try:
            value = read(data)
        except WireError:
            continue
        if read is decode:
            assert written(value) == data


def test_cbor2_reads_the_golden_payloads_alike():
    """An independent reader understands every golden payload as we do."""
    for name, _, _, payload, _ in positives():
        assert cbor2.load(io.BytesIO(payload)) == decode(payload), name


def test_negative_vectors_are_what_their_source_makes():
    """The file on disk is up to date with the script that writes it."""
    lines = (HERE / "negative.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == negatives()
