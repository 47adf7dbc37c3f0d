"""Metrics, series and the sample sentinel."""

from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError
from phonehome_wire.metrics import Metrics
from phonehome_wire.series import MISSING, expand, put_series
from tests.shared.frames import FakeFrame
from tests.shared.test_encoder import raised


def encoded(metrics):
    """What the metrics write, decoded."""
    enc = Encoder(bytearray(600), 0)
    metrics.put(enc)
    return decode(enc.buf[: enc.pos])


def series_of(exp, samples, lo=0, hi=None):
    """A written and decoded series."""
    enc = Encoder(bytearray(1400), 0)
    frame = FakeFrame({7: (exp, samples)})
    put_series(enc, frame, 0, lo, len(samples) if hi is None else hi)
    return decode(enc.buf[: enc.pos])


def test_metrics_stand_in_ascending_order():
    """Whatever the order of setting, the map on the wire is sorted, and the last value counts."""
    metrics = Metrics()
    for metric in (200, 3, 0, 255, 7, 3):
        metrics.set(metric, -metric)
    metrics.set(7, 2**50)
    assert encoded(metrics) == {0: 0, 3: -3, 7: 2**50, 200: -200, 255: -255}
    assert len(metrics) == 5


def test_metrics_count():
    """Adding starts from 0, reading what was never set gives 0, clearing forgets."""
    metrics = Metrics(4)
    metrics.add(4)
    metrics.add(4, 5)
    assert (metrics.get(4), metrics.get(5)) == (6, 0)
    metrics.clear()
    assert (metrics.get(4), len(metrics)) == (0, 0)


def test_metrics_have_room_for_so_many():
    """One more than the capacity, or an id above 255, is refused; known ones still change."""
    metrics = Metrics(2)
    metrics.set(1, 1)
    assert raised(EncodeError, metrics.set, 256, 1).reason == "range"
    metrics.set(2, 2)
    assert raised(EncodeError, metrics.set, 3, 3).reason == "items"
    metrics.set(1, 9)
    assert encoded(metrics) == {1: 9, 2: 2}


def test_series_come_back():
    """Samples survive, with missing ones at the beginning, inside and at the end."""
    for samples in (
        [5],
        [None],
        [None, None, 3],
        [1, 2, 2, None, -7, None],
        [-(2**31) + 1, 2**31 - 1, -(2**31) + 1],
        [0] * 128,
    ):
        assert expand(series_of(-3, samples)) == (-3, samples)


def test_a_delta_counts_from_the_last_sample_that_is_there():
    """The bytes are those of the schema: exponent, first, deltas, null where one is missing."""
    assert series_of(1, [10, None, 12, 11]) == [1, 10, None, 2, -1]
    assert series_of(0, [None, 7, 7]) == [0, None, 7, 0]


def test_a_part_of_a_series_begins_with_its_own_first():
    """A cropped series stands on its own."""
    assert series_of(0, [1, 2, 30, 31, 5], 2, 4) == [0, 30, 1]


def test_series_keep_the_schema():
    """Exponents beyond 9, no sample, or more than 128 are refused."""
    assert raised(EncodeError, series_of, 10, [1]).reason == "range"
    assert raised(EncodeError, series_of, -10, [1]).reason == "range"
    assert raised(EncodeError, series_of, 0, [1], 1, 1).reason == "range"
    assert raised(EncodeError, series_of, 0, [0] * 129).reason == "range"


def test_the_sentinel_fits_a_ring_of_int32():
    """Missing is the one value that the rings of a board can hold and no sensor may use."""
    assert MISSING == -2147483648
