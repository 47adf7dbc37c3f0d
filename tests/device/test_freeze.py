"""The freeze ring holds the newest rows, also when time jumps."""

from phonehome.core.channel import Channel
from phonehome.core.freeze import FreezeRing
from phonehome_wire.series import MISSING

GONE = None


def ring_of(samples=4, period_ms=1000, ids=(7, 3)):
    """A ring and its channels, which have their number as name and as exponent."""
    channels = [Channel(number, f"s{number}", "", -number, 1000) for number in ids]
    return FreezeRing(channels, period_ms, samples), channels


def note(ring, channels, index, value):
    """A channel has a new value and the ring is told."""
    channels[index].value = value
    ring.put(index)


def column(ring, place):
    """The samples of the channel at a place, as a frame would send them."""
    frame = ring.capture()
    samples = [frame.sample(place, number) for number in range(frame.count)]
    return [GONE if sample == MISSING else sample for sample in samples]


def test_the_trigger_is_the_newest_sample():
    """A frame ends with the moment of its capture; before it are the samples that were."""
    ring, channels = ring_of()
    for second in range(3):
        note(ring, channels, 0, second)
        frame = ring.capture()
        assert frame.trigger == frame.count - 1 == second
        assert column(ring, 1) == list(range(second + 1))
        ring.advance(1000)


def test_channels_come_in_the_order_of_their_ids():
    """The wire wants ascending ids, in whatever order the product has its sensors."""
    ring, channels = ring_of(ids=(7, 3, 5))
    note(ring, channels, 0, 70)
    note(ring, channels, 1, 30)
    frame = ring.capture()
    assert [frame.channel_id(place) for place in range(frame.channel_count)] == [3, 5, 7]
    assert [frame.exp(place) for place in range(3)] == [-3, -5, -7]
    assert [column(ring, place) for place in range(3)] == [[30], [GONE], [70]]


def test_old_rows_make_room():
    """The ring keeps the newest rows and never more than its samples."""
    ring, channels = ring_of(samples=4)
    for second in range(10):
        note(ring, channels, 0, second)
        ring.advance(1000)
    note(ring, channels, 0, 10)
    assert column(ring, 1) == [7, 8, 9, 10]


def test_slow_channels_hold_their_value():
    """Between two samples of a slow channel its rows repeat what it has."""
    ring, channels = ring_of()
    note(ring, channels, 0, 5)
    for _ in range(3):
        ring.advance(1000)
    assert column(ring, 1) == [5, 5, 5, 5]


def test_a_missing_sample_is_missing_in_the_frame():
    """A failed read shows as a gap, not as the value before it."""
    ring, channels = ring_of()
    note(ring, channels, 0, 5)
    ring.advance(1000)
    note(ring, channels, 0, MISSING)
    assert column(ring, 1) == [5, GONE]


def test_time_in_which_nobody_looked_is_missing():
    """A pause of several periods leaves missing rows, a very long one only those."""
    ring, channels = ring_of(samples=5)
    note(ring, channels, 0, 5)
    assert ring.advance(3000)
    assert column(ring, 1) == [5, GONE, GONE, 5]
    ring.advance(10**9)
    assert column(ring, 1) == [GONE, GONE, GONE, GONE, 5]


def test_rows_keep_their_grid():
    """A late row does not move the next one."""
    ring, _ = ring_of(period_ms=1000)
    assert not ring.advance(999)
    assert ring.advance(31)
    assert ring.wait_ms == 970
    assert ring.advance(970)
    assert ring.wait_ms == 1000
    assert ring.advance(2500)
    assert ring.wait_ms == 500


def test_a_ring_of_one_sample_is_the_moment():
    """The smallest frame is the values at the confirmation."""
    ring, channels = ring_of(samples=1)
    note(ring, channels, 0, 1)
    ring.advance(1000)
    note(ring, channels, 0, 2)
    assert column(ring, 1) == [2]
